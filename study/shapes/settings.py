"""Settings as they are typed, read without a framework."""

import json
from pathlib import Path
from typing import Any

from parity_tests.twins.names import UnknownTwin, check_name
from train.config import ConfigError


def check_subject(name: str) -> None:
    """Raise UnknownTwin unless a twin has this name, or it is a folder that may hold a model."""
    if is_run(Path(name)) or is_theirs(Path(name)):
        return
    if Path(name).is_dir():
        raise UnknownTwin(
            f"{name} has neither model.json, as runs have, nor config.json, as Hugging Face's folders"
        )
    if name == "all":
        raise UnknownTwin("'all': one model or block at a time")
    check_name(name)


def is_run(folder: Path) -> bool:
    """Whether a folder is a run's."""
    return (folder / "model.json").is_file()


def is_theirs(folder: Path) -> bool:
    """Whether a folder may be one of Hugging Face."""
    return (folder / "config.json").is_file()


def parse(settings: list[str]) -> dict[str, Any]:
    """``["embed=64", "norm=rms"]`` as names and values. Raises ConfigError."""
    found = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"set={text}: write a setting and its value, such as embed=64")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = {"True": True, "False": False, "None": None}.get(value, value)
    return found
