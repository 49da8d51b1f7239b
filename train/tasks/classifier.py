"""The text classifier's task: texts, tokenizer, batches, scores and report. No framework in it."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from rich.console import Console
from tokenizers import Tokenizer

import data
from data import Examples, LabelledText, PackedBatch, TextBatch
from data.sets.found import Found
from jax_impl.config import ClassifierConfig
from train.architecture import Architecture
from train.config import Config, Framework
from train.loops.backend import Arrays, Backend
from train.tasks import kept
from train.tasks.calibration import calibrated
from train.tasks.classifier_report import learned_report, print_report, scores
from train.tasks.fine_tune import begin_with
from train.tasks.ngrams import buckets_for, counted_ngrams
from train.tasks.own import read_labelled

EVALUATION_BATCH = 128


@dataclass(frozen=True, eq=False)
class ClassifierTask:
    """A labelled data set made ready for one configuration."""

    config: Config
    texts: LabelledText
    tokenizer: Tokenizer
    examples: dict[str, Examples]
    """Token ids of the splits "train", "validation" and "test"."""
    truncated: int
    """Texts that were cut to the model's positions."""
    buckets: tuple[int, ...]
    architecture: Architecture
    begun: Arrays
    """The weights that are not drawn, but taken from another run, or counted."""
    found: Found | None = None
    """What was seen of one's own data while it was read."""

    @property
    def name(self) -> str:
        return self.texts.name

    @property
    def classes(self) -> tuple[str, ...]:
        return self.texts.classes

    def initial_params(self, loop: Backend) -> Arrays:
        return loop.initial_params(self.architecture, self.config.seed) | self.begun

    def finished(self, loop: Backend, params: Arrays) -> Arrays:
        if not self.config.calibrated:
            return params
        labels = self.texts.validation.labels
        return calibrated(params, lambda weights: self.logits(loop, weights, "validation"), labels)

    @cached_property
    def _stream(self) -> data.TrainBatches:
        text, labels = self.config.text, self.texts.train.labels
        return data.TrainBatches(
            self.examples["train"],
            labels,
            text.batch,
            self.config.seed,
            (max(self.buckets),) if text.packed else self.buckets,
            text.word_dropout,
            self.tokenizer.token_to_id(data.UNK),
        )

    @property
    def steps_per_epoch(self) -> int:
        return self._stream.steps_per_epoch

    def batch(self, step: int) -> TextBatch | PackedBatch:
        batch = self._stream.stream(step)
        return data.pack(batch) if self.config.text.packed else batch

    def widths(self, steps: int) -> list[TextBatch] | list[PackedBatch]:
        if self.config.text.packed:
            return self._packed(steps)
        found: dict[int, int] = {}
        for step in range(steps):
            found.setdefault(self._stream.width(step), step)
        return [longest_first(self._stream.stream(found[width])) for width in sorted(found, reverse=True)]

    def _packed(self, steps: int) -> list[PackedBatch]:
        """A batch of each number of rows, the most first."""
        width, found = max(self.buckets), dict[int, int]()
        for step in range(steps):
            found.setdefault(data.rows_needed(self._stream.lengths(step), width), step)
        batches = [self._stream.stream(found[rows]) for rows in sorted(found, reverse=True)]
        return [data.pack(longest_first(batch)) for batch in batches]

    def inputs(self, batch: TextBatch | PackedBatch) -> dict[str, np.ndarray]:
        return {name: array for name, array in batch._asdict().items() if name not in ("labels", "rows")}

    def evaluated(self) -> list[TextBatch]:
        of_width = {batch.ids.shape[1]: batch for batch in self._evaluation("validation")}
        return [longest_first(batch) for batch in of_width.values()]

    def _evaluation(self, split: str) -> list[TextBatch]:
        """Batches that hold each example of a split once."""
        labels = getattr(self.texts, split).labels
        return data.evaluation_batches(self.examples[split], labels, EVALUATION_BATCH, self.buckets)

    def evaluate(self, loop: Backend, params: Arrays, batch: TextBatch) -> dict[str, Any]:
        return {"logits": loop.outputs(loop.build_model(self.architecture), params)(batch.ids, batch.mask)}

    def logits(self, loop: Backend, params: Arrays, split: str) -> Float[np.ndarray, "example classes"]:
        """The logits of all examples of a split, in its order."""
        batches = self._evaluation(split)
        outputs = loop.outputs(loop.build_model(self.architecture), params)
        return in_order(batches, [outputs(batch.ids, batch.mask) for batch in batches])

    def scores(self, loop: Backend, params: Arrays, split: str) -> dict[str, float]:
        return scores(self.logits(loop, params, split), getattr(self.texts, split).labels)

    def report(self, loop: Backend, untrained: Arrays, trained: Arrays) -> dict[str, Any]:
        before, after = (self.logits(loop, params, "test") for params in (untrained, trained))
        return learned_report(self.texts, before, after)

    def print_report(self, report: dict[str, Any], title: str, console: Console) -> None:
        print_report(report, title, console)

    def describe(self) -> str:
        splits = ", ".join(f"{len(examples):,} {split}" for split, examples in self.examples.items())
        longest = self.config.model.max_positions
        cut = f"; {self.truncated} texts cut to {longest} tokens" if self.truncated else ""
        return (
            f"{self.name}: {splits}; {self.tokenizer.get_vocab_size():,} word pieces; "
            f"batches of width {', '.join(map(str, self.buckets))}{cut}"
        )


