"""GPT's task: write on, predict each token from those before it."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from data.batches.next_token import NextTokenBatch, NextTokenBatches, next_token_evaluation
from data.tokenizers.bpe import train_bpe
from train.architecture import Architecture
from train.config import Config
from train.loops.backend import Outputs
from train.tasks.language import EVALUATION_BATCH, LanguageTask, read_corpus
from train.tasks.next_token_report import continuations, written_on


class NextTokenTask(LanguageTask):
    """Windows of text, each token's label the one after it."""

    @property
    def architecture(self) -> Architecture:
        return Architecture("gpt", self.model())

    @cached_property
    def _stream(self) -> NextTokenBatches:
        return NextTokenBatches(self.windows["train"], self.config.text.batch, self.config.seed)

    @property
    def steps_per_epoch(self) -> int:
        return self._stream.steps_per_epoch

    def batch(self, step: int) -> NextTokenBatch:
        return self._stream.stream(step)

    def inputs(self, batch: NextTokenBatch) -> dict[str, np.ndarray]:
        return {"ids": batch.ids}

    def predictions(self, outputs: Outputs, batch: NextTokenBatch) -> np.ndarray:
        return written_on(outputs, batch.ids[:1])  # a forward for each token

    def evaluation(self, split: str) -> list[NextTokenBatch]:
        return next_token_evaluation(self.windows[split], EVALUATION_BATCH)

    def predicted(self, batch: NextTokenBatch) -> float:
        return float(batch.labels.size)

    def shown(self, outputs: Outputs) -> list[dict[str, Any]]:
        return continuations(outputs, self.tokenizer, self.evaluation("test")[0].ids)


def prepare_next_token(config: Config, data_dir: Path | None, tokenizer: Tokenizer | None) -> NextTokenTask:
    """Read the corpus, train a BPE tokenizer on it (or take a trained one), cut windows."""
    return NextTokenTask(*read_corpus(config, data_dir, tokenizer, train_bpe))
