"""Any pair: a model of one's own in PyTorch and in JAX, held against each other.

    comparison = compare(reference, candidate, inputs, weights=TABLE)
    print(comparison)

`docs/porting.md` goes through it step by step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from io import StringIO
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.text import Text

from parity_tests.core import report
from parity_tests.core.compare import BOUNDS, Check, all_passed, compare_traces
from parity_tests.core.isolate import Isolation, isolate
from parity_tests.core.page import page
from parity_tests.core.trace import Trace
from parity_tests.pair_arguments import check_table, exact_inputs
from parity_tests.runners.jax_model import JaxModel
from parity_tests.runners.torch_model import TorchModel
from torch_impl.convert.fitting import fit
from torch_impl.convert.row import Row, match, torch_path

__all__ = ["Comparison", "JaxModel", "Row", "TorchModel", "compare"]


@dataclass(frozen=True)
class Comparison:
    """The checks, and the two traces that they were taken from, both under the reference's names."""

    checks: list[Check]
    reference: Trace = field(repr=False)
    candidate: Trace = field(repr=False)
    isolations: list[Isolation] = field(repr=False)
    """Of models that diverge: what does so by itself, and what lies downstream of it."""
    other_shape: list[str] = field(repr=False)
    """Taps that were found by their path alone, and not compared as their shapes differ."""

    @property
    def readings(self) -> list[Check]:
        """The checks, by their name up to version 0.1."""
        return self.checks

    @property
    def passed(self) -> bool:
        return all_passed(self.checks)

    @property
    def gradient_zero(self) -> list[str]:
        """Parameters whose gradient is zero in both: nothing that acts on them alone could have shown."""
        gradients = self.reference.arrays["parameter gradient"]
        passed = [r.name for r in self.checks if r.kind == "parameter gradient" and r.passed]
        return [name for name in passed if not gradients[name].any()]

    def __str__(self) -> str:
        text = StringIO()
        console = Console(file=text, width=100)
        report.print_checks(self.checks, console, self.isolations)
        for words, names in (
            ("not compared, other shape", self.other_shape),
            ("gradient zero, so nothing is shown of", self.gradient_zero),
        ):
            if names:
                console.print(Text(f"{words}: {', '.join(names)}"))
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def to_json(self) -> dict[str, Any]:
        """As `report.to_json` has it, with "other_shape" and "gradient_zero"."""
        lists = {"other_shape": self.other_shape, "gradient_zero": self.gradient_zero}
        return report.to_json(self.checks, self.isolations) | lists

    def to_html(self) -> str:
        """A page that needs no other file."""
        return page(self.checks, self.isolations)


