"""A reference recorded: run once, and kept on file for candidates where it cannot run itself."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from parity_tests.core.compare import BOUNDS
from parity_tests.core.trace import Trace
from parity_tests.core.versions import installed
from parity_tests.pair_arguments import checked_table, exact_inputs
from parity_tests.pair_sides import adapted
from parity_tests.record.contract import Contract, digest
from parity_tests.record.read import first_nan
from parity_tests.record.recorded import Recorded
from parity_tests.record.write import write_recorded
from parity_tests.runners.arrays import SEED, Inputs, Params, cotangent
from parity_tests.runners.side import Side
from torch_impl.convert.row import Row, match

LIBRARIES = {"torch": ("torch",), "flax": ("jax", "flax")}


def record(
    reference: Any,
    inputs: Mapping[str, Any],
    path: str | Path,
    weights: Sequence[Row] | None = None,
    taps: Iterable[str] | None = None,
    dtype: str = "float64",
    digests: bool = False,
) -> Path:
    """Run the reference, and write all that `compare` asks of it into one safetensors file.

    ``compare(path, candidate)`` needs neither the reference nor its framework then, and reports what it would
    report of the reference itself. ``reference``, ``inputs`` and ``dtype`` are as `compare` takes them.
    ``weights`` is the table, if it is to be on file too. ``taps`` are names of the reference's parts, with
    ``*`` for pieces of the path; the others are left out. With ``digests`` the file has digests for weights,
    and a candidate must bring weights that have them. That keeps no weights secret: what the parts read and
    return, and the gradients, tell much of them.

    Returns the path. Raises TypeError and ValueError as `compare` does; for a row that changes values, which
    is code and cannot be stored; for taps that find nothing, complex inputs, and NaN.
    """
    path = Path(path)
    _check(path, weights, taps, dtype)
    side, arrays = adapted(reference), exact_inputs(inputs)
    if odd := [name for name, array in arrays.items() if array.dtype.kind == "c"]:
        raise ValueError(f"input {odd[0]!r} is complex: give its two parts, and join them in `call`")
    parameters = side.weights()
    trace = _chosen(side.run(parameters, arrays, dtype), taps)
    recorded = _recorded(path, side, dtype, arrays, parameters, trace, weights, digests)
    if found := first_nan(recorded.arrays):
        raise ValueError(f"{side.name} has NaN in {found}, to which nothing can be equal: give other inputs")
    write_recorded(recorded)
    return path


def _check(path: Path, table: Sequence[Row] | None, taps: Any, dtype: str) -> None:
    """Raises TypeError and ValueError for what cannot be recorded, before anything runs."""
    if dtype not in BOUNDS:
        raise ValueError(f"dtype {dtype!r}: choose one of {', '.join(BOUNDS)}")
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"{path} cannot be written: give a file, in a folder that is there")
    if isinstance(taps, str):
        raise TypeError(f"taps: {taps!r} is one name; give a list of them, such as {[taps]}")
    rows = () if table is None else checked_table(table)
    if changing := [row for row in rows if row.change is not None]:
        raise ValueError(
            f"weights: the row of {changing[0].flax!r} changes values, by code that no file keeps: leave the "
            "table out here, and give it to compare"
        )


def _recorded(
    path: Path,
    side: Side,
    dtype: str,
    inputs: Inputs,
    parameters: Params,
    trace: Trace,
    table: Sequence[Row] | None,
    digests: bool,
) -> Recorded:
    differentiated = any(trace.arrays[kind] for kind in ("input gradient", "parameter gradient"))
    arrays = {
        "input": inputs,
        "parameter": {} if digests else parameters,
        "state": side.state(inputs),
        "cotangent": {
            name: cotangent(array.shape) for name, array in trace.arrays["forward"].items() if differentiated
        },
        **trace.arrays,
    }
    contract = Contract(
        side.name,
        side.framework,
        dtype,
        versions=installed(("twinformer", "numpy", *LIBRARIES[side.framework])),
        seeds={"cotangent": SEED},
        names={kind: list(found) for kind, found in arrays.items()},
        reads={name: len(read) for name, read in trace.reads.items()},
        axes=trace.axes,
        shapes={name: list(array.shape) for name, array in parameters.items()},
        digests={name: digest(array) for name, array in parameters.items()},
        table=None if table is None else list(table),
    )
    return Recorded(path, contract, arrays, trace.reads)


def _chosen(trace: Trace, taps: Iterable[str] | None) -> Trace:
    """The trace with those of its taps that were asked for."""
    if taps is None:
        return trace
    there = trace.arrays["tap"]
    found = {pattern: [name for name in there if match(pattern, name) is not None] for pattern in taps}
    if missed := [pattern for pattern, names in found.items() if not names]:
        raise ValueError(f"taps: {missed[0]!r} finds nothing; there are {', '.join(there) or 'none'}")
    names = [name for name in there if any(name in some for some in found.values())]
    return Trace(
        {**trace.arrays, "tap": {name: there[name] for name in names}},
        {name: trace.axes[name] for name in names},
        {name: trace.reads[name] for name in names if name in trace.reads},
    )
