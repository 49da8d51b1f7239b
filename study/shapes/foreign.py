"""Shapes of any pair: what the parts of two models of one's own return, side by side.

    print(twinformer.shapes(reference, candidate, inputs))

Their axes have no names: a framework's layers do not say them. What has the same numbers in another order is
marked, as a transpose that a port has to make.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from parity_tests.pair_arguments import exact_inputs
from parity_tests.pair_sides import adapted
from parity_tests.pair_taps import tap_pairs
from study.shapes.table import WIDTH, shape
from study.shapes.trace import Shape

SAME, TURNED, UNLIKE = "", "axes in another order", "another shape"


@dataclass(frozen=True)
class PairRow:
    """What one part returns in either model; None where the other has no part of this path."""

    name: str
    other: str
    ours: Shape | None
    theirs: Shape | None

    @property
    def mark(self) -> str:
        """How the two differ."""
        if self.ours is None or self.theirs is None or self.ours == self.theirs:
            return SAME
        return TURNED if sorted(self.ours) == sorted(self.theirs) else UNLIKE


@dataclass(frozen=True)
class PairShapes:
    """The parts of two models in order of execution, and their parameters."""

    names: tuple[str, str]
    parts: tuple[PairRow, ...]
    parameters: tuple[dict[str, Shape], dict[str, Shape]]

    def __str__(self) -> str:
        text = StringIO()
        console = Console(file=text, width=WIDTH)
        console.print(self._parts())
        for name, found in zip(self.names, self.parameters, strict=True):
            total = sum(int(np.prod(one)) for one in found.values())
            console.print(f"\n{name}: {total:,} parameters in {len(found)} arrays", highlight=False)
            for parameter, one in found.items():
                console.print(f"  {parameter}  {shape(one)}", highlight=False)
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def _parts(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for header in (f"part of {self.names[0]}", "returns", f"part of {self.names[1]}", "returns", ""):
            table.add_column(header)
        for row in self.parts:
            shown = ["" if one is None else shape(one) for one in (row.ours, row.theirs)]
            table.add_row(row.name, shown[0], row.other, shown[1], row.mark)
        return table


def shapes(reference: Any, candidate: Any, inputs: Mapping[str, Any]) -> PairShapes:
    """Run both models once, and keep the shapes of what their parts return.

    ``reference`` and ``candidate`` are as `compare` takes them, and of either framework; ``inputs`` are numpy
    arrays by name. The weights play no part: none are needed, and none are changed.
    """
    arrays, sides = exact_inputs(inputs), [adapted(reference), adapted(candidate)]
    parameters, taps = [], []
    for side in sides:
        found = side.shapes(arrays)
        weights = {name: np.zeros(one) for name, one in found.items()}
        parameters.append(found)
        taken = side.run(weights, arrays, "float32").arrays["tap"]
        taps.append({name: array.shape for name, array in taken.items()})
    ours, theirs = taps
    pairs = tap_pairs([*ours], [*theirs], None)
    rows = [
        PairRow(name, pairs.get(name, ""), one, theirs.get(pairs.get(name, ""))) for name, one in ours.items()
    ]
    alone = [PairRow("", name, None, one) for name, one in theirs.items() if name not in pairs.values()]
    return PairShapes((sides[0].name, sides[1].name), (*rows, *alone), (parameters[0], parameters[1]))
