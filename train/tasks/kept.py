"""Trained tokenizers and encoded texts, kept in the user's cache: the next start makes neither again.

An entry's name is a digest of all that decides it: the texts, the settings, the sources that make it (this
file, which says how it is written, among them) and the library's version.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from typing import Any, TypeVar

import numpy as np
from tokenizers import Tokenizer

from data.batches.windows import Stream, join
from data.tokenizers.files import built
from data.tokenizers.judged import judge
from data.tokenizers.word_piece import Encoded, encode
from train import sources
from train.runs import digests
from train.tasks import entries

SOURCES = ("data.tokenizers.word_piece", "data.tokenizers.bpe", "data.batches.windows", __name__)
Arrays = Mapping[str, np.ndarray]
Made = TypeVar("Made")


def tokenizer(
    train: Callable[[Sequence[str], int], Tokenizer], texts: Sequence[str], vocab: int
) -> Tokenizer:
    """What ``train`` makes of the texts. Raises what it raises."""
    return _tokenizer(train, lambda: texts, vocab, name([train.__qualname__, vocab], texts))


def sampled_tokenizer(
    train: Callable[[Sequence[str], int], Tokenizer],
    sample: Callable[[], Sequence[str]],
    vocab: int,
    decide: list[Any],
    code: Sequence[str],
) -> Tokenizer:
    """What ``train`` makes of a sample, which follows from what is in ``decide`` and the sources ``code``."""
    return _tokenizer(train, sample, vocab, name([train.__qualname__, vocab, decide], (), code))


def _tokenizer(
    train: Callable[[Sequence[str], int], Tokenizer],
    texts: Callable[[], Sequence[str]],
    vocab: int,
    entry: str | None,
) -> Tokenizer:
    def make() -> Arrays:
        return {"json": np.frombuffer(train(texts(), vocab).to_str().encode(), np.uint8)}

    def read(arrays: Arrays) -> Tokenizer:
        text = arrays["json"].tobytes().decode()
        judge(json.loads(text))
        return built(lambda: Tokenizer.from_str(text), entries.folder())

    return _kept(entry, make, read)


def encoded(tokenizer: Tokenizer, texts: Sequence[str], positions: int, marked: bool) -> Encoded:
    """What `data.encode` gives. Raises what it raises."""

    def make() -> Arrays:
        examples, truncated = encode(tokenizer, texts, positions, marked)
        lengths = np.array([len(ids) for ids in examples], np.int64)
        ids = np.concatenate([np.empty(0, np.int32), *examples])
        return {"ids": ids, "lengths": lengths, "truncated": np.array([truncated])}

    def read(arrays: Arrays) -> Encoded:
        ids, lengths, (truncated,) = arrays["ids"], arrays["lengths"], arrays["truncated"].tolist()
        _check(ids, tokenizer)
        if lengths.shape != (len(texts),) or (lengths < 1).any() or (lengths > positions).any():
            raise ValueError("these are no lengths of the texts")
        if lengths.sum() != len(ids):
            raise ValueError("the lengths are not those of the ids")
        ends = np.cumsum(lengths).tolist()
        return Encoded([ids[start:end] for start, end in zip([0, *ends], ends, strict=False)], truncated)

    return _kept(name(["encode", *described(tokenizer), positions, marked], texts), make, read)


def stream(tokenizer: Tokenizer, texts: Sequence[str]) -> Stream:
    """What `data.join` gives. Raises what it raises."""

    def read(arrays: Arrays) -> Stream:
        tokens, sizes = arrays["tokens"], arrays["sizes"]
        _check(tokens, tokenizer)
        if sizes.dtype != np.int32 or sizes.shape != tokens.shape or (sizes < 0).any():
            raise ValueError("the sizes are not those of the tokens")
        if sizes.sum(dtype=np.int64) != sum(len(text.encode()) for text in texts):
            raise ValueError("the tokens do not stand for the texts")
        return Stream(tokens, sizes)

    return _kept(name(["join", *described(tokenizer)], texts), lambda: vars(join(tokenizer, texts)), read)


def _kept(entry: str | None, make: Callable[[], Arrays], read: Callable[[Arrays], Made]) -> Made:
    """What is read of an entry, or of what is made: both the same way."""
    if entry is None:
        return read(make())
    try:
        return read(entries.recall(entry))
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        arrays = make()
    entries.remember(entry, arrays)
    return read(arrays)


def name(settings: list[Any], texts: Sequence[str], code: Sequence[str] = SOURCES) -> str | None:
    """An entry's name. None where it is not known of which sources ``code`` is."""
    known = sources.imported()
    if known is None:
        return None
    decide = [settings, [known[module] for module in code], version("tokenizers")]
    total = sha256(digests.of_json(decide).encode())
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        total.update(len(content).to_bytes(8, "little") + content)
    return total.hexdigest()


def described(tokenizer: Tokenizer) -> list[Any]:
    return [tokenizer.to_str(), tokenizer.encode_special_tokens]


def _check(ids: np.ndarray, tokenizer: Tokenizer) -> None:
    """Raise ValueError where these are no ids of the tokenizer."""
    largest = max(tokenizer.get_vocab().values())
    if ids.dtype != np.int32 or ids.ndim != 1 or (ids < 0).any() or (ids > largest).any():
        raise ValueError("these are no ids of the tokenizer")
