"""What a recorded reference and a candidate must agree on; where they do not, what to record again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from parity_tests.record.contract import digest
from parity_tests.record.recorded import Recorded, RecordError
from parity_tests.runners.arrays import cotangent
from parity_tests.runners.side import Side
from torch_impl.convert.fitting import Owners, fitted
from torch_impl.convert.row import OTHER, Row


def check_agreed(recorded: Recorded, candidate: Side, inputs: Any, dtype: str) -> None:
    """Raises RecordError where other inputs, another dtype or other gradients are asked for than recorded."""
    path, contract = recorded.path, recorded.contract
    if inputs is not None:
        raise RecordError(f"inputs: {path} has its own; leave them out, or record it again with these")
    if dtype != contract.dtype:
        raise RecordError(
            f"dtype {dtype!r}: {path} was recorded in {contract.dtype}; compare with "
            f"dtype={contract.dtype!r}, or record it again with dtype={dtype!r}"
        )
    if unknown := candidate.not_taken(recorded.inputs):
        raise RecordError(
            f"{path} has the input {unknown[0]!r}, which {candidate.name} does not take: give it a `call` "
            "that does, or record the reference again with inputs by the names that both have"
        )
    for array in recorded.arrays["cotangent"].values():
        if not np.array_equal(array, cotangent(array.shape)):
            raise RecordError(
                f"{path} has gradients along another direction than NumPy {np.__version__} draws, from "
                f"{contract.versions.get('numpy', 'an unknown one')}: record it again with this version"
            )


def check_weights(recorded: Recorded, table: Sequence[Row] | None) -> None:
    """Raises RecordError where a table is to be found, and there are no weights to find it by."""
    if table is None and not recorded.has_weights:
        raise RecordError(
            f"{recorded.path} has neither weights nor a table: give compare the table as weights, or record "
            "it again with its weights"
        )


def with_weights_of(
    recorded: Recorded, candidate: Side, source: str, table: Sequence[Row], owners: Owners | None
) -> Recorded:
    """The record with weights: of one that has digests alone, the candidate's, which must have these digests.

    They come back through the table to the side ``source``. Raises RecordError where one is not the
    reference's, or a row changes it, which has no way back.
    """
    if recorded.has_weights:
        return recorded
    if changing := [row for row in table if row.change]:
        raise RecordError(
            f"{recorded.path} has digests for weights, and from what the row of {changing[0].flax!r} changes "
            "there is no way back to them: record it again with the weights"
        )
    own = candidate.weights()
    with whose_table(recorded, table):
        brought = fitted(own, OTHER[source], recorded.shapes({}), table, owners).arrays
    for name, expected in recorded.contract.digests.items():
        if digest(brought[name]) != expected:
            raise RecordError(
                f"the candidate's weights are not those of {recorded.path}: {name!r} has another digest; "
                "give it the reference's weights, or record the reference again with these"
            )
    return replace(recorded, arrays={**recorded.arrays, "parameter": brought})


@contextmanager
def whose_table(reference: Side, table: Sequence[Row]) -> Iterator[None]:
    """Where it is the table on file that does not fit the candidate, the error says what to do."""
    try:
        yield
    except (KeyError, ValueError) as error:
        if not isinstance(reference, Recorded) or reference.contract.table is not table:
            raise
        raise RecordError(
            f"{error.args[0]}; the table is that of {reference.path}: give compare another one as weights, "
            "or record the reference again with it"
        ) from error