def prepare_classifier(
    config: Config, data_dir: Path | None, tokenizer: Tokenizer | None, framework: Framework
) -> ClassifierTask:
    """Read the data set, train the tokenizer on its training split (or take a trained one), and encode."""
    texts, found = read_labelled(config, data_dir)
    classes, begun = len(texts.classes), Arrays()
    if config.init is not None:
        architecture, begun, tokenizer = begin_with(config, classes, framework)
    else:
        if tokenizer is None:
            tokenizer = kept.tokenizer(data.train_tokenizer, texts.train.texts, config.model.vocab)
        assert isinstance(config.model, ClassifierConfig)
        vocab, rows = tokenizer.get_vocab_size(), buckets_for(config.model, classes)
        model = replace(config.model, vocab=vocab, classes=classes, ngram_buckets=rows)
        architecture = Architecture("classifier", model)
    marked = architecture.name == "bert_classifier"  # [CLS] and [SEP] around each text
    examples: dict[str, Examples] = {}
    truncated = 0
    for split in ("train", "validation", "test"):
        encoded = kept.encoded(tokenizer, getattr(texts, split).texts, config.model.max_positions, marked)
        data.check_ids(encoded.examples, architecture.config.vocab)
        examples[split] = encoded.examples
        truncated += encoded.truncated
    begun |= counted_ngrams(architecture.config, examples["train"], texts.train.labels)
    lengths = [len(example) for split in examples.values() for example in split]
    buckets = data.choose_buckets(lengths, config.text.buckets, config.model.max_positions)
    if found is not None and truncated:
        found.note(f"longer than {config.model.max_positions} tokens", "cut", rows=truncated)
    return ClassifierTask(config, texts, tokenizer, examples, truncated, buckets, architecture, begun, found)


def longest_first(batch: TextBatch) -> TextBatch:
    """The same rows, the longest and the shortest by turns: the first few differ in length."""
    order = np.argsort(-batch.mask.sum(axis=1), kind="stable")
    turns = np.stack([order, order[::-1]], axis=1).reshape(-1)[: len(order)]
    return TextBatch(*(array[turns] for array in batch))


def in_order(batches: list[TextBatch], logits: list[np.ndarray]) -> Float[np.ndarray, "example classes"]:
    """Logits by example: batches hold the examples sorted by length, and filler rows."""
    rows = np.concatenate([batch.rows for batch in batches])
    stacked = np.concatenate(logits)
    ordered = np.empty((rows.max() + 1, stacked.shape[1]), stacked.dtype)
    ordered[rows[rows >= 0]] = stacked[rows >= 0]
    return ordered
