"""The encoder-decoder's task: reverse sequences of symbols that it never saw."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int32
from rich.console import Console
from tokenizers import Tokenizer

from data.batches.seq2seq import Seq2SeqBatch
from data.sets.reversal import BEGIN, FIRST_SYMBOL, ReversalBatches, reversal_evaluation
from data.tokenizers.symbols import symbol_tokenizer
from train.architecture import Architecture
from train.config import Config, ConfigError
from train.loops.backend import Arrays, Backend
from train.tasks.seq2seq_report import learned_report, print_report, right_tokens

SHORTEST = 3  # symbols of a sequence
EPOCH = 100  # batches that count as a pass over data that never ends
HELD_OUT = 500  # sequences of each split


@dataclass(frozen=True, eq=False)
class Seq2SeqTask:
    """Sequences from a drawn stream; those held out are in no training batch."""

    config: Config
    tokenizer: Tokenizer

    name = "reversal"
    classes = ()
    found = None
    begun: ClassVar[Arrays] = {}
    steps_per_epoch = EPOCH

    @property
    def symbols(self) -> int:
        return self.config.model.vocab - FIRST_SYMBOL

    @property
    def longest(self) -> int:
        """Of the sequences; their end takes a position more."""
        return self.config.model.max_positions - 1

    @property
    def architecture(self) -> Architecture:
        return Architecture("encoder_decoder", self.config.model)

    def initial_params(self, loop: Backend) -> Arrays:
        return loop.initial_params(self.architecture, self.config.seed)

    def finished(self, loop: Backend, params: Arrays) -> Arrays:
        return params

    @cached_property
    def _stream(self) -> ReversalBatches:
        batch, seed = self.config.text.batch, self.config.seed
        return ReversalBatches(self.symbols, SHORTEST, self.longest, batch, seed)

    def batch(self, step: int) -> Seq2SeqBatch:
        return self._stream.stream(step)

    def widths(self, steps: int) -> list[Seq2SeqBatch]:
        return [self.batch(0)]

    def inputs(self, batch: Seq2SeqBatch) -> dict[str, np.ndarray]:
        return {name: getattr(batch, name) for name in ("source", "target", "source_mask")}

    def evaluated(self) -> list[Seq2SeqBatch]:
        return [self.evaluation("validation")]

    @cached_property
    def _evaluation(self) -> dict[str, Seq2SeqBatch]:
        parts = reversal_evaluation(self.symbols, SHORTEST, self.longest, 2 * HELD_OUT, HELD_OUT)
        return dict(zip(("validation", "test"), parts, strict=True))

    def evaluation(self, split: str) -> Seq2SeqBatch:
        """The "validation" or "test" split, which is one batch."""
        return self._evaluation[split]

    def decoded(self, loop: Backend, params: Arrays, split: str) -> Int32[np.ndarray, "example position"]:
        """What the model makes of the sources of a split, by always taking the likeliest next token."""
        return self._decoded(loop, params, self.evaluation(split))

    def _decoded(self, loop: Backend, params: Arrays, batch: Seq2SeqBatch) -> np.ndarray:
        model = loop.build_model(self.architecture)
        return loop.greedy(model, params, batch.source, batch.source_mask, BEGIN, self.longest + 1)

    def evaluate(self, loop: Backend, params: Arrays, batch: Seq2SeqBatch) -> dict[str, Any]:
        (row,) = loop.evaluate("seq2seq", loop.build_model(self.architecture), params, [batch])
        return row | {"decoded": self._decoded(loop, params, batch)}

    def scores(self, loop: Backend, params: Arrays, split: str) -> dict[str, float]:
        """Nats per token and the share of tokens right, both given the true tokens before; and the share of
        whole sequences right that are decoded without them."""
        batch, model = self.evaluation(split), loop.build_model(self.architecture)
        (row,) = loop.evaluate("seq2seq", model, params, [batch])
        right = right_tokens(self.decoded(loop, params, split), batch)
        return row | {"sequence_accuracy": float(right.all(axis=1).mean())}

    def report(self, loop: Backend, untrained: Arrays, trained: Arrays) -> dict[str, Any]:
        before, after = (self.scores(loop, params, "test") for params in (untrained, trained))
        drawn = [self.batch(number) for number in range(10)]
        test, decoded = self.evaluation("test"), self.decoded(loop, trained, "test")
        return learned_report(self.name, drawn, test, decoded, self.tokenizer, before, after)

    def print_report(self, report: dict[str, Any], title: str, console: Console) -> None:
        print_report(report, title, console)

    def describe(self) -> str:
        return (
            f"{self.name}: sequences of {SHORTEST} to {self.longest} of {self.symbols} symbols, drawn anew "
            f"at every step; {HELD_OUT:,} validation, {HELD_OUT:,} test, which training never sees"
        )


def prepare_seq2seq(config: Config) -> Seq2SeqTask:
    """The task of a configuration. Raises ConfigError on sizes that make no sequences."""
    vocab, positions = config.model.vocab, config.model.max_positions
    if vocab < FIRST_SYMBOL + 2:
        raise ConfigError(f"vocab={vocab}: pad, begin, end and two symbols make {FIRST_SYMBOL + 2}")
    if positions <= SHORTEST:
        raise ConfigError(f"max_positions={positions}: {SHORTEST} symbols and their end need more")
    return Seq2SeqTask(config, symbol_tokenizer(vocab - FIRST_SYMBOL))
