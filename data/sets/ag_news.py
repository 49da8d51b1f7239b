"""AG's news topics: title and first sentences of news articles, in four classes.

Source: Zhang, Zhao and LeCun, "Character-level Convolutional Networks for Text Classification",
NIPS 2015; for research and other non-commercial use.

The text of an article is its title, a space, and its description. The files write a newline as a
backslash (their readme promises "\\n", but the n is missing), which becomes a space, and a dollar
sign as backslash-dollar, which becomes a dollar sign. Entities that lost their "&", as in "#39;",
stay as they are.
"""

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data.batches.shuffle import ORDER, permutation, random_bits
from data.errors import DataError
from data.sets.download import fetch
from data.sets.files import decode, read_bytes
from data.sets.labelled import LabelledText, Split

CLASSES = ("world", "sports", "business", "sci/tech")  # 1 to 4 in the files
VALIDATION = 0.05  # of the training file: the first of a permutation drawn from this seed
SEED = 2015


class File(NamedTuple):
    """A file of the data set and what it must be."""

    name: str
    rows: int
    source: str  # its address, or what it is when it has none
    sha256: str = ""  # checked on download


URL = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/"
TRAIN = File(
    name="train.csv",
    rows=120_000,
    source=URL + "train.csv",
    sha256="76a0a2d2f92b286371fe4d4044640910a04a803fdd2538e0f3f29a5c6f6b672e",
)
TEST = File(
    name="test.csv",
    rows=7_600,
    source=URL + "test.csv",
    sha256="521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699",
)
SAMPLE = File("train_sample_10000.csv", 10_000, "10,000 rows of train.csv")
REMEDY = "leave out --data-dir and TWINFORMER_DATA to download `ag_news`"


def load(data_dir: Path | None = None) -> LabelledText:
    """Return the data set: 114,000 / 6,000 / 7,600 examples.

    Args:
        data_dir: the folder that holds `ag_news/train.csv` and `ag_news/test.csv`; without it, they are
            downloaded. When there is no train.csv but train_sample_10000.csv, the data set is that of
            `load_sample`, and named so.

    Raises:
        DataError: a file is missing or is not what it should be, or the download failed.
    """
    if data_dir is not None:
        folder = Path(data_dir) / "ag_news"
        if not (folder / TRAIN.name).exists() and (folder / SAMPLE.name).exists():
            return load_sample(data_dir)
    return _load("ag_news", TRAIN, data_dir)


def load_sample(data_dir: Path | None = None) -> LabelledText:
    """Return `ag_news_10k`: 9,500 / 500 of 10,000 training rows, and the official 7,600 test rows.

    Args:
        data_dir: the folder that holds `ag_news/train_sample_10000.csv` and `ag_news/test.csv`.

    Raises:
        DataError: there is no such folder, or a file is missing or is not what it should be.
    """
    if data_dir is None:
        raise DataError(
            f"ag_news_10k needs ag_news/{SAMPLE.name}, which cannot be downloaded: name the folder that "
            "holds it with --data-dir or TWINFORMER_DATA, or choose `ag_news`."
        )
    return _load("ag_news_10k", SAMPLE, data_dir)


def _load(name: str, train: File, data_dir: Path | None) -> LabelledText:
    official = _read(train, data_dir)
    shuffled = permutation(random_bits(SEED, 0, ORDER), len(official))
    count = round(VALIDATION * len(official))
    validation, rest = np.sort(shuffled[:count]), np.sort(shuffled[count:])
    return LabelledText(
        name, CLASSES, _rows(official, rest), _rows(official, validation), _read(TEST, data_dir)
    )


def _rows(split: Split, rows: np.ndarray) -> Split:
    return Split(tuple(split.texts[row] for row in rows), split.labels[rows])


def _read(file: File, data_dir: Path | None) -> Split:
    if data_dir is None:
        path, remedy = fetch(file.source, file.sha256), "delete it and try again"
    else:
        path, remedy = Path(data_dir) / "ag_news" / file.name, f"put {file.source} there, or {REMEDY}"
    lines = io.StringIO(decode(read_bytes(path, remedy), path, remedy), newline="")
    reader = csv.reader(lines, strict=True)
    texts, labels = [], []
    try:
        for row in reader:
            if len(row) != 3 or row[0] not in ("1", "2", "3", "4"):
                raise csv.Error(f"expected a class 1 to 4, a title and a description, not {row!s:.80}")
            texts.append(_text(f"{row[1]} {row[2]}"))
            labels.append(int(row[0]) - 1)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}; {remedy}.") from error
    if len(texts) != file.rows:
        raise DataError(f"{path}: {len(texts):,} rows instead of {file.rows:,}; {remedy}.")
    return Split(tuple(texts), np.array(labels, np.int32))


def _text(escaped: str) -> str:
    return re.sub(r"\\+", " ", escaped.replace(r"\$", "$"))
