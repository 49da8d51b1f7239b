"""Text files of the data folder."""

from pathlib import Path

from data.errors import DataError


def read_bytes(path: Path, remedy: str) -> bytes:
    """Return the content of `path`; `remedy` ends the message of the error.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"could not read {path}: {error.strerror}; {remedy}.") from error


def decode(content: bytes, path: Path | str, remedy: str) -> str:
    """Return `content`, which came from `path`, as text.

    Raises:
        DataError: it is not UTF-8.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8; {remedy}.") from error
