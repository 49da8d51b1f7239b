"""Finding the table between two models, by names, shapes and runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from parity_tests.core.names import listed
from parity_tests.map.pairing import pair
from parity_tests.map.prove import unproven
from parity_tests.map.settle import settle
from parity_tests.map.side import Side
from parity_tests.map.table import FoundRow, code, rows
from parity_tests.map.trials import Trials
from parity_tests.map.uses import in_order_of_use
from parity_tests.runners.calls import just_call
from torch_impl.convert.row import Row


@dataclass(frozen=True)
class FoundTable:
    """A table that was found, and which parts own each other's weights by it."""

    found: list[FoundRow]
    parts: dict[str, str]
    """The reference's parts, in the order of execution, each with the candidate's."""

    @property
    def rows(self) -> list[Row]:
        return [one.row for one in self.found]

    @property
    def summary(self) -> str:
        """How many rows there are, and which are not proven, by the reason."""
        reasons: dict[str, list[str]] = {}
        for one in self.unproven:
            reasons.setdefault(one.unproven, []).append(_named(one.row.flax))
        unproven = [f"unproven, as {why}: {listed(names)}" for why, names in reasons.items()]
        changing = [_named(one.row.flax) for one in self.found if one.change]
        changes = [f"values changed of {listed(changing)}"] if changing else []
        shown = [*changes, *(unproven or ["all proven by runs"])]
        return f"table found: {len(self.found)} rows, {'; '.join(shown)}"

    def to_json(self) -> dict[str, Any]:
        """The code, and the rows that are not proven, each with the reason."""
        return {"code": str(self), "unproven": {_named(one.row.flax): one.unproven for one in self.unproven}}

    @property
    def unproven(self) -> list[FoundRow]:
        """Rows that no run can tell from others."""
        return [one for one in self.found if one.unproven]

    def __str__(self) -> str:
        """As code to keep."""
        return code(self.found)


def find_table(reference: Any, candidate: Any, inputs: Mapping[str, np.ndarray], bound: float) -> FoundTable:
    """The table between two sides of a pair, whose parts are within ``bound`` by it where they are right.

    Names, shapes and the order of execution say what is likely. Then the candidate runs on the reference's
    values, part by part, until the parts agree; and runs show which rows could be no others. The reference's
    weights are moved off their values meanwhile, as zeros are alike whatever they are of; but for those of a
    recorded one.

    Raises KeyError for weights that are left over.
    """
    reference, candidate = heard_by_parts(reference), heard_by_parts(candidate)
    state, their_state = reference.state(inputs), candidate.state(inputs)
    weights = (_moved(reference.weights()) if _runs(reference) else reference.weights()) | state
    truth = reference.run(weights, inputs, "float64")
    shapes = candidate.shapes(inputs)
    drawn = {name: np.random.default_rng(0).standard_normal(shape) / 10 for name, shape in shapes.items()}
    heard = candidate.run(drawn, inputs, "float64").arrays["tap"]
    images = frozenset(array.shape[1:] for array in heard.values() if array.ndim > 2)
    ours = Side(in_order_of_use(_shapes(weights), [*truth.arrays["tap"]]))
    theirs = Side(in_order_of_use(shapes | _shapes(their_state), [*heard]), images)
    likely = pair(ours, theirs)
    for side, names, kept in (("reference", likely.ours, state), ("candidate", likely.theirs, their_state)):
        if left := [name for name in names if name not in kept]:
            raise KeyError(_left_over(side, left, ours if side == "reference" else theirs))
    trials = Trials(
        truth, weights, reference if _runs(reference) else None, candidate, [*heard], inputs, bound
    )
    links, outcome = settle(likely.links, trials, ours, theirs)
    why = unproven(links, outcome, trials, ours, theirs)
    return FoundTable(rows(links, why, reference.framework, candidate.framework), trials.pairs(links))


def heard_by_parts(side: Any) -> Any:
    """A side whose parts are heard by what they return, whatever the model says by an argument ``tap``.

    A recorded one stays as it was heard.
    """
    return replace(side, call=side.call or just_call) if _runs(side) else side


def _runs(side: Any) -> bool:
    """Whether a side is a model, which runs with other weights too; a recorded one does not."""
    return hasattr(side, "call")


def _moved(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights off their values by a fifth."""
    rng = np.random.default_rng(0)
    return {
        name: array + 0.2 * (np.sqrt(np.mean(np.square(array))) or 0.5) * rng.standard_normal(array.shape)
        for name, array in weights.items()
    }


def _named(side: str | tuple[str, ...]) -> str:
    return side if isinstance(side, str) else ", ".join(side)


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in arrays.items()}


def _left_over(side: str, names: list[str], of: Side) -> str:
    shown = listed([f"{name} {of.shapes[name]}" for name in names])
    return (
        f"no table found: nothing in the other model fits {shown} of the {side}; give `weights`, or "
        "take what is not used out of a copy of the model"
    )
