"""BERT's task: fill in masked words."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

import data
from data.baselines.scores import masked_accuracy
from data.batches.masking import MaskedBatch, MaskedBatches, masked_evaluation
from train.architecture import Architecture
from train.config import Config
from train.loops.backend import Outputs
from train.tasks.language import EVALUATION_BATCH, LanguageTask, read_corpus
from train.tasks.masked_lm_report import filled_masks


class MaskedLMTask(LanguageTask):
    """Windows of which other words are masked at every step; always the same ones in evaluation."""

    @property
    def architecture(self) -> Architecture:
        return Architecture("bert_for_masked_lm", self.model())

    @cached_property
    def _stream(self) -> MaskedBatches:
        return MaskedBatches(self.windows["train"], self.tokenizer, self.config.text.batch, self.config.seed)

    @property
    def steps_per_epoch(self) -> int:
        return self._stream.steps_per_epoch

    def batch(self, step: int) -> MaskedBatch:
        return self._stream.stream(step)

    def inputs(self, batch: MaskedBatch) -> dict[str, np.ndarray]:
        everywhere = np.ones(batch.ids.shape, bool)
        return {"ids": batch.ids, "mask": everywhere, "masked_positions": batch.masked_positions}

    def predictions(self, outputs: Outputs, batch: MaskedBatch) -> np.ndarray:
        return np.asarray(outputs(*self.inputs(batch).values()))

    @cached_property
    def _evaluation(self) -> dict[str, list[MaskedBatch]]:
        return {
            split: masked_evaluation(self.windows[split], self.tokenizer, EVALUATION_BATCH, 0)
            for split in ("validation", "test")
        }

    def evaluation(self, split: str) -> list[MaskedBatch]:
        return self._evaluation[split]

    def predicted(self, batch: MaskedBatch) -> float:
        return float(batch.weights.sum())

    @cached_property
    def baselines(self) -> dict[str, dict[str, float]]:
        rows = super().baselines
        accuracy = masked_accuracy(self.counted, self.tokenizer, self.evaluation("test"))
        return rows | {"unigram": rows["unigram"] | {"accuracy": accuracy}}

    def shown(self, outputs: Outputs) -> list[dict[str, Any]]:
        first = self.evaluation("test")[0]
        return filled_masks(self.predictions(outputs, first), self.tokenizer, first)


def prepare_masked_lm(config: Config, data_dir: Path | None, tokenizer: Tokenizer | None) -> MaskedLMTask:
    """Read the corpus, train a WordPiece tokenizer on it (or take a trained one), cut windows."""
    return MaskedLMTask(*read_corpus(config, data_dir, tokenizer, data.train_tokenizer))
