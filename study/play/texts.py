"""The texts that are measured, and what a tokenizer makes of them."""

import json
from collections.abc import Sequence
from pathlib import Path

import data
from study.play.language import Language, check_text
from train.config import ConfigError
from train.runs.untrusted import read_text

LARGEST = 1 << 22  # bytes of a file


def read_texts(texts: Sequence[str], files: Sequence[Path], corpus: str, data_dir: Path | None) -> list[str]:
    """The texts and what the files hold; where there is neither, the test split of a corpus.

    Raises ConfigError on an empty text and a file that is none, and `data.DataError` on the corpus.
    """
    found = list(texts)
    for text in texts:
        check_text("a text", text)
    for path in files:
        found.append(read_file(path))
        check_text(f"the text of {path}", found[-1])
    return found or list(data.load_corpus(corpus, data_dir).test)


def read_file(path: Path) -> str:
    """A file's text as it is, line ends and all. Raises ConfigError: no such file, too large, not UTF-8."""
    try:
        return read_text(path, LARGEST)
    except OSError as error:
        raise ConfigError(f"cannot read the file {path} ({error.strerror}): give a text") from error
    except ValueError as error:
        raise ConfigError(f"cannot read the file {path} ({error}): give a text in UTF-8") from error


def check_stride(language: Language, stride: int | None) -> int:
    """The stride, or a window's length. Raises ConfigError where it is longer than that."""
    if stride is None:
        return language.positions
    if not 1 <= stride <= language.positions:
        raise ConfigError(
            f"stride={stride}: give 1 up to {language.positions}, the positions of {language.folder}"
        )
    return stride


def refuse_unknown(language: Language, texts: Sequence[str]) -> None:
    """Raise ConfigError where the texts have parts that the tokenizer has no token for."""
    model = json.loads(language.tokenizer.to_str())["model"]
    unknown = model.get("unk_id")
    if isinstance(name := model.get("unk_token"), str):
        unknown = language.tokenizer.token_to_id(name)
    count = sum(ids.count(unknown) for ids in language.encode(texts))
    if unknown is not None and count:
        raise ConfigError(
            f"{language.folder}: its tokenizer has no token for {count} parts of the texts, which all become "
            f"{language.tokenizer.id_to_token(unknown)!r}: bits per byte are not defined there; give a run "
            "whose tokenizer keeps any text, such as a byte-level BPE"
        )


def lost(language: Language, texts: Sequence[str]) -> str | None:
    """The first thing that the tokenizer changes, in words; None where the texts come back as they are."""
    for text, ids in zip(texts, language.encode(texts), strict=True):
        kept = language.decode(ids)
        if kept != text:
            words = zip(text.split(), kept.split(), strict=False)
            changed = next((pair for pair in words if pair[0] != pair[1]), None)
            return f"{changed[0]!r} becomes {changed[1]!r}" if changed else "spaces are lost"
    return None
