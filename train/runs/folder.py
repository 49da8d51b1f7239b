"""The folder of a run.

config.json  model.json  tokenizer.json  parity.json  report.json  curves.png
jax/    metrics.jsonl  checkpoint.safetensors  checkpoint.json  report.json
torch/  the same

An imported run has model.json, tokenizer.json and, beside them, its checkpoint.
"""

from pathlib import Path

from tokenizers import Tokenizer

import data
from train.architecture import Architecture
from train.config import write_json


def create(folder: Path, architecture: Architecture, classes: tuple[str, ...], tokenizer: Tokenizer) -> None:
    """Begin a run's folder with its model and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "model.json", architecture.to_json() | {"classes": classes})
    data.save_tokenizer(tokenizer, folder / "tokenizer.json")


def checkpoint_folder(folder: Path, framework: str) -> Path:
    """Where the weights are: trained in this framework if there are such, in the other, or imported."""
    own, other = folder / framework, folder / ("torch" if framework == "jax" else "jax")
    if own.exists():
        return own
    return next((place for place in (other, folder) if (place / "checkpoint.safetensors").is_file()), own)
