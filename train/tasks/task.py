"""What a run trains on: the one shape that all families' tasks have."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from rich.console import Console
from tokenizers import Tokenizer

from train.architecture import Architecture
from train.config import Config
from train.tasks.classifier import prepare_classifier
from train.tasks.language import prepare_language

Arrays = dict[str, np.ndarray]


@runtime_checkable
class Task(Protocol):
    """A data set made ready for one configuration. ``loop`` is `jax_loop` or `torch_loop`."""

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
    def classes(self) -> tuple[str, ...]:
        """The names of what a classifier tells apart; none of a language model."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the training split."""

    def initial_params(self, loop: ModuleType) -> Arrays:
        """The weights that training begins with."""

    def batch(self, step: int) -> Arrays:
        """Training batch number ``step``, by name: what the family's loss takes."""

    def inputs(self, rows: int) -> Arrays:
        """The model's inputs for some rows of the first training batch."""

    def scores(self, loop: ModuleType, params: Arrays, split: str) -> dict[str, float]:
        """Loss in nats, accuracy and what else the family counts, on a whole split."""

    def report(self, loop: ModuleType, untrained: Arrays, trained: Arrays) -> dict[str, Any]:
        """The learned-something report, from the weights before and after."""

    def print_report(self, report: dict[str, Any], title: str, console: Console) -> None:
        """The report as tables for a person."""

    def describe(self) -> str:
        """The data in one line, with what was cut."""


PREPARE: dict[str, Callable[[Config, Path | None, Tokenizer | None], Task]] = {
    "classifier": prepare_classifier,
    "bert": prepare_language,
    "gpt": prepare_language,
}


def prepare(config: Config, data_dir: Path | None, tokenizer: Tokenizer | None = None) -> Task:
    """Read the data, train the tokenizer on the training split (or take a trained one), and encode.

    Raises `data.DataError` on texts that cannot be used, `ConfigError` on a bad configuration, and what
    `train.load` raises on a run to begin with.
    """
    config.check()
    return PREPARE[config.family](config, data_dir, tokenizer)
