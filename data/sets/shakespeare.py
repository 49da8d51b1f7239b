"""The complete works of Shakespeare, or any one text: a corpus of one document a split.

It is not downloaded. Project Gutenberg's edition is public, but its file changes, so no checksum could
tell the right file from a wrong one, and scores on two versions would not compare; and Gutenberg asks
that people, not programs, use its site. Fetching the file once, by hand, is left to the user.
"""

import re
from pathlib import Path

from data.errors import DataError
from data.sets.corpus import Corpus
from data.sets.files import decode, read_bytes

SOURCE = "https://www.gutenberg.org/cache/epub/100/pg100.txt"
FILE = "complete.txt"
SHARES = (0.90, 0.95)  # where the training split ends, and where the validation split does
# What Project Gutenberg puts around a text: its licence would be a part of the test split.
GUTENBERG = re.compile(r"^\*\*\* ?(?:START|END) OF TH(?:E|IS) PROJECT GUTENBERG EBOOK.*$", re.MULTILINE)


def load(data_dir: Path | None = None) -> Corpus:
    """Return the text cut in 90 / 5 / 5 % of its characters, each cut at the end of a line.

    Args:
        data_dir: the folder that holds `shakespeare/complete.txt`, or any one `.txt` file in
            `shakespeare/`.

    Raises:
        DataError: there is no such file, there are several, or it is not UTF-8 or too short to split.
    """
    remedy = f"download {SOURCE} by hand to shakespeare/{FILE} in the folder of --data-dir or TWINFORMER_DATA"
    if data_dir is None:
        raise DataError(f"the corpus `shakespeare` is not downloaded for you: {remedy}.")
    folder = Path(data_dir) / "shakespeare"
    path = folder / FILE
    if not path.exists():
        found = sorted(folder.glob("*.txt"))
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise DataError(f"{folder} holds {len(found)} texts ({names}); name the one to read {FILE}.")
        path = found[0] if found else path
    text = decode(read_bytes(path, remedy), path, "save it as UTF-8").removeprefix("\ufeff")
    text = _work(text.replace("\r\n", "\n"))
    ends = [text.find("\n", int(share * len(text))) + 1 for share in SHARES]
    if not 0 < ends[0] < ends[1] < len(text):
        raise DataError(f"{path}: too few lines to cut 90 / 5 / 5 % at ends of lines; give a longer text.")
    return Corpus("shakespeare", (text[: ends[0]],), (text[ends[0] : ends[1]],), (text[ends[1] :],))


def _work(text: str) -> str:
    """The text between Gutenberg's two marks; all of it where they are not."""
    parts = GUTENBERG.split(text)
    return parts[1].strip("\n") + "\n" if len(parts) == 3 else text
