"""Cornell sentence polarity v1.0: sentences of film reviews, negative or positive.

Source: Pang and Lee, "Seeing stars: Exploiting class relationships for sentiment categorization
with respect to rating scales", ACL 2005; distributed by NLTK under CC BY 4.0.
"""

from pathlib import Path

import numpy as np

from data.errors import DataError
from data.sets.download import fetch, read_member
from data.sets.files import decode, read_bytes
from data.sets.labelled import LabelledText, Split

URL = "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/corpora/sentence_polarity.zip"
SHA256 = "6e1ed4405b65c7eabf1d199a7f7c437091ac21da0ea7467b410a74062574566b"
CLASSES = ("negative", "positive")
FILES = ("rt-polarity.neg", "rt-polarity.pos")  # in the order of CLASSES
SENTENCES = 5331  # in each file
# The standard split: no shuffle, the first 80 % of each class, the next 10 %, the rest.
SPLITS = {
    "train": slice(0, 4265),
    "validation": slice(4265, 4798),
    "test": slice(4798, SENTENCES),
}


def load(data_dir: Path | None = None) -> LabelledText:
    """Return the data set in its standard split: 8,530 / 1,066 / 1,066, half of each class.

    Args:
        data_dir: the folder that holds `rt_polarity/rt-polarity.pos` and `.neg`; without it, the
            data set is downloaded.

    Raises:
        DataError: a file is missing, is not UTF-8 or has the wrong number of sentences, or the
            download failed.
    """
    negative, positive = (_sentences(file, data_dir) for file in FILES)

    def split(rows: slice) -> Split:
        labels = [0] * len(negative[rows]) + [1] * len(positive[rows])
        return Split(tuple(negative[rows] + positive[rows]), np.array(labels, np.int32))

    return LabelledText("polarity", CLASSES, **{name: split(rows) for name, rows in SPLITS.items()})


def _sentences(file: str, data_dir: Path | None) -> list[str]:
    if data_dir is None:
        path = fetch(URL, SHA256)
        content = read_member(path, f"sentence_polarity/{file}")
    else:
        path = Path(data_dir) / "rt_polarity" / file
        content = read_bytes(
            path,
            "put the file there, or leave out --data-dir and TWINFORMER_DATA to download the data set",
        )
    text = decode(content, f"{path}, {file}", f"replace it by the file in {URL}")
    # Not splitlines(): that also breaks at U+0085, which occurs inside sentences.
    sentences = [line.strip() for line in text.removesuffix("\n").split("\n")] if text else []
    if len(sentences) != SENTENCES:
        raise DataError(
            f"{path}, {file}: {len(sentences):,} sentences instead of {SENTENCES:,}; "
            f"replace the file by the one in {URL}."
        )
    return sentences
