"""Opening a run: its model, weights and tokenizer, in either framework."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

import data
from train.architecture import Architecture
from train.loops.frameworks import LOOPS
from train.loops.jax_loop import parameter_shapes
from train.runs import checkpoint
from train.runs.files import RunError, read_model
from train.runs.folder import checkpoint_folder

Outputs = Callable[..., Any]


@dataclass(frozen=True)
class Run:
    """A trained run, opened in one framework."""

    folder: Path
    architecture: Architecture
    classes: tuple[str, ...]
    """The names of what a classifier tells apart; none of other models."""
    tokenizer: Tokenizer
    model: Any
    """The model of jax_impl or torch_impl; PyTorch's holds its weights."""
    params: checkpoint.Arrays
    """The weights, flat, in Flax's names and layout: "blocks_0/attention/query/kernel"."""
    outputs: Outputs
    """The model's inputs, in its order, to what it returns: logits from (ids, mask) of a classifier,
    (ids, mask, positions) of BERT, (ids,) of GPT; mask is True at real tokens. Ids outside the vocabulary are
    an error."""


def load(folder: str | Path, framework: str = "jax") -> Run:
    """Open a run in "jax" or "torch", whichever of the two trained it.

    ``train.load("runs/polarity", "torch").outputs(ids, mask)`` gives logits (batch classes).

    Raises RunError or checkpoint.CheckpointError naming the file at fault.
    """
    folder = Path(folder)
    if framework not in LOOPS:
        raise RunError(f"framework={framework!r}: choose one of {', '.join(LOOPS)}")
    architecture, classes = read_model(folder)
    tokenizer = data.load_tokenizer(folder / "tokenizer.json")
    params = checkpoint.load(checkpoint_folder(folder, framework), parameter_shapes(architecture))
    loop, vocab = LOOPS[framework], architecture.config.vocab
    model = loop.build_model(architecture)
    unchecked = loop.outputs(model, params)

    def outputs(ids: np.ndarray, *others: np.ndarray) -> Any:
        data.check_ids(list(ids), vocab)
        return unchecked(ids, *others)

    return Run(folder, architecture, classes, tokenizer, model, params, outputs)
