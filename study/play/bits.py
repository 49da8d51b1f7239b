"""Bits per byte, and perplexities, of texts; and why the latter do not compare across tokenizers."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rich.console import Console
from tokenizers import Tokenizer

from study.play.language import Language
from study.play.log_probs import Scored, log_probs
from study.play.texts import lost
from train.config import ConfigError
from train.runs.load import Run


@dataclass(frozen=True)
class Bits:
    """What some texts cost a model. Models of different tokenizers compare by the byte, not by the token."""

    run: str
    vocab: int
    nats: float
    """- log P(texts), of all tokens together."""
    tokens: int
    """Those predicted: all, but a text's first where nothing begins a text of the model."""
    bytes: int
    """In UTF-8, those that the tokens stand for."""
    words: int
    """What stands between spaces."""
    lost: str | None
    """What the tokenizer changes first, if it keeps not all: the bits leave that out."""

    @property
    def bits_per_byte(self) -> float:
        return self.nats / math.log(2) / self.bytes

    def perplexity(self, unit: str) -> float:
        """exp(nats a unit) of "tokens", "words" or "bytes" (Jelinek et al. 1977)."""
        return perplexity(self.nats, getattr(self, unit))

    def to_json(self) -> dict[str, Any]:
        each = {f"perplexity_{unit}": self.perplexity(unit) for unit in ("tokens", "words", "bytes")}
        return vars(self) | {"bits_per_byte": self.bits_per_byte, **each}


@dataclass(frozen=True)
class Cut:
    """The same texts with the same probability, cut by a BPE tokenizer of fewer merges."""

    vocab: int
    tokens: int
    perplexity: float
    """A token: exp(the same nats / its tokens)."""


def perplexity(nats: float, count: int) -> float:
    """exp(nats / count); infinite where float64 holds no such number."""
    with np.errstate(over="ignore"):
        return float(np.exp(np.float64(nats) / max(1, count)))


def measure(run: Run, language: Language, texts: Sequence[str], stride: int, console: Console) -> Bits:
    """What the texts cost a run. Each begins anew; `windows` says what is read for each token.

    Raises ConfigError where there is nothing to predict.
    """
    rows, size, words = [], 0, 0
    for text, ids in zip(texts, language.encode(texts), strict=True):
        stream = language.begin + ids
        rows += [Scored(*window) for window in windows(stream, language.positions, stride)]
        unseen = "" if language.begin else language.decode(ids[:1])
        size += len(text.encode()) - len(unseen.encode())
        words += len(text.split()) - len(unseen.split())
    if not rows:
        raise ConfigError(f"{language.folder}: the texts have no token that is predicted: give longer ones")
    found = log_probs(run, rows, console, f"reading {sum(map(len, texts)):,} characters")
    nats = -float(np.sum([row.sum() for row in found]))
    tokens, vocab = sum(map(len, found)), language.config.vocab
    return Bits(str(language.folder), vocab, nats, tokens, size, words, lost(language, texts))


def windows(stream: list[int], positions: int, stride: int) -> Iterator[tuple[list[int], list[int]]]:
    """(what is read before, what is predicted), so that each token but the first is predicted once.

    A window reads ``positions`` tokens, and the next begins ``stride`` tokens later: at stride = positions
    they do not overlap, and the first tokens of each have little before them; with less, all but the first
    window predict their last ``stride`` tokens alone, from positions - stride + 1 tokens or more.
    """
    predicted = 1
    for start in range(0, len(stream) - 1, stride):
        end = min(start + positions + 1, len(stream))
        if predicted < end:
            yield stream[start:predicted], stream[predicted:end]
            predicted = end


def cuts(language: Language, bits: Bits, texts: Sequence[str]) -> list[Cut]:
    """The tokens that the same texts have with fewer merges, from none to all; nothing if it is no BPE.

    BPE merges greedily (Sennrich et al. 2016, algorithm 1): a tokenizer's first merges are those of the
    tokenizer that was trained for a smaller vocabulary. A model that gives the texts the very same
    probability has the same bits per byte with each, and another perplexity a token.
    """
    fields = json.loads(language.tokenizer.to_str())
    merges, found = fields["model"].get("merges") or [], []
    for count in sorted({len(merges) // 2**halved for halved in range(6)} | {0} if merges else ()):
        fields["model"]["merges"] = merges[:count]
        fewer = replace(language, tokenizer=Tokenizer.from_str(json.dumps(fields)))
        tokens = sum(len(language.begin + ids) - 1 for ids in fewer.encode(texts))
        vocab = language.tokenizer.get_vocab_size() - len(merges) + count
        found.append(Cut(vocab, tokens, perplexity(bits.nats, tokens)))
    return found
