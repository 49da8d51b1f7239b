"""The places where two models part by themselves, with all that is known there."""

from collections.abc import Iterator, Mapping

import numpy as np

from parity_tests.core.isolate import Isolation, TapError
from parity_tests.core.order import find_order
from parity_tests.diagnosis.place import TOLERANCES, Known, Place, same
from parity_tests.pair_taps import Taps
from torch_impl.convert.row import torch_path

Pair = tuple[np.ndarray, np.ndarray]


def places(
    taps: Taps,
    isolation: Isolation,
    weights: Mapping[str, np.ndarray],
    inputs: Mapping[str, np.ndarray],
    framework: str,
) -> Iterator[Place]:
    """Those whose verdict is "diverges" or "earlier", in the order of execution.

    ``weights`` are the reference's, by name, and ``framework`` is the reference's. What parts by as much as
    an earlier place is the same mistake again, which a residual connection carries on, and left out.
    """
    if isolation.dtype not in TOLERANCES:
        return
    misread = {error.name for error in isolation.tap_errors if error.verdict == "earlier"}
    carried: list[np.ndarray] = []
    for error in isolation.tap_errors:
        if error.verdict not in ("diverges", "earlier"):
            continue
        pair = _read(taps, error.name) if error.verdict == "earlier" else None
        before = pair is not None and pair[0].shape == pair[1].shape
        pair = pair if before else _returned(taps, error)
        if pair is None or pair[0].shape != pair[1].shape or pair[0].ndim < 2 or not pair[0].size:
            continue  # a number or two can be anything
        if not np.isfinite(pair[0]).all():
            continue
        apart = pair[1] - pair[0]
        if any(same(apart, other, 1e-6) for other in carried):
            continue
        carried.append(apart)
        reads = taps.ours.reads.get(error.name, []) if error.verdict == "diverges" else []
        known, later = _known(taps, error.name, misread, inputs)
        known = [Known(error.name, "reads", read) for read in reads] + known
        own = {} if before else _own(weights, error.name)
        last = framework == "flax"
        around = [] if own or before or reads else _around(weights, error.name)
        yield Place(
            error.name, before, *pair, reads, known, later, own, inputs, around, last, isolation.dtype
        )


def _returned(taps: Taps, error: TapError) -> Pair | None:
    """What the part, or the model, returns in both, in the reference's axes."""
    assert taps.alone_run is not None
    ours, theirs = (trace.arrays[error.kind] for trace in (taps.ours, taps.alone_run))
    if error.kind == "forward":
        return (ours[error.name], theirs[error.name]) if error.name in theirs else None
    if error.name not in taps.orders:
        return None
    return ours[error.name], taps.orders[error.name].turn(theirs[taps.pairs[error.name]])


def _read(taps: Taps, name: str) -> Pair | None:
    """What the part reads that is not the same in both, in the reference's axes: the first such array."""
    assert taps.alone_run is not None
    ours, theirs = taps.ours.reads[name], taps.alone_run.reads[taps.pairs[name]]
    turned = [order for order in taps.orders.values() if not order.is_identity]
    left = [array for array in ours if not any(find_order(array, other, taps.bound)[1] for other in theirs)]
    right = [array for array in theirs if not any(find_order(other, array, taps.bound)[1] for other in ours)]
    for array, other in zip(left, right, strict=False):
        order, _ = find_order(array, other, taps.bound, turned)
        if order is not None:
            return array, order.turn(other)
    return None


def _known(
    taps: Taps, name: str, misread: set[str], inputs: Mapping[str, np.ndarray]
) -> tuple[list[Known], list[Known]]:
    """What was computed before a part, the nearest first; and what the candidate alone may have before it."""
    before = [Known(input, "input", array) for input, array in inputs.items() if array.dtype.kind == "f"]
    later: list[Known] = []
    found = before
    for other, array in taps.ours.arrays["tap"].items():
        if other == name:
            found = later
            continue
        verb = "reads in the reference" if other in misread else "reads"
        found += [Known(other, verb, read) for read in taps.ours.reads.get(other, [])]
        found.append(Known(other, "returns", array))
    finite = [[item for item in items if np.isfinite(item.array).all()] for items in (before, later)]
    return finite[0][::-1], finite[1]


def _own(weights: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The parameters of a part, by the end of their names."""
    part = torch_path(name.partition(" (")[0]) + "."
    spelled = {torch_path(weight): array for weight, array in weights.items()}
    return {name.removeprefix(part): array for name, array in spelled.items() if name.startswith(part)}


def _around(weights: Mapping[str, np.ndarray], name: str) -> list[dict[str, np.ndarray]]:
    """The parameters of each part that lies where an array was told of, which is itself no part."""
    owner = torch_path(name).rpartition(".")[0]
    groups: dict[str, dict[str, np.ndarray]] = {}
    for weight, array in weights.items():
        part, _, last = torch_path(weight).rpartition(".")
        if part.rpartition(".")[0] == owner:
            groups.setdefault(part, {})[last] = array
    return [*groups.values()]
