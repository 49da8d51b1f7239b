"""The engine of the converter: from one framework's names and layout into the other's, by any table.

Read forwards a row takes Flax's arrays to PyTorch's layout, read backwards PyTorch's to Flax's; gradients
and optimizer moments have the layout of their parameter and go the same way. Arrays move, numbers do not
change: a round trip is bitwise equal. Every parameter must be claimed by exactly one row; a row whose names
have no ``*`` goes before those that have.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np
from einops import EinopsError, rearrange

from torch_impl.convert.row import OTHER, Row, match, torch_path
from torch_impl.convert.table import TABLE

Arrays = dict[str, np.ndarray]
# Which parameters belong together: those of one row that have the same path, here in PyTorch's spelling.
Place = tuple[Row, tuple[str, ...]]


def to_torch(arrays: Mapping[str, np.ndarray], table: Sequence[Row] = TABLE) -> Arrays:
    """Flax's flat parameters in PyTorch's names and layout."""
    return _converted(arrays, "flax", {}, table)


def to_flax(
    arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int], table: Sequence[Row] = TABLE
) -> Arrays:
    """PyTorch's state in Flax's names and layout.

    ``sizes`` gives the length of the axes that PyTorch's layout merges, as `axis_sizes` reads them off a
    module: ``{"head_dim": 64}``.
    """
    return _converted(arrays, "torch", sizes, table)


def flax_name(name: str, table: Sequence[Row] = TABLE) -> str:
    """What Flax calls the parameter that PyTorch calls ``name``; its row must have one name there."""
    (((row, path), _),) = places([name], "torch", table).items()
    (found,) = row.names("flax", path)
    return found


def claims(name: str, framework: str, table: Sequence[Row], owner: str = "") -> list[tuple[Place, str]]:
    """The places that a parameter may have, each with the pattern that it fits there; KeyError for none.

    ``owner`` is whose parameter an error says it is, by default the framework's.
    """
    found = [
        ((row, tuple(map(torch_path, path))), pattern)
        for row in table
        for pattern in row.patterns(framework)
        if (path := match(pattern, name)) is not None
    ]
    if not found:
        raise KeyError(
            f"{owner or framework} parameter {name!r} is claimed by no row of the table; exactly one row "
            "must claim it"
        )
    own = [claim for claim in found if "*" not in claim[1]]
    return own or found


def places(names: Iterable[str], framework: str, table: Sequence[Row]) -> dict[Place, list[str]]:
    """The parameters that belong together, in the order in which their row names them."""
    chosen = {}
    for name in names:
        first, *others = claims(name, framework, table)
        if others:
            patterns = [pattern for _, pattern in (first, *others)]
            raise KeyError(
                f"{framework} parameter {name!r} is claimed by {patterns} of the table; "
                "exactly one row must claim it"
            )
        chosen[name] = first
    return gather(chosen, framework)


def gather(claimed: Mapping[str, tuple[Place, str]], framework: str) -> dict[Place, list[str]]:
    """`places` of parameters whose claims are known: KeyError for a place that is taken, or not filled."""
    found: dict[Place, dict[str, str]] = {}
    for name, (place, pattern) in claimed.items():
        members = found.setdefault(place, {})
        if pattern in members:
            raise KeyError(f"{framework} parameters {members[pattern]!r} and {name!r} have one path")
        members[pattern] = name
    for (row, path), members in found.items():
        for pattern, missing in zip(row.patterns(framework), row.names(framework, path), strict=True):
            if pattern not in members:
                others = [*members.values()]
                raise KeyError(f"{framework} parameter {missing!r} is missing: a row stacks it with {others}")
    return {
        place: [members[pattern] for pattern in place[0].patterns(framework)]
        for place, members in found.items()
    }


def move(
    arrays: Mapping[str, np.ndarray], names: list[str], row: Row, framework: str, sizes: Mapping[str, int]
) -> list[np.ndarray]:
    """The arrays of one place, from the layout of ``framework`` into the other's.

    ``sizes`` has lengths of axes that the layout merges; others in it are not needed, and ignored.
    """
    other = OTHER[framework]
    source, target = row.layout(framework), row.layout(other)
    groups = [re.findall(r"\w+", group) for group in re.findall(r"\((.*?)\)", source)]
    merging, sizes = [*chain(*groups)], {**sizes, **row.lengths}
    if isinstance(getattr(row, other), tuple):
        sizes = {**sizes, target.split()[0]: len(row.patterns(other))}
    merged = {axis: sizes[axis] for axis in merging if axis in sizes}
    for group in groups:
        if len(unknown := [axis for axis in group if axis not in merged]) > 1:
            advised = ", ".join([str(row.axes), *(f"{axis}=..." for axis in unknown[:-1])])
            raise ValueError(
                f"row {row.axes!r} of {names[0]!r}: the lengths of {' and '.join(unknown)} are unknown, as "
                f"no shape has them apart; write them behind the pattern: {advised!r}"
            )
    given = [arrays[name] for name in names]
    try:
        stack = np.stack(given) if isinstance(getattr(row, framework), tuple) else given[0]
        moved = np.asarray(rearrange(stack, f"{source} -> {target}", **merged), order="C")
    except (EinopsError, ValueError) as error:
        what = ", ".join(f"{name!r} of shape {arrays[name].shape}" for name in names)
        raise ValueError(f"{what} does not fit its row {f'{source} -> {target}'!r} with {merged}") from error
    return list(moved) if isinstance(getattr(row, other), tuple) else [moved]


def _converted(
    arrays: Mapping[str, np.ndarray], source: str, sizes: Mapping[str, int], table: Sequence[Row]
) -> Arrays:
    converted: Arrays = {}
    for (row, path), names in places(arrays, source, table).items():
        moved = move(arrays, names, row, source, sizes)
        for target, array in zip(row.names(OTHER[source], path), moved, strict=True):
            if target in converted:
                raise KeyError(f"{names[0]!r} and another parameter both convert to {target!r}")
            converted[target] = array
    return converted
