"""Text for a question: the language reference that comes with Python, which nobody has to download."""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from tokenizers import Tokenizer

import data
from data.batches.next_token import NextTokenBatches
from data.batches.windows import Windows, cut, join
from data.tokenizers.bpe import train_bpe
from study.questions.task import Draw, Rows


@dataclass(frozen=True, eq=False)
class Text:
    """Windows of tokens, those that are trained on and those of the validation split."""

    tokenizer: Tokenizer
    train: Windows
    validation: Windows

    @property
    def vocab(self) -> int:
        """Tokens that there are."""
        return self.tokenizer.get_vocab_size()

    def draw(self, batch: int, seed: int) -> Draw:
        """Batches of a seed's order."""
        return partial(_rows, NextTokenBatches(self.train, batch, seed))

    @property
    def held_out(self) -> Rows:
        """The validation split, whole."""
        return Rows(np.ascontiguousarray(self.validation.ids), np.ascontiguousarray(self.validation.labels))


@cache
def text(vocab: int, positions: int) -> Text:
    """The corpus in a byte-level BPE of so many tokens, trained on the training split."""
    corpus = data.load_corpus("embedded", None)
    tokenizer = train_bpe(corpus.train, vocab)
    train, validation = (
        cut(join(tokenizer, texts), positions) for texts in (corpus.train, corpus.validation)
    )
    return Text(tokenizer, train, validation)


def _rows(batches: NextTokenBatches, step: int) -> Rows:
    return Rows(*batches.stream(step))
