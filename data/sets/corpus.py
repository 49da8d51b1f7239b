"""Corpora: what a language model reads. Documents in three splits, without labels."""

from dataclasses import dataclass

from data.errors import DataError
from data.sets.labelled import LabelledText


@dataclass(frozen=True)
class Corpus:
    """Documents of text; a document may be a sentence or a library.

    Raises:
        DataError: a split has no documents, or one of them is blank.
    """

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        for split in ("train", "validation", "test"):
            documents = getattr(self, split)
            if not documents:
                raise DataError(f"{self.name}, {split} split: it has no documents; give each split one.")
            for number, document in enumerate(documents):
                if not document.strip():
                    raise DataError(
                        f"{self.name}, {split} split: document {number} is {document!r}; remove blank ones."
                    )


def without_labels(labelled: LabelledText) -> Corpus:
    """Return the texts of a labelled data set, in the same splits."""
    texts = (split.texts for split in (labelled.train, labelled.validation, labelled.test))
    return Corpus(labelled.name, *texts)
