"""Texts in, classes with their probabilities out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from tokenizers import Tokenizer

import data
from train.runs.errors import RunError

ROWS = 64  # of a batch
WIDTHS = 16  # batches are as wide as the longest text, rounded up to these: JAX compiles for few of them
Meaning = Callable[[np.ndarray], np.ndarray]
"""Logits to probabilities."""


@dataclass(frozen=True)
class Prediction:
    """A text, and how likely each class is."""

    text: str
    probabilities: dict[str, float]
    """By the class's name, the likeliest first."""

    @property
    def label(self) -> str:
        """The likeliest class."""
        return next(iter(self.probabilities))


def texts_of(given: Any) -> list[str]:
    """One text or several, as a list. Raises ValueError on what is no text."""
    texts = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"give a text or a list of texts; got {type(text).__name__} {text!r}")
    return texts


def logits_of(
    outputs: Callable[..., Any], examples: data.Examples, positions: int
) -> Float[np.ndarray, "example classes"]:
    """The logits of each example, in their order. None is longer than ``positions``."""
    longest = max(map(len, examples))
    width = min(positions, -(-longest // WIDTHS) * WIDTHS)
    rows, labels = min(len(examples), ROWS), np.zeros(len(examples), np.int32)
    batches = data.evaluation_batches(examples, labels, rows, (width,))
    logits = np.concatenate([outputs(batch.ids, batch.mask) for batch in batches])
    return logits[-len(examples) :]  # in one width the order stays, behind the rows that fill the first batch


def with_own_marks(tokenizer: Tokenizer, texts: list[str], positions: int) -> data.Examples:
    """The ids of each text with what its tokenizer puts around it, as `transformers` does; long ones are cut.

    A text without tokens becomes the first token of all, so that no example is empty.
    """
    cut = Tokenizer.from_str(tokenizer.to_str())
    cut.enable_truncation(positions)
    return [np.array(found.ids or [0], np.int32) for found in cut.encode_batch(texts)]


def meaning_of(problem: str | None, classes: tuple[str, ...], folder: Path) -> Meaning:
    """What logits mean, by an imported classifier's "problem_type"; None: classes exclude each other.

    Raises RunError where they are numbers and no classes.
    """
    if problem == "regression" or (problem is None and len(classes) == 1):
        raise RunError(f"{folder} holds a regression: its numbers are what run.outputs(ids, mask) gives")
    return sigmoid if problem == "multi_label_classification" else softmax


def prediction(
    text: str, logits: Float[np.ndarray, "classes"], classes: tuple[str, ...], meaning: Meaning
) -> Prediction:
    """A row of logits by the names of the classes."""
    found = meaning(logits)
    return Prediction(text, {classes[number]: float(found[number]) for number in np.argsort(-found)})


def softmax(logits: Float[np.ndarray, "classes"]) -> Float[np.ndarray, "classes"]:
    """Probabilities, in float64."""
    wide = np.exp(logits.astype(np.float64) - logits.max())
    return wide / wide.sum()


def sigmoid(logits: Float[np.ndarray, "classes"]) -> Float[np.ndarray, "classes"]:
    """Probabilities of classes that do not exclude each other, in float64."""
    return 0.5 * (1.0 + np.tanh(0.5 * logits.astype(np.float64)))
