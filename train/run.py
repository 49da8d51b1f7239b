"""Opening a run: its model, weights and tokenizer, in either framework."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from tokenizers import Tokenizer

import data
from train import checkpoint
from train.config import Config
from train.folder import RunError, checkpoint_folder, read_config
from train.models import LOOPS, parameter_shapes
from train.task import model_arguments

Outputs = Callable[..., Float[np.ndarray, "..."]]


@dataclass(frozen=True)
class Run:
    """A trained run, opened in one framework."""

    folder: Path
    config: Config
    about: dict[str, Any]
    """What the task keeps about its data: the names of a classifier's "classes"."""
    tokenizer: Tokenizer
    model: Any
    """TextClassifier, BertMaskedWords or GPT of jax_impl or torch_impl; PyTorch's holds its weights."""
    params: checkpoint.Arrays
    """The weights, flat, in Flax's names and layout: "blocks_0/attention/query/kernel"."""
    outputs: Outputs
    """The model's inputs, in its order, to logits: (ids, mask) of a classifier, (ids, mask, positions) of
    BERT, (ids,) of GPT; mask is True at real tokens. Ids outside the vocabulary are an error."""


def load(folder: str | Path, framework: str = "jax") -> Run:
    """Open a run in "jax" or "torch", whichever of the two trained it.

    ``train.load("runs/polarity", "torch").outputs(ids, mask)`` gives logits (batch classes).

    Raises RunError or checkpoint.CheckpointError naming the file at fault.
    """
    folder = Path(folder)
    if framework not in LOOPS:
        raise RunError(f"framework={framework!r}: choose one of {', '.join(LOOPS)}")
    config, about = read_config(folder)
    tokenizer = data.load_tokenizer(folder / "tokenizer.json")
    arguments = model_arguments(config, tokenizer, about)
    params = checkpoint.load(checkpoint_folder(folder, framework), parameter_shapes(config.family, arguments))
    loop = LOOPS[framework]
    model = loop.build_model(config.family, arguments)
    unchecked = loop.outputs(model, params)

    def outputs(ids: np.ndarray, *others: np.ndarray) -> np.ndarray:
        data.check_ids(list(ids), arguments["vocab"])
        return unchecked(ids, *others)

    return Run(folder, config, about, tokenizer, model, params, outputs)
