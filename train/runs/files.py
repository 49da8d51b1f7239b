"""The files of a run's folder that are read without a framework: its configuration and its model."""

from pathlib import Path
from typing import Any

from train.architecture import Architecture
from train.config import Config
from train.fields import check_types
from train.runs import untrusted
from train.runs.errors import RunError


def read_config(folder: Path) -> Config:
    """How a run was trained."""
    if not (folder / "config.json").exists() and (folder / "checkpoint.safetensors").is_file():
        raise RunError(
            f"{folder} was imported, not trained here, so nothing says on what: let it write (generate), "
            "train a classifier from it (train classifier-polarity-from --init), or export it"
        )
    fields = read_json(folder / "config.json", f"{folder} is no trained run")
    try:
        config = Config.from_json(fields)
        check_types(config)
        return config
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"{folder / 'config.json'} is not the configuration of a run: {error!r}") from error


def read_model(folder: Path) -> tuple[Architecture, tuple[str, ...]]:
    """The model of a run, and the names of its classes."""
    fields = read_json(folder / "model.json", f"{folder} is no trained run")
    try:
        architecture, classes = Architecture.from_json(fields), fields["classes"]
        _check_classes(architecture, classes)
        return architecture, tuple(classes)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"{folder / 'model.json'} is not the model of a run: {error!r}") from error


def _check_classes(architecture: Architecture, classes: Any) -> None:
    """Raise ValueError unless there is a name for each class that the model tells apart."""
    count = getattr(architecture.config, "classes", 0) if architecture.name.endswith("classifier") else 0
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise ValueError(f"classes {classes!r:.60} are no list of names")
    if len(classes) != count:
        raise ValueError(f"{len(classes)} names for {count} classes")


def read_json(path: Path, missing: str) -> dict[str, Any]:
    """What a JSON file holds; ``missing`` begins the RunError where there is no such file."""
    if not path.exists():
        raise RunError(f"{missing}: cannot read {path} (No such file or directory)")
    return untrusted.read_json(path)


def check_writes(folder: Path, architecture: Architecture) -> None:
    """Raise RunError where the model that a run holds writes no text."""
    if architecture.name != "gpt":
        raise RunError(f"{folder} holds a {architecture.name}, which writes no text: give a run of gpt")