def compare(
    reference: Any,
    candidate: Any,
    inputs: Mapping[str, Any],
    weights: Sequence[Row],
    taps: Mapping[str, str] | None = None,
    dtype: str = "float64",
    bound: float | None = None,
) -> Comparison:
    """Run the candidate with the reference's weights, and hold all it computes against the reference.

    One is a `torch.nn.Module` or `TorchModel`; the other is a model of JAX or `JaxModel`. Neither is changed.
    ``inputs`` are numpy arrays of any shapes, passed by name; those of floating dtype get gradients.
    ``weights`` is a table of `Row`s that covers all parameters of both. ``taps`` are names of submodules, the
    reference's with the candidate's; ``*`` stands for pieces of the path. Without it, all that have the same
    path in both are compared, but for how the frameworks spell it; those whose shapes differ are left out,
    and listed. ``bound`` is by default that of a whole model in `BOUNDS`.

    Both run in evaluation mode on the CPU: dropout cannot be compared, as each draws its own numbers. A linen
    module must be told by its arguments (``deterministic=True``). Only parameters pass through the table;
    buffers, such as running statistics, stay as each model has them.

    Raises TypeError for two models of one framework, rows that are none and inputs that are no numbers,
    ValueError for missing params, shapes that do not fit the table, and taps that find nothing, KeyError for
    parameters that the table does not cover.
    """
    if dtype not in BOUNDS:
        raise ValueError(f"dtype {dtype!r}: choose one of {', '.join(BOUNDS)}")
    first, second = adapted(reference), adapted(candidate)
    if first.framework == second.framework:
        raise TypeError(
            f"one model must be PyTorch's and one JAX's, but {first.name} and {second.name} are both "
            f"of {first.framework}"
        )
    check_table(weights)
    arrays = exact_inputs(inputs)
    values = first.weights()
    fitted = fit(values, first.framework, second.shapes(arrays), weights)
    ours, theirs = first.run(values, arrays, dtype), second.run(fitted, arrays, dtype)

    pairs = tap_pairs(list(ours.arrays["tap"]), list(theirs.arrays["tap"]), taps)
    unlike = [
        name
        for name, other in pairs.items()
        if ours.arrays["tap"][name].shape != theirs.arrays["tap"][other].shape
    ]
    if taps is None:
        pairs = {name: other for name, other in pairs.items() if name not in unlike}
    ours.arrays["tap"] = {name: ours.arrays["tap"][name] for name in pairs}
    theirs.arrays["tap"] = _renamed(theirs.arrays["tap"], pairs)
    shapes = {name: array.shape for name, array in values.items()}
    if gradients := theirs.arrays["parameter gradient"]:
        theirs.arrays["parameter gradient"] = fit(gradients, second.framework, shapes, weights)
    if second.framework == "torch":  # which keeps the order of declaration, as JAX's pytrees do not
        gradients = ours.arrays["parameter gradient"]
        order = dict.fromkeys([*theirs.arrays["parameter gradient"], *gradients])
        ours.arrays["parameter gradient"] = {name: gradients[name] for name in order if name in gradients}
    model = f"{second.name} vs {first.name}"
    bound = BOUNDS[dtype][True] if bound is None else bound
    checks = compare_traces(model, ours, theirs, dtype, bound)
    isolations = []
    if not all_passed(checks):
        taken = {pairs[name]: array for name, array in ours.arrays["tap"].items() if name not in unlike}
        alone = second.run(fitted, arrays, dtype, taken)
        alone.arrays["tap"] = _renamed(alone.arrays["tap"], pairs)
        isolations = [Isolation(model, dtype, isolate(ours, theirs, alone, bound))]
    return Comparison(checks, ours, theirs, isolations, [name for name in unlike if name not in pairs])


def tap_pairs(ours: list[str], theirs: list[str], taps: Mapping[str, str] | None) -> dict[str, str]:
    """The reference's taps that are compared, in their order, with the candidate's names of them."""
    found: dict[str, str] = {}
    for pattern, other in ({"*": "*"} if taps is None else taps).items():
        left, right = _matches(pattern, ours), _matches(other, theirs)
        for side, wanted, names, matches in (
            ("reference", pattern, ours, left),
            ("candidate", other, theirs, right),
        ):
            if not matches and taps is not None:
                close = get_close_matches(wanted, names, n=5, cutoff=0.3) or names[:5]
                raise ValueError(
                    f"taps: {wanted!r} finds nothing in the {side}; close are {', '.join(close)}"
                )
        pairs = {name: right[path] for path, name in left.items() if path in right}
        if not pairs and taps is not None:
            raise ValueError(f"taps: the * of {pattern!r} and of {other!r} have no piece of a path in common")
        found |= pairs
    return {name: found[name] for name in ours if name in found}


def _matches(pattern: str, names: list[str]) -> dict[tuple[str, ...], str]:
    """The names that a pattern fits, by what its ``*`` stand for."""
    found = {name: match(pattern, name) for name in names}
    return {tuple(map(torch_path, path)): name for name, path in found.items() if path is not None}


def _renamed(taps: Mapping[str, np.ndarray], pairs: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The candidate's taps under the reference's names."""
    return {name: taps[other] for name, other in pairs.items()}


def adapted(model: Any) -> TorchModel | JaxModel:
    """A model as one side of a pair."""
    if isinstance(model, TorchModel | JaxModel):
        return model
    return TorchModel(model) if isinstance(model, torch.nn.Module) else JaxModel(model)
