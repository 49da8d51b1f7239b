"""Texts -> one stream of tokens -> windows without padding, for language models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, Int64
from tokenizers import Encoding, Tokenizer

from data.errors import DataError
from data.tokenizers.word_piece import end_id


@dataclass(frozen=True, eq=False)
class Stream:
    """The tokens of documents one after the other, an end token after each.

    `sizes` says how many bytes of text (UTF-8) each token stands for; they add up to the bytes of all
    documents. A token's bytes reach from the end of the token before it: spaces that the tokenizer drops
    count for the token that follows, those at the end of a document for its end token. Of several
    tokens within one character, the first has its bytes.
    """

    tokens: Int32[np.ndarray, " token"]
    sizes: Int32[np.ndarray, " token"]

    def first(self, tokens: int) -> "Stream":
        """Its beginning."""
        return Stream(self.tokens[:tokens], self.sizes[:tokens])


@dataclass(frozen=True, eq=False)
class Windows:
    """A stream cut in windows that do not overlap; window k is tokens k * positions to (k + 1) * positions.

    Each token but the first is a label once: that of the position before it, be it in the same window
    or the last of the window before.
    """

    tokens: Int32[np.ndarray, " token"]
    """windows * positions + 1 tokens."""
    positions: int
    bytes: int
    """Bytes of text that the labels stand for: what bits per byte divide by. See `bits_per_byte`."""
    dropped: int
    """Tokens at the end of the stream that fill no window."""

    def __len__(self) -> int:
        return len(self.tokens) // self.positions

    @property
    def ids(self) -> Int32[np.ndarray, "window position"]:
        """What the model reads."""
        return self.tokens[:-1].reshape(-1, self.positions)

    @property
    def labels(self) -> Int32[np.ndarray, "window position"]:
        """What it predicts at each position from those up to it: the next token."""
        return self.tokens[1:].reshape(-1, self.positions)


def join(tokenizer: Tokenizer, documents: Sequence[str]) -> Stream:
    """Return the documents as one stream; nothing is truncated, and a special token's name is only text.

    Raises:
        DataError: there are no documents, or the tokenizer has no end token.
    """
    end = end_id(tokenizer)
    if not documents:
        raise DataError("there are no documents to join; give at least one.")
    tokens, sizes = [], []
    for document, encoding in zip(documents, encode_as_text(tokenizer, documents), strict=True):
        tokens.append(np.array([*encoding.ids, end], np.int32))
        sizes.append(token_sizes(document, encoding))
    return Stream(np.concatenate(tokens), np.concatenate(sizes))


def encode_as_text(tokenizer: Tokenizer, documents: Sequence[str]) -> list[Encoding]:
    """Return each document's tokens; nothing is put around them, and a special token's name is only text."""
    before, tokenizer.encode_special_tokens = tokenizer.encode_special_tokens, True
    try:
        return tokenizer.encode_batch(list(documents), add_special_tokens=False)
    finally:
        tokenizer.encode_special_tokens = before


def cut(stream: Stream, positions: int) -> Windows:
    """Return the windows of a stream, as many as it fills; the remainder is dropped, and counted.

    Args:
        stream: what `join` returned.
        positions: the tokens of a window. The first window takes one token more, for its last label.

    Raises:
        DataError: the stream does not fill a window.
    """
    if positions < 1:
        raise DataError(f"positions={positions}: a window has at least one; give 1 or more.")
    count = (len(stream.tokens) - 1) // positions
    if count < 1:
        raise DataError(
            f"a stream of {len(stream.tokens)} tokens fills no window of {positions} + 1; "
            "give fewer positions."
        )
    kept = count * positions + 1
    stood_for = int(stream.sizes[1:kept].sum(dtype=np.int64))
    return Windows(stream.tokens[:kept], positions, stood_for, len(stream.tokens) - kept)


def bits_per_byte(nats_per_token: float, windows: Windows) -> float:
    """Return what a mean cross-entropy over all labels of `windows` comes to, in bits a byte of text.

    The labels' total is divided by the bytes that they stand for. An end token costs what the model pays
    for it and adds no byte (but for dropped spaces), so the figure is a little above that of the text alone.
    It tells how well the text itself is predicted only if the tokenizer keeps all of it, as byte-level BPE
    does: WordPiece also loses capitals, accents, the number of spaces, and what is [UNK].
    """
    labels = len(windows.tokens) - 1
    return nats_per_token * labels / np.log(2) / windows.bytes


def token_sizes(document: str, encoding: Encoding) -> Int32[np.ndarray, " token"]:
    """The bytes of each token, and of the end token after them."""
    ends = np.array([end for _, end in encoding.offsets], np.int64)  # in characters
    ends = np.maximum.accumulate(np.append(ends, len(document)))
    return np.diff(_byte_offsets(document)[ends], prepend=0).astype(np.int32)


def _byte_offsets(document: str) -> Int64[np.ndarray, " boundary"]:
    """Where each character begins in UTF-8, and where the last one ends."""
    if document.isascii():
        return np.arange(len(document) + 1)
    characters = np.frombuffer(document.encode("utf-32-le"), np.uint32)
    widths = 1 + sum((characters >= first).astype(np.int64) for first in (0x80, 0x800, 0x10000))
    return np.concatenate([[0], np.cumsum(widths)])
