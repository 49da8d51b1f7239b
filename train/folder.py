"""The folder of a run.

config.json  tokenizer.json  parity.json  report.json  curves.png
jax/    metrics.jsonl  checkpoint.safetensors  checkpoint.json  report.json
torch/  the same
"""

import json
from pathlib import Path
from typing import Any

import data
from train.config import Config, write_json
from train.task import Task


class RunError(ValueError):
    """A folder that is no run, or already holds one; the message names it and the remedy."""


def refuse_used(folder: Path) -> None:
    """Raise RunError where a new run would write over something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} is not empty: give --out another folder, or move that one away")


def create(folder: Path, task: Task) -> None:
    """Begin a run's folder with its configuration and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", task.config.to_json() | {"about": task.about})
    data.save_tokenizer(task.tokenizer, folder / "tokenizer.json")


def read_config(folder: Path) -> tuple[Config, dict[str, Any]]:
    """The configuration of a run, and what its task keeps about its data."""
    path = folder / "config.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        about = fields.pop("about")
        return Config.from_json(fields), about
    except OSError as error:
        raise RunError(f"{folder} is no run: cannot read {path} ({error.strerror})") from error
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path} is not the configuration of a run: {error!r}") from error


def checkpoint_folder(folder: Path, framework: str) -> Path:
    """Where the weights are: trained in this framework if there are such, else in the other."""
    own, other = folder / framework, folder / ("torch" if framework == "jax" else "jax")
    return other if (other / "checkpoint.safetensors").is_file() and not own.exists() else own
