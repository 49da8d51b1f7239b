"""Text files that anybody may have written: judged by their first bytes, then read line by line."""

import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from data.errors import DataError

LINE = 1 << 24  # characters of one line: what is longer is no text of lines
HEAD = 1 << 12  # bytes that tell what a file is
WINDOW = 1 << 15  # bytes that tell how it is encoded
BINARY = {
    b"PK\x03\x04": "a zip archive or a spreadsheet: save its sheet as CSV, UTF-8",
    b"\x1f\x8b": "compressed by gzip: unpack it with gunzip",
    b"BZh": "compressed by bzip2: unpack it with bunzip2",
    b"\xfd7zXZ": "compressed by xz: unpack it with unxz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it with unzstd",
    b"%PDF": "a PDF: take its text out first",
    b"PAR1": "Parquet: name it .parquet",
    b"SQLite format 3": "a database: export its table as CSV",
}
MARKS = {  # what stands before a text that is encoded so; the longer ones first
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
# Encodings that a file may well have, for the guess where it is not UTF-8.
LIKELY = ["cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256"]
LIKELY += ["gb18030", "big5", "cp932", "euc_jp", "cp949"]


def lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Each line with its number, from 1, its end included; of a line that is too long, no more than `LINE`.

    Raises:
        DataError: the file is none, empty, binary, not in this encoding, or has a NUL or a line without end.
    """
    judge(path, encoding)
    number = 0
    try:
        with open_text(path, encoding) as file:
            while line := file.readline(LINE + 1):
                number += 1
                if len(line) > LINE:
                    raise DataError(
                        f"{path}, line {number}: longer than {LINE:,} characters; break it into lines, a "
                        f"text each (or: fold -s -w 1000 {quoted(path)} > folded.txt)."
                    )
                if "\0" in line:
                    raise DataError(
                        f"{path}, line {number}: it holds a NUL byte, as no text does; remove such: "
                        f"tr -d '\\000' < {quoted(path)} > clean{path.suffix}"
                    )
                yield number, line
    except UnicodeError as error:
        raise undecodable(path, encoding) from error
    except OSError as error:
        raise DataError(f"could not read {path}: {error.strerror}; check the path.") from error


def open_text(path: Path, encoding: str) -> TextIO:
    """A file to be read with its ends of lines as they are, and without the mark that may begin UTF-8."""
    return path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="")


def judge(path: Path, encoding: str) -> None:
    """Raise DataError on what is no text, by its first bytes, and on another encoding that they tell."""
    refuse_no_file(path)
    with path.open("rb") as file:
        head = file.read(HEAD)
    for magic, what in BINARY.items():
        if head.startswith(magic):
            raise DataError(f"{path} is {what}.")
    for mark, name in MARKS.items():
        if head.startswith(mark) and not encoding.lower().replace("_", "-").startswith(name):
            raise DataError(f"{path} is encoded in {name.upper()}: {remedy(path, name)}.")
    if encoding == "utf-8" and b"\0" in head:
        even, odd = head[::2].count(0), head[1::2].count(0)
        if max(even, odd) > len(head) // 5 and min(even, odd) <= max(even, odd) // 8:  # of Western text
            name = "utf-16-le" if odd > even else "utf-16-be"
            raise DataError(f"{path} seems to be encoded in {name.upper()}: {remedy(path, name)}.")
        if head.count(0) > 1:
            raise DataError(f"{path} is a binary file, no text; give text, CSV, TSV, JSONL or Parquet.")


def refuse_no_file(path: Path) -> None:
    """Raise DataError where a path is no plain file, cannot be read, or holds nothing."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{path} is no plain file; give one, or a folder of them.")
        with path.open("rb"):
            pass
    except OSError as error:
        raise DataError(f"could not read {path}: {error.strerror}; check the path.") from error
    if not found.st_size:
        raise DataError(f"{path} is empty: it has no bytes; give a file with texts.")


def undecodable(path: Path, encoding: str) -> DataError:
    """What to say of a file that is not in this encoding: the line, and the encoding that it is likely in."""
    if encoding != "utf-8":
        return DataError(f"{path} is not encoded in {encoding}; leave --encoding out, or give another.")
    number = 0
    with path.open("rb") as file:
        while line := file.readline(LINE):
            number += line.endswith(b"\n")
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                likely = guess(line[max(0, error.start - WINDOW) :] + file.read(WINDOW))
                where = number + (not line.endswith(b"\n"))
                return DataError(
                    f"{path}, line {where}: byte 0x{line[error.start]:02x} is not UTF-8; it looks like "
                    f"{likely}: {remedy(path, likely)}."
                )
    return DataError(f"{path} is not UTF-8; give --encoding.")


def guess(content: bytes) -> str:
    """The encoding that some bytes are likely in, by `charset_normalizer`."""
    from charset_normalizer import from_bytes

    found = from_bytes(content[:WINDOW], cp_isolation=LIKELY).best()
    return found.encoding if found is not None and found.encoding != "utf_8" else "cp1252"


def remedy(path: Path, encoding: str) -> str:
    """How a file in another encoding can be used."""
    target = path.with_name(f"{path.stem}-utf8{path.suffix}")
    return (
        f"give --encoding {encoding}, or convert it: iconv -f {encoding} -t utf-8 {quoted(path)} "
        f"> {quoted(target)}"
    )


def quoted(path: Path) -> str:
    return shlex.quote(str(path))
