"""Tokenizers on disk: written as `tokenizer.json`, read from it or from the older files.

`tokenizer.json` says everything. `vocab.txt` (WordPiece, as BERT's) holds tokens only: it is run in BERT's
manner, lower-casing unless a token has a capital letter. `vocab.json` with `merges.txt` (BPE, as GPT-2's)
is run in GPT-2's manner.
"""

import json
from collections.abc import Callable
from pathlib import Path

from tokenizers import Tokenizer, models

from data.errors import DataError
from data.sets.files import decode, read_bytes
from data.tokenizers.bpe import BYTES, END, byte_level
from data.tokenizers.word_piece import SPECIAL_TOKENS, UNK, add_marks, word_piece

REMEDY = "check the path"


def save_tokenizer(tokenizer: Tokenizer, path: Path) -> None:
    """Write `tokenizer` to the JSON file `path`.

    Raises:
        DataError: the file cannot be written.
    """
    try:
        Path(path).write_text(tokenizer.to_str(pretty=True), "utf-8", newline="\n")
    except OSError as error:
        raise DataError(
            f"could not write the tokenizer to {path}: {error.strerror}; give another path."
        ) from error


def load_tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer in a file, or in a folder that holds one; padding and truncation are put off.

    A folder may hold the same tokenizer in two forms: `tokenizer.json` is then read.

    Args:
        path: a folder, or in it `vocab.txt`, `vocab.json` or `merges.txt`; any other file is read as
            `tokenizer.json`.

    Raises:
        DataError: a file is missing or is not a tokenizer, or a folder holds two different ones.
    """
    path = Path(path)
    if not path.is_dir():
        return LOADERS.get(path.name, _whole)(path)
    found = {name: load(path / name) for name, load in LOADERS.items() if (path / name).exists()}
    if not found:
        raise DataError(f"{path} holds no tokenizer: no {', '.join(LOADERS)}; {REMEDY}.")
    vocabularies = {tuple(sorted(tokenizer.get_vocab().items())) for tokenizer in found.values()}
    if len(vocabularies) > 1:
        raise DataError(
            f"{path} holds tokenizers that differ ({', '.join(found)}): name the file of the right one."
        )
    return next(iter(found.values()))


def _whole(path: Path) -> Tokenizer:
    text = _read(path)
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # the library raises nothing narrower
        raise _corrupt(path, error) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _word_piece(path: Path) -> Tokenizer:
    lines = _read(path).removesuffix("\n").split("\n")  # not splitlines(): some tokens are line breaks
    tokens = [line.removesuffix("\r") for line in lines]
    vocab = {token: number for number, token in enumerate(tokens)}
    if UNK not in vocab or len(vocab) < len(tokens) or "" in vocab:
        raise _corrupt(path, f"one token a line, none twice, and {UNK} among them is expected")
    special = [token for token in SPECIAL_TOKENS if token in vocab]
    capitals = any(token != token.lower() for token in vocab if not token.startswith("["))
    tokenizer = word_piece(vocab, lowercase=not capitals)
    add_marks(tokenizer, special)
    return tokenizer


def _bpe(path: Path) -> Tokenizer:
    vocab_file, merges_file = path.with_name("vocab.json"), path.with_name("merges.txt")
    text, lines = _read(vocab_file), _read(merges_file).replace("\r\n", "\n").split("\n")
    pairs = [line.partition(" ") for line in lines if line and not line.startswith("#version")]
    try:
        vocab = json.loads(text)
        tokenizer = byte_level(models.BPE(vocab, [(left, right) for left, _, right in pairs]))
    except Exception as error:  # the library raises nothing narrower
        raise _corrupt(f"{vocab_file} with {merges_file}", error) from error
    if missing := set(BYTES) - set(vocab):
        raise _corrupt(vocab_file, f"{len(missing)} of the 256 bytes are not in it, so it is not byte-level")
    if END in vocab:
        tokenizer.add_special_tokens([END])
    return tokenizer


def _read(path: Path) -> str:
    return decode(read_bytes(path, REMEDY), f"{path} is not a tokenizer", "write it again")


def _corrupt(path: Path | str, why: object) -> DataError:
    return DataError(f"{path} is not a tokenizer ({why}): write it again.")


# In order of preference: the first says most.
LOADERS: dict[str, Callable[[Path], Tokenizer]] = {
    "tokenizer.json": _whole,
    "vocab.txt": _word_piece,
    "vocab.json": _bpe,
    "merges.txt": _bpe,
}
