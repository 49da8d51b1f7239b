"""What the two tasks of language models share: a corpus, cut into windows, and its report."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from rich.console import Console
from tokenizers import Tokenizer

from data import Batch
from data.baselines.scores import baseline_scores
from data.batches.windows import Windows, bits_per_byte, cut
from data.sets.found import Found
from data.sets.own import place_of
from train.architecture import Architecture
from train.config import Config, ModelConfig
from train.loops.backend import Arrays, Backend, Outputs
from train.runs.own_data import reading
from train.tasks import kept, large
from train.tasks.language_report import print_report
from train.tasks.own import read_documents

EVALUATION_BATCH = 32
COUNTED = 2**22  # tokens of a large corpus that the baselines count


@dataclass(frozen=True, eq=False)
class LanguageTask(ABC):
    """A corpus made ready for one configuration."""

    config: Config
    name: str
    tokenizer: Tokenizer
    windows: dict[str, Windows]
    """Of the splits "train", "validation" and "test"."""
    counted: Windows
    """The training windows that the baselines count: all, or the first of a large corpus."""
    found: Found | None = None
    """What was seen of one's own data while it was read."""

    classes = ()
    begun: ClassVar[Arrays] = {}

    @property
    @abstractmethod
    def architecture(self) -> Architecture: ...

    @property
    @abstractmethod
    def steps_per_epoch(self) -> int: ...

    @abstractmethod
    def batch(self, step: int) -> Batch: ...

    def widths(self, steps: int) -> Sequence[Batch]:
        return [self.batch(0)]

    @abstractmethod
    def inputs(self, batch: Any) -> dict[str, np.ndarray]: ...

    def evaluated(self) -> Sequence[Batch]:
        return [self.evaluation("validation")[0]]

    @abstractmethod
    def predictions(self, outputs: Outputs, batch: Any) -> np.ndarray:
        """What the report shows of a batch: logits, or the tokens that the model writes."""

    def evaluate(self, loop: Backend, params: Arrays, batch: Batch) -> dict[str, Any]:
        model = loop.build_model(self.architecture)
        (row,) = loop.evaluate(self.config.family, model, params, [batch])
        return row | {"predictions": self.predictions(loop.outputs(model, params), batch)}

    @abstractmethod
    def evaluation(self, split: str) -> Sequence[Batch]:
        """Batches that hold each window of the "validation" or "test" split once, always alike."""

    @abstractmethod
    def predicted(self, batch: Any) -> float:
        """How many tokens of a batch are predicted."""

    @abstractmethod
    def shown(self, outputs: Outputs) -> list[dict[str, Any]]:
        """What the model predicts on the first test batch, for a person."""

    def initial_params(self, loop: Backend) -> Arrays:
        return loop.initial_params(self.architecture, self.config.seed)

    def finished(self, loop: Backend, params: Arrays) -> Arrays:
        return params

    def model(self) -> ModelConfig:
        """The model's settings, with as many tokens as the tokenizer has."""
        return replace(self.config.model, vocab=self.tokenizer.get_vocab_size())

    def scores(self, loop: Backend, params: Arrays, split: str) -> dict[str, float]:
        """The mean over predicted tokens of what the objective gives, perplexity, and bits per byte."""
        batches = self.evaluation(split)
        rows = loop.evaluate(self.config.family, loop.build_model(self.architecture), params, batches)
        counts = [self.predicted(batch) for batch in batches]
        share = np.array(counts) / np.sum(counts)
        means = {name: float(share @ [row[name] for row in rows]) for name in rows[0]}
        return means | self._derived(means["loss"], split)

    def _derived(self, nats: float, split: str) -> dict[str, float]:
        return {
            "perplexity": float(np.exp(nats)),
            "bits_per_byte": float(bits_per_byte(nats, self.windows[split])),
        }

    @cached_property
    def baselines(self) -> dict[str, dict[str, float]]:
        """What counting alone reaches on the test split; the same for both frameworks."""
        validation, test = (self.windows[name] for name in ("validation", "test"))
        return {
            score.name: {"loss": score.nats_per_token} | self._derived(score.nats_per_token, "test")
            for score in baseline_scores(self.counted, validation, test, self.tokenizer.get_vocab_size())
        }

    def report(self, loop: Backend, untrained: Arrays, trained: Arrays) -> dict[str, Any]:
        before, after = (self.scores(loop, params, "test") for params in (untrained, trained))
        return {
            "data": self.name,
            "test_tokens": int(len(self.windows["test"].tokens) - 1),
            "test_bytes": self.windows["test"].bytes,
            "baselines": self.baselines,
            **({} if self._counts_all() else {"counted_tokens": len(self.counted.tokens)}),
            "untrained": before,
            "trained": after,
            "learned": after["loss"] < self.baselines["unigram"]["loss"],
            "first_batch": self.shown(loop.outputs(loop.build_model(self.architecture), trained)),
        }

    def print_report(self, report: dict[str, Any], title: str, console: Console) -> None:
        print_report(report, title, console)

    def describe(self) -> str:
        sizes = ", ".join(f"{len(windows):,} {split}" for split, windows in self.windows.items())
        dropped = sum(windows.dropped for windows in self.windows.values())
        counted = "" if self._counts_all() else f"; the baselines count {len(self.counted.tokens):,} tokens"
        return (
            f"{self.name}: windows of {self.config.model.max_positions} tokens: {sizes}; "
            f"{self.tokenizer.get_vocab_size():,} tokens in the vocabulary; {dropped} tokens at the splits' "
            f"ends fill no window{counted}"
        )

    def _counts_all(self) -> bool:
        return len(self.counted) == len(self.windows["train"])


Read = tuple[Config, str, Tokenizer, dict[str, Windows], Windows, Found | None]


def read_corpus(
    config: Config,
    data_dir: Path | None,
    tokenizer: Tokenizer | None,
    train_tokenizer: Callable[[Sequence[str], int], Tokenizer],
) -> Read:
    """The fields of a `LanguageTask`; the tokenizer is trained on the training split unless there is one."""
    vocab, positions = config.model.vocab, config.model.max_positions
    if config.own and large.is_large(path := place_of(config.data, data_dir), reading(config)):
        whole = large.tokenized(path, reading(config), tokenizer, train_tokenizer, vocab)
        windows = {split: cut(stream, positions) for split, stream in whole.streams.items()}
        counted = cut(whole.streams["train"].first(COUNTED), positions)
        return config, whole.name, whole.tokenizer, windows, counted, whole.found
    corpus, found = read_documents(config, data_dir)
    tokenizer = tokenizer or kept.tokenizer(train_tokenizer, corpus.train, vocab)
    splits = {"train": corpus.train, "validation": corpus.validation, "test": corpus.test}
    windows = {name: cut(kept.stream(tokenizer, texts), positions) for name, texts in splits.items()}
    return config, corpus.name, tokenizer, windows, windows["train"], found
