"""Labelled texts: what every classification data set is once it has been read."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from data.batches.examples import check_labels
from data.errors import DataError


@dataclass(frozen=True, eq=False)
class Split:
    """Texts and their labels, row by row.

    Raises:
        DataError: a text is blank, or there are not as many labels as texts.
    """

    texts: tuple[str, ...]
    labels: Int32[np.ndarray, " example"]

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.labels):
            raise DataError(f"{len(self.texts)} texts came with {len(self.labels)} labels: give one each.")
        for row, text in enumerate(self.texts):
            if not text.strip():
                raise DataError(f"the text of row {row} is {text!r}: remove rows without words.")

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, eq=False)
class LabelledText:
    """A data set for classification; a label is an index into `classes`.

    Raises:
        DataError: a split is empty, or one of its labels is not an index into `classes`.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split

    def __post_init__(self) -> None:
        for split in ("train", "validation", "test"):
            where = f"{self.name}, {split} split"
            labels = getattr(self, split).labels
            if not len(labels):
                raise DataError(f"{where}: it has no examples; give each split at least one.")
            check_labels(labels, self.classes, where)
