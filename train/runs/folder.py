"""The folder of a run.

config.json  model.json  tokenizer.json  parity.json  report.json  curves.png
jax/    metrics.jsonl  checkpoint.safetensors  checkpoint.json  report.json
torch/  the same

An imported run has model.json, tokenizer.json and, beside them, its checkpoint.
"""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

import data
from train.architecture import Architecture
from train.config import Config, write_json


class RunError(ValueError):
    """A folder that is no run, or already holds one; the message names it and the remedy."""


def refuse_used(folder: Path) -> None:
    """Raise RunError where something new would be written over something else."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} is not empty: give another folder, or move that one away")


def create(folder: Path, architecture: Architecture, classes: tuple[str, ...], tokenizer: Tokenizer) -> None:
    """Begin a run's folder with its model and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "model.json", architecture.to_json() | {"classes": classes})
    data.save_tokenizer(tokenizer, folder / "tokenizer.json")


def read_model(folder: Path) -> tuple[Architecture, tuple[str, ...]]:
    """The model of a run, and the names of its classes."""
    fields = read_json(folder / "model.json", f"{folder} is no trained run")
    try:
        return Architecture.from_json(fields), tuple(fields["classes"])
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{folder / 'model.json'} is not the model of a run: {error!r}") from error


def read_config(folder: Path) -> Config:
    """How a run was trained."""
    fields = read_json(folder / "config.json", f"{folder} is no trained run")
    try:
        return Config.from_json(fields)
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{folder / 'config.json'} is not the configuration of a run: {error!r}") from error


def read_json(path: Path, missing: str) -> dict[str, Any]:
    """What a JSON file holds; ``missing`` begins the RunError where there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{missing}: cannot read {path} ({error.strerror})") from error
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}") from error


def checkpoint_folder(folder: Path, framework: str) -> Path:
    """Where the weights are: trained in this framework if there are such, in the other, or imported."""
    own, other = folder / framework, folder / ("torch" if framework == "jax" else "jax")
    if own.exists():
        return own
    return next((place for place in (other, folder) if (place / "checkpoint.safetensors").is_file()), own)
