"""What a run trains on: the one shape that all families' tasks have."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from rich.console import Console
from tokenizers import Tokenizer

from data import Batch, load_tokenizer
from data.sets.found import Found
from train.architecture import Architecture
from train.config import Config, Framework
from train.loops.backend import Arrays, Backend
from train.tasks.classifier import prepare_classifier
from train.tasks.masked_lm import prepare_masked_lm
from train.tasks.next_token import prepare_next_token
from train.tasks.seq2seq import prepare_seq2seq


@runtime_checkable
class Task(Protocol):
    """A data set made ready for one configuration. ``loop`` is the backend that computes."""

    @property
    def config(self) -> Config: ...

    @property
    def architecture(self) -> Architecture:
        """The model."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    @property
    def name(self) -> str:
        """The data set's name, as reports give it."""

    @property
    def found(self) -> Found | None:
        """What was seen of one's own data while it was read."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of what a classifier tells apart; none of other models."""

    @property
    def begun(self) -> Arrays:
        """The weights that are not drawn, but taken from another run, or counted."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the training split."""

    def initial_params(self, loop: Backend) -> Arrays:
        """The weights that training begins with."""

    def finished(self, loop: Backend, params: Arrays) -> Arrays:
        """The weights that a run ends with, from those after its last step."""

    def batch(self, step: int) -> Batch:
        """Training batch number ``step``: what the family's objective takes."""

    def widths(self, steps: int) -> Sequence[Batch]:
        """A training batch of each width that so many batches of the run have, the widest first."""

    def inputs(self, batch: Any) -> dict[str, np.ndarray]:
        """The model's inputs, by name, in a batch."""

    def evaluated(self) -> Sequence[Batch]:
        """A validation batch of each width that there is."""

    def evaluate(self, loop: Backend, params: Arrays, batch: Any) -> dict[str, Any]:
        """All that scores and reports take from a model on a batch, by name: numbers and arrays."""

    def scores(self, loop: Backend, params: Arrays, split: str) -> dict[str, float]:
        """Loss in nats, accuracy and what else the family counts, on a whole split."""

    def report(self, loop: Backend, untrained: Arrays, trained: Arrays) -> dict[str, Any]:
        """The learned-something report, from the weights before and after."""

    def print_report(self, report: dict[str, Any], title: str, console: Console) -> None:
        """The report as tables for a person."""

    def describe(self) -> str:
        """The data in one line, with what was cut."""


def prepare(
    config: Config, data_dir: Path | None, tokenizer: Tokenizer | None = None, framework: Framework = "jax"
) -> Task:
    """Read the data, train the tokenizer on the training split (or take a trained one), and encode.

    ``tokenizer`` is taken before the one that the configuration names.

    ``framework`` opens the run to begin with, where the configuration names one.

    Raises `data.DataError` on texts that cannot be used, `ConfigError` on a bad configuration, and what
    `train.load` raises on a run to begin with.
    """
    config.check()
    if tokenizer is None and config.tokenizer is not None:
        tokenizer = load_tokenizer(Path(config.tokenizer))
    if config.family == "classifier":
        return prepare_classifier(config, data_dir, tokenizer, framework)
    if config.family == "bert":
        return prepare_masked_lm(config, data_dir, tokenizer)
    if config.family == "gpt":
        return prepare_next_token(config, data_dir, tokenizer)
    return prepare_seq2seq(config)
