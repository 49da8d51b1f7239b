"""An exported program is held against the model that it was made of, by the lines that its page shows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.core.compare import BOUNDS, relative_error
from train.architecture import Architecture
from train.config import FRAMEWORKS
from train.loops.backend import backend
from train.programs.about import WORDS
from train.programs.readme import lines
from train.runs.errors import RunError
from train.runs.load import Run

BOUND = BOUNDS["float32"][1]  # of a whole model
TEXT = "A text, and Another: 42 words\n"


def check(run: Run, folder: Path) -> None:
    """Raise RunError unless the programs in a folder read and compute what the run does."""
    positions = run.architecture.config.max_positions
    texts = ["", TEXT, "I", TEXT * positions]
    examples = run.examples(texts)
    for framework in FRAMEWORKS:
        loop, names = backend(framework), dict[str, Any]()
        model = loop.outputs(loop.build_model(run.architecture), run.params)
        exec(lines(framework, str(folder)), names)
        read = names["read"](texts)
        for row, mask, example in zip(*read, examples, strict=True):
            padding = len(row) - len(example)
            if (row, mask) != ([*example, *[0] * padding], [True] * len(example) + [False] * padding):
                raise RunError(
                    f"{run.folder}: its tokenizer.json reads texts otherwise by itself; not exported"
                )
        short = map(np.array, names["read"](texts[:-1]))  # a language model's outputs are large
        for ids, mask in (short, *_drawn(run.architecture)):
            inputs = (ids.astype(np.int32), mask)
            every = (np.broadcast_to(np.arange(ids.shape[1], dtype=np.int32), ids.shape).copy(),)
            wanted = model(*inputs, *(every if run.architecture.name == WORDS else ()))
            found = np.asarray(names["outputs"](ids.tolist(), mask.tolist()))
            _compare(f"{run.folder}: as a program of {framework}", wanted, found)


def _drawn(architecture: Architecture) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of other sizes, padded on the right: one token, the longest row, and between."""
    config, rng = architecture.config, np.random.default_rng(0)
    for batch, width in ((1, 1), (1, config.max_positions), (3, min(50, config.max_positions // 2 + 1))):
        ids = rng.integers(0, config.vocab, (batch, width))
        lengths = rng.integers(1, width + 1, (batch, 1))
        lengths[0] = width
        mask = np.arange(width) < lengths
        yield np.where(mask, ids, 0), mask


def _compare(about: str, wanted: np.ndarray, found: np.ndarray) -> None:
    same = found.shape == wanted.shape
    error = (
        relative_error(float(np.abs(found - wanted).max()), float(np.abs(wanted).max())) if same else np.inf
    )
    if not error <= BOUND:
        raise RunError(
            f"{about} it does not compute the same: {error:.1e} of the largest output apart, where "
            f"rounding is {BOUND:.0e} at most; not exported, please report it"
        )
