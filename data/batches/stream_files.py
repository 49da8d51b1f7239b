"""Streams of tokens on disk, written as the documents come and read by mapping them into memory.

Each split has two files of little-endian 32-bit integers: NAME.tokens, and NAME.sizes, the bytes of text that
each token stands for. What is written is what `windows.join` gives, to the bit, where a document's pieces are
tokenized as they are within it (`pieces`).
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
from tokenizers import Encoding, Tokenizer

from data.batches.pieces import Piece, pieces, size
from data.batches.windows import Stream, encode_as_text, token_sizes
from data.readers.long_text import Text
from data.tokenizers.word_piece import end_id

KINDS = ("tokens", "sizes")
BATCH = 2**22  # characters that are tokenized at once, on all cores
EACH = 64  # characters that take as much memory as what is kept of a text besides its tokens


def write(
    folder: Path,
    tokenizer: Tokenizer,
    splits: Iterable[str],
    documents: Iterable[tuple[str, Text]],
    watch: Callable[[int, int], None],
) -> None:
    """Write the streams of some splits; ``watch`` is told the bytes of text and the tokens of each batch.

    While one batch is tokenized, the one before is written and the next is read: three are held.

    Args:
        folder: where the files are made.
        tokenizer: it needs an end token.
        splits: their names.
        documents: the split and the text of each.
        watch: called in this thread.

    Raises:
        DataError: there is no end token, and what reading documents raises.
        OSError: the disk is full, or else cannot be written.
    """
    end = end_id(tokenizer)
    with ExitStack() as stack:
        files = {
            split: tuple(stack.enter_context((folder / f"{split}.{kind}").open("wb")) for kind in KINDS)
            for split in splits
        }
        carried = 0
        for batch, encodings in _encoded(tokenizer, _batches(documents)):
            for piece, encoding in zip(batch, encodings, strict=True):
                carried = _append(files[piece.split], piece, encoding, end, carried)
            watch(sum(size(piece.text) for piece in batch), sum(len(found.ids) for found in encodings))


def read(folder: Path, split: str) -> Stream:
    """The stream of a split, mapped. Raises OSError where there is none, ValueError where it is empty."""
    arrays = (np.memmap(folder / f"{split}.{kind}", "<i4", "r") for kind in KINDS)
    return Stream(*(np.asarray(array) for array in arrays))


def _append(files: tuple[BinaryIO, ...], piece: Piece, encoding: Encoding, end: int, carried: int) -> int:
    """Write a piece's tokens. Bytes after its last token count for the next one of its document: returned."""
    ids, sizes = np.array([*encoding.ids, end], "<i4"), token_sizes(piece.text, encoding).astype("<i4")
    sizes[0] += carried
    count = len(ids) if piece.last else len(ids) - 1
    for file, array in zip(files, (ids, sizes), strict=True):
        file.write(array[:count].tobytes())
    return 0 if piece.last else int(sizes[-1])


def _batches(documents: Iterable[tuple[str, Text]]) -> Iterator[list[Piece]]:
    batch, characters = list[Piece](), 0
    for split, text in documents:
        for piece in pieces(split, text):
            batch.append(piece)
            characters += len(piece.text) + EACH
            if characters >= BATCH:
                yield batch
                batch, characters = [], 0
    if batch:
        yield batch


def _encoded(
    tokenizer: Tokenizer, batches: Iterator[list[Piece]]
) -> Iterator[tuple[list[Piece], list[Encoding]]]:
    """Each batch with its tokens, made on a thread of its own."""
    before: tuple[list[Piece], Future[list[Encoding]]] | None = None
    with ThreadPoolExecutor(1) as thread:
        for batch in batches:
            made = thread.submit(encode_as_text, tokenizer, [piece.text for piece in batch])
            if before is not None:
                yield before[0], before[1].result()
            before = batch, made
        if before is not None:
            yield before[0], before[1].result()
