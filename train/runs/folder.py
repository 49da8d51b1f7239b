"""The folder of a run.

run.json  config.json  data.json  model.json  tokenizer.json  parity.json  report.json  curves.png
jax/    metrics.jsonl  speed.jsonl  checkpoint.safetensors  report.json
        if asked for: samples.jsonl  events.out.tfevents.*
torch/  the same

An imported run has model.json, tokenizer.json and, beside them, its checkpoint. While a process writes, .lock
and owner.json say which.
"""

from pathlib import Path

from tokenizers import Tokenizer

import data
from train.architecture import Architecture
from train.runs import digests
from train.runs.durable import write_json

PARTS = (
    *("config.json", "data.json", "model.json", "tokenizer.json", "tokenizer_config.json"),
    *("hugging_face.json", "generation_config.json"),
)


def create(folder: Path, architecture: Architecture, classes: tuple[str, ...], tokenizer: Tokenizer) -> None:
    """Begin a run's folder with its model and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "model.json", architecture.to_json() | {"classes": classes})
    data.save_tokenizer(tokenizer, folder / "tokenizer.json")


def parts(folder: Path) -> dict[str, str]:
    """The digests of what a run is, which its checkpoints hold."""
    return digests.of_files(folder, PARTS)


def checkpoint_folder(folder: Path, framework: str) -> Path:
    """Where the weights are: trained in this framework if there are such, in the other, or imported."""
    own, other = folder / framework, folder / ("torch" if framework == "jax" else "jax")
    if own.exists():
        return own
    return next((place for place in (other, folder) if (place / "checkpoint.safetensors").is_file()), own)
