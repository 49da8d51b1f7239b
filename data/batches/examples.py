"""Encoded examples, and the checks made on the host before a device sees them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32

from data.errors import DataError

Examples = Sequence[Int32[np.ndarray, " _position"]]  # token ids; each example has its own length


def check_examples(examples: Examples, labels: Int32[np.ndarray, " example"], longest: int) -> None:
    """Refuse examples that cannot be batched: none at all, without a label, empty or too long.

    Raises:
        DataError: naming the first such example and how many tokens it has.
    """
    if not len(examples):
        raise DataError("there are no examples to batch; give at least one.")
    if len(labels) != len(examples):
        raise DataError(f"{len(examples)} examples came with {len(labels)} labels: give one each.")
    for row, ids in enumerate(examples):
        if not 0 < len(ids) <= longest:
            raise DataError(
                f"example {row} has {len(ids)} tokens, but must have 1 to {longest}, the largest "
                "bucket; choose the buckets from the lengths of every split."
            )


def check_ids(examples: Examples, vocab: int) -> None:
    """Refuse a token id outside 0 to `vocab` - 1: it is NaN in JAX, an obscure error on a GPU.

    Raises:
        DataError: naming the first such example, its position and the id.
    """
    for row, ids in enumerate(examples):
        outside = np.flatnonzero((ids < 0) | (ids >= vocab))
        if len(outside):
            position = outside[0]
            raise DataError(
                f"example {row}, position {position}: token id {ids[position]} is outside "
                f"0 to {vocab - 1} (vocab={vocab}); encode with the tokenizer of this model."
            )


def check_labels(labels: Int32[np.ndarray, " example"], classes: Sequence[str], where: str) -> None:
    """Refuse a label that is not an index into `classes`; `where` begins the message.

    Raises:
        DataError: naming the first such row and its label.
    """
    outside = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if len(outside):
        row = outside[0]
        raise DataError(
            f"{where}: row {row} has label {labels[row]}, but the {len(classes)} classes "
            f"({', '.join(classes)}) are labelled 0 to {len(classes) - 1}; correct the label."
        )
