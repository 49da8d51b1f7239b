"""Tokenizers on disk: written as `tokenizer.json`, read from it or from the older files.

`tokenizer.json` says everything. `vocab.txt` (WordPiece, as BERT's) holds tokens only: it is run in BERT's
manner, lower-casing unless a token has a capital letter. `vocab.json` with `merges.txt` (BPE, as GPT-2's)
is run in GPT-2's manner.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models

from data.errors import DataError
from data.sets.files import decode, read_bytes
from data.tokenizers.bpe import BYTES, END, byte_level
from data.tokenizers.judged import LIMIT, judge
from data.tokenizers.word_piece import SPECIAL_TOKENS, UNK, add_marks, word_piece

REMEDY = "check the path"
DAMAGED = "it is damaged, or another file; put back the right one"
FOREIGN = ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "tiktoken.model", "tekken.json")


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
    refuse_differing(path)
    return next(load(path / name) for name, load in LOADERS.items() if (path / name).exists())


def refuse_differing(folder: Path) -> None:
    """Raise DataError where a folder holds no tokenizer, or two that give a token different ids.

    A `tokenizer.json` may have added tokens that the older files beside it lack.
    """
    found = [name for name in LOADERS if (folder / name).exists()]
    if not found:
        others = [name for name in FOREIGN if (folder / name).exists()]
        if others:
            raise DataError(f"{folder} holds {others[0]} alone, which ours does not read: {saved(folder)}.")
        raise DataError(f"{folder} holds no tokenizer: no {', '.join(LOADERS)}; {REMEDY}.")
    if len(found) == 1 or found == ["vocab.json", "merges.txt"]:
        return
    vocabularies = [read_vocab(folder / name) for name in found if name in ("vocab.txt", "vocab.json")]
    if found[0] == "tokenizer.json":
        whole = _whole(folder / found[0])
        added = {token.content for token in whole.get_added_tokens_decoder().values()}
        vocabularies.insert(0, whole.get_vocab())
    else:
        added = set()
    first = vocabularies[0] if vocabularies else {}
    for other in vocabularies[1:]:
        if not other.items() <= first.items() or not first.keys() - other.keys() <= added:
            raise DataError(
                f"{folder} holds tokenizers that differ ({', '.join(found)}): name the file of the right one."
            )


def parse_whole(path: Path) -> dict[str, Any]:
    """What a `tokenizer.json` says, which is nothing that explodes. Raises DataError."""
    try:
        fields = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise corrupt(path, error) from error
    try:
        judge(fields)
    except ValueError as error:
        raise DataError(
            f"{path} is refused, as {error}: take another tokenizer, or write it without."
        ) from error
    if not isinstance(fields, dict):
        raise corrupt(path, "no settings by name")
    return fields


def read_vocab(path: Path) -> dict[str, int]:
    """The tokens of a `vocab.txt` or `vocab.json`, with their ids. Raises DataError."""
    text = _read(path)
    if path.suffix == ".txt":
        lines = text.removesuffix("\n").split("\n")  # not splitlines(): some tokens are line breaks
        tokens = [line.removesuffix("\r") for line in lines]
        vocab = {token: number for number, token in enumerate(tokens)}
        if UNK not in vocab or len(vocab) < len(tokens) or "" in vocab:
            raise corrupt(path, f"one token a line, none twice, and {UNK} among them is expected")
        return vocab
    where = f"{path} with {path.with_name('merges.txt')}"
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise corrupt(where, error) from error
    if not isinstance(found, dict) or not all(type(number) is int for number in found.values()):
        raise corrupt(where, "tokens with their ids are expected")
    return found


def read_merges(path: Path) -> list[tuple[str, str]]:
    """The pairs of a `merges.txt`, the first to be merged first. Raises DataError."""
    lines = _read(path).replace("\r\n", "\n").split("\n")
    pairs = [line.partition(" ") for line in lines if line and not line.startswith("#version")]
    return [(left, right) for left, _, right in pairs]


def built(make: Callable[[], Tokenizer], path: Path | str) -> Tokenizer:
    """What the library makes of a file; DataError with its reason where it refuses, or panics."""
    try:
        return make()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the library raises nothing narrower, and its panics are no Exceptions
        raise corrupt(path, error) from error


def _whole(path: Path) -> Tokenizer:
    text = json.dumps(parse_whole(path), ensure_ascii=False)
    tokenizer = built(lambda: Tokenizer.from_str(text), path)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _word_piece(path: Path) -> Tokenizer:
    vocab = read_vocab(path)
    special = [token for token in SPECIAL_TOKENS if token in vocab]
    capitals = any(token != token.lower() for token in vocab if not token.startswith("["))
    tokenizer = word_piece(vocab, lowercase=not capitals)
    add_marks(tokenizer, special)
    return tokenizer


def _bpe(path: Path) -> Tokenizer:
    vocab_file, merges_file = path.with_name("vocab.json"), path.with_name("merges.txt")
    merges, vocab = read_merges(merges_file), read_vocab(vocab_file)
    tokenizer = built(lambda: byte_level(models.BPE(vocab, merges)), f"{vocab_file} with {merges_file}")
    if missing := set(BYTES) - set(vocab):
        raise corrupt(vocab_file, f"{len(missing)} of the 256 bytes are not in it, so it is not byte-level")
    if END in vocab:
        tokenizer.add_special_tokens([END])
    return tokenizer


def _read(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise corrupt(path, "it is no plain file")
    if path.exists() and path.stat().st_size > LIMIT:
        raise corrupt(path, f"it has {path.stat().st_size:,} bytes, where {LIMIT:,} are enough")
    return decode(read_bytes(path, REMEDY), f"{path} is not a tokenizer", DAMAGED)


def corrupt(path: Path | str, why: object, remedy: str = DAMAGED) -> DataError:
    reason = " ".join(str(why).split())
    return DataError(f"{path} is not a tokenizer ({reason[:300]}): {remedy}.")


def saved(folder: Path) -> str:
    """How a tokenizer.json comes of what only `transformers` reads."""
    place = ascii(str(folder))
    return f"make its tokenizer.json: AutoTokenizer.from_pretrained({place}).save_pretrained({place})"


# In order of preference: the first says most.
LOADERS: dict[str, Callable[[Path], Tokenizer]] = {
    "tokenizer.json": _whole,
    "vocab.txt": _word_piece,
    "vocab.json": _bpe,
    "merges.txt": _bpe,
}
