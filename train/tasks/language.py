"""The task of both language models, BERT and GPT: a corpus, its windows, batches, scores and report."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from rich.console import Console
from tokenizers import Tokenizer

import data
from data.baselines.scores import baseline_scores, masked_accuracy
from data.batches.language import LanguageBatches, language_evaluation
from data.batches.masking import MaskedBatches, masked_evaluation
from data.batches.windows import Windows, bits_per_byte, cut, join
from data.sets.corpus import Corpus
from data.tokenizers.bpe import train_bpe
from train.architecture import Architecture
from train.config import Config
from train.tasks.language_report import continuations, filled_masks, print_report

Arrays = dict[str, np.ndarray]
EVALUATION_BATCH = 32


@dataclass(frozen=True, eq=False)
class LanguageTask:
    """A corpus made ready for one configuration: ``config.family`` is "bert" or "gpt"."""

    config: Config
    corpus: Corpus
    tokenizer: Tokenizer
    windows: dict[str, Windows]
    """Of the splits "train", "validation" and "test"."""

    classes = ()

    @property
    def name(self) -> str:
        return self.corpus.name

    @property
    def architecture(self) -> Architecture:
        return language_model(self.config, self.tokenizer.get_vocab_size())

    def initial_params(self, loop: ModuleType) -> Arrays:
        return loop.initial_params(self.architecture, self.config.seed)

    @cached_property
    def _stream(self) -> LanguageBatches | MaskedBatches:
        train, batch, seed = self.windows["train"], self.config.text.batch, self.config.seed
        if self.config.family == "bert":
            return MaskedBatches(train, self.tokenizer, batch, seed)
        return LanguageBatches(train, batch, seed)

    @property
    def steps_per_epoch(self) -> int:
        return self._stream.steps_per_epoch

    def batch(self, step: int) -> Arrays:
        return dict(vars(self._stream.stream(step)))

    def inputs(self, rows: int) -> Arrays:
        return self._inputs({name: array[:rows] for name, array in self.batch(0).items()})

    def _inputs(self, batch: Arrays) -> Arrays:
        """What of a batch the model reads."""
        if self.config.family == "gpt":
            return {"ids": batch["ids"]}
        everywhere = np.ones(batch["ids"].shape, bool)
        return {"ids": batch["ids"], "mask": everywhere, "masked_positions": batch["masked_positions"]}

    @cached_property
    def _evaluation(self) -> dict[str, list[Any]]:
        """Batches that hold each window of a split once, masked alike in every evaluation."""
        held_out = {split: self.windows[split] for split in ("validation", "test")}
        if self.config.family == "bert":
            return {
                split: masked_evaluation(windows, self.tokenizer, EVALUATION_BATCH, 0)
                for split, windows in held_out.items()
            }
        return {split: language_evaluation(windows, EVALUATION_BATCH) for split, windows in held_out.items()}

    def evaluation(self, split: str) -> list[Arrays]:
        """The batches of the "validation" or "test" split."""
        return [dict(vars(batch)) for batch in self._evaluation[split]]

    def scores(self, loop: ModuleType, params: Arrays, split: str) -> dict[str, float]:
        """Nats per predicted token, perplexity, bits per byte; for BERT the share of masks filled right."""
        family, batches = self.config.family, self.evaluation(split)
        rows = loop.evaluate(family, loop.build_model(self.architecture), params, batches)
        counts = [batch["weights"].sum() if family == "bert" else batch["labels"].size for batch in batches]
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
        rows = {}
        train, validation, test = (self.windows[name] for name in ("train", "validation", "test"))
        for score in baseline_scores(train, validation, test, self.tokenizer.get_vocab_size()):
            nats = score.nats_per_token
            rows[score.name] = {"loss": nats} | self._derived(nats, "test")
        if self.config.family == "bert":
            masked = self._evaluation["test"]
            rows["unigram"]["accuracy"] = masked_accuracy(train, self.tokenizer, masked)
        return rows

    def report(self, loop: ModuleType, untrained: Arrays, trained: Arrays) -> dict[str, Any]:
        before, after = (self.scores(loop, params, "test") for params in (untrained, trained))
        model = loop.build_model(self.architecture)
        outputs, first = loop.outputs(model, trained), self.evaluation("test")[0]
        if self.config.family == "bert":
            shown = filled_masks(outputs, self.tokenizer, first, self._inputs(first))
        else:
            shown = continuations(outputs, self.tokenizer, first["ids"])
        return {
            "data": self.name,
            "test_tokens": int(len(self.windows["test"].tokens) - 1),
            "test_bytes": self.windows["test"].bytes,
            "baselines": self.baselines,
            "untrained": before,
            "trained": after,
            "learned": after["loss"] < self.baselines["unigram"]["loss"],
            "first_batch": shown,
        }

    def print_report(self, report: dict[str, Any], title: str, console: Console) -> None:
        print_report(report, title, console)

    def describe(self) -> str:
        sizes = ", ".join(f"{len(windows):,} {split}" for split, windows in self.windows.items())
        dropped = sum(windows.dropped for windows in self.windows.values())
        return (
            f"{self.name}: windows of {self.config.model.max_positions} tokens: {sizes}; "
            f"{self.tokenizer.get_vocab_size():,} tokens in the vocabulary; {dropped} tokens at the splits' "
            "ends fill no window"
        )


def prepare_language(config: Config, data_dir: Path | None, tokenizer: Tokenizer | None) -> LanguageTask:
    """Read the corpus, train the tokenizer on its training split (or take a trained one), cut windows."""
    corpus = data.load_corpus(config.data, data_dir)
    if tokenizer is None:
        train = data.train_tokenizer if config.family == "bert" else train_bpe
        tokenizer = train(corpus.train, config.model.vocab)
    splits = {"train": corpus.train, "validation": corpus.validation, "test": corpus.test}
    windows = {
        name: cut(join(tokenizer, texts), config.model.max_positions) for name, texts in splits.items()
    }
    return LanguageTask(config, corpus, tokenizer, windows)


def language_model(config: Config, vocab: int) -> Architecture:
    """The model of a configuration."""
    name = "bert_for_masked_lm" if config.family == "bert" else "gpt"
    return Architecture(name, replace(config.model, vocab=vocab))
