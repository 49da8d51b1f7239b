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

    def make() -> Arrays:
        return {"json": np.frombuffer(train(texts, vocab).to_str().encode(), np.uint8)}

    def read(arrays: Arrays) -> Tokenizer:
        text = arrays["json"].tobytes().decode()
        judge(json.loads(text))
        return built(lambda: Tokenizer.from_str(text), entries.folder())

    return _kept([train.__qualname__, vocab], texts, make, read)


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

    return _kept(["encode", *_described(tokenizer), positions, marked], texts, make, read)


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

    return _kept(["join", *_described(tokenizer)], texts, lambda: vars(join(tokenizer, texts)), read)


def _kept(
    settings: list[Any], texts: Sequence[str], make: Callable[[], Arrays], read: Callable[[Arrays], Made]
) -> Made:
    """What is read of an entry, or of what is made: both the same way."""
    name = _name(settings, texts)
    if name is None:
        return read(make())
    try:
        return read(entries.recall(name))
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        arrays = make()
    entries.remember(name, arrays)
    return read(arrays)


def _name(settings: list[Any], texts: Sequence[str]) -> str | None:
    """None where it is not known of which sources the code is."""
    code = sources.imported()
    if code is None:
        return None
    decide = [settings, [code[name] for name in SOURCES], version("tokenizers")]
    total = sha256(digests.of_json(decide).encode())
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        total.update(len(content).to_bytes(8, "little") + content)
    return total.hexdigest()


def _described(tokenizer: Tokenizer) -> list[Any]:
    return [tokenizer.to_str(), tokenizer.encode_special_tokens]


def _check(ids: np.ndarray, tokenizer: Tokenizer) -> None:
    """Raise ValueError where these are no ids of the tokenizer."""
    largest = max(tokenizer.get_vocab().values())
    if ids.dtype != np.int32 or ids.ndim != 1 or (ids < 0).any() or (ids > largest).any():
        raise ValueError("these are no ids of the tokenizer")
