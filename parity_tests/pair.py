"""Any pair: a model of one's own in PyTorch and in JAX, held against each other.

    comparison = compare(reference, candidate, inputs)
    print(comparison)

`docs/porting.md` goes through it step by step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from parity_tests.core import report
from parity_tests.core.compare import BOUNDS, Check, all_passed, compare_traces
from parity_tests.core.isolate import Isolation
from parity_tests.core.names import listed
from parity_tests.core.page import page
from parity_tests.core.trace import Trace
from parity_tests.diagnosis.diagnose import diagnose
from parity_tests.diagnosis.finding import Finding
from parity_tests.map.find import FoundTable, find_table, heard_by_parts
from parity_tests.pair_arguments import checked_table, exact_inputs, match_outputs
from parity_tests.pair_named import hugging_face, is_checkpoint
from parity_tests.pair_places import places
from parity_tests.pair_record import record
from parity_tests.pair_sides import CLASSES, adapted, side_class
from parity_tests.pair_taps import Taps, asked_taps, collapsed, said_orders, tap_pairs
from parity_tests.record.agreement import check_agreed, check_weights, whose_table, with_weights_of
from parity_tests.record.read import read_recorded
from parity_tests.record.recorded import Recorded
from parity_tests.runners.arrays import Inputs
from parity_tests.runners.side import Side
from torch_impl.convert.fitting import fitted, passing
from torch_impl.convert.row import OTHER, Row

if TYPE_CHECKING:
    from parity_tests.runners.jax_model import JaxModel
    from parity_tests.runners.torch_model import TorchModel

__all__ = ["Comparison", "JaxModel", "Row", "TorchModel", "compare", "record", "table_of"]


@dataclass(frozen=True)
class Comparison:
    """The checks, and the two traces that they were taken from, both under the reference's names."""

    checks: list[Check]
    reference: Trace = field(repr=False)
    candidate: Trace = field(repr=False)
    isolations: list[Isolation] = field(repr=False)
    """Of models that diverge: what does so by itself, and what lies downstream of it."""
    taps: Taps = field(repr=False)
    """Which parts were compared, and in which order of their axes."""
    table: FoundTable | None = field(default=None, repr=False)
    """The table of weights, where it was found; its `str` is the code."""
    findings: list[Finding] = field(default_factory=list, repr=False)
    """Known mistakes that give the candidate's numbers, where it diverges by itself."""

    @property
    def other_shape(self) -> list[str]:
        """Taps that were found by their path alone, and not compared as their shapes differ."""
        return self.taps.uncompared

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
        for finding in self.findings:
            console.print(Text(f"likely cause: {finding.text}", style="bold"))
        if self.table is not None:
            console.print(Text(self.table.summary))
        turned = collapsed([f"{name} ({order})" for name, order in self.taps.turned.items()])
        for words, names in (
            ("float32 inside third parties' parts, run in float64", collapsed(self._widened)),
            ("axes in another order", turned),
            ("not compared, other shape", self.other_shape),
            ("in the reference alone", collapsed(self.taps.alone["reference"])),
            ("in the candidate alone", collapsed(self.taps.alone["candidate"])),
            ("gradient zero, so nothing is shown of", self.gradient_zero),
        ):
            if names:
                console.print(Text(f"{words}: {listed(names)}"))
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    @property
    def _widened(self) -> list[str]:
        return [*self.reference.widened, *self.candidate.widened]

    def to_json(self) -> dict[str, Any]:
        """As `report.to_json` has it, with "findings", as `Finding.to_json` has them, "other_shape",
        "axes_in_another_order", "alone" (by side), "gradient_zero", "widened" (to float64), and the "table"
        where it was found."""
        lists = {
            "findings": [finding.to_json() for finding in self.findings],
            "other_shape": self.other_shape,
            "axes_in_another_order": self.taps.turned,
            "alone": self.taps.alone,
            "gradient_zero": self.gradient_zero,
            "widened": self._widened,
            "table": self.table and self.table.to_json(),
        }
        return report.to_json(self.checks, self.isolations) | lists

    def to_html(self) -> str:
        """A page that needs no other file."""
        return page(self.checks, self.isolations, [finding.text for finding in self.findings])


def compare(
    reference: Any,
    candidate: Any,
    inputs: Mapping[str, Any] | None = None,
    weights: Sequence[Row] | None = None,
    taps: Mapping[str, str | tuple[str, str]] | None = None,
    dtype: str = "float64",
    bound: float | None = None,
) -> Comparison:
    """Run the candidate with the reference's weights, and hold all it computes against the reference.

    Each is a `torch.nn.Module` or `TorchModel`, or a model of JAX or `JaxModel`; or the name of a checkpoint,
    as `pair_named.hugging_face` takes it, or the path of what `record` wrote, which has its inputs and
    perhaps the table. Neither is changed.
    ``inputs`` are numpy arrays of any shapes, passed by name; those of floating dtype get gradients.
    ``weights`` is a table of `Row`s that covers all parameters of both, Flax's names on the left; of two
    models of one framework, the candidate's. Without it the table is found, as `map.find` has it, and is the
    comparison's ``table``. ``taps`` are names of submodules, the reference's with the candidate's; ``*``
    stands for pieces of the path; a tuple of the candidate's and an einops pattern says how its axes lie in
    the reference's. Without it, all that have the same path in both are compared, but for how
    the frameworks spell it, and all that own the same weights by a table that was found. Axes in another
    order, as of channels, are found; what has no order that leads from one to the other is left out, and
    listed. ``bound`` is by default that of a whole model in `BOUNDS`.

    Both run in evaluation mode on the CPU: dropout cannot be compared, as each draws its own numbers. A linen
    module must be told by its arguments (``deterministic=True``). Parameters pass through the table, and of
    buffers and running statistics those that it has rows for; others stay as each model has them.

    Raises TypeError for rows that are none and inputs that are no numbers, ValueError for missing params,
    shapes that do not fit the table, and taps that find nothing, KeyError for parameters that the table does
    not cover; RecordError, a ValueError, for a file that holds no reference, or none that goes with the rest.
    """
    if dtype not in BOUNDS:
        raise ValueError(f"dtype {dtype!r}: choose one of {', '.join(BOUNDS)}")
    if weights is not None:
        checked_table(weights)
    first, second = reference_side(reference), adapted(candidate)
    if isinstance(first, Recorded):
        check_agreed(first, second, inputs, dtype)
        inputs, weights = first.inputs, first.contract.table if weights is None else weights
        check_weights(first, weights)
    arrays, found = exact_inputs(inputs), None
    first, second = first.known(arrays), second.known(arrays)
    if weights is None:
        found = _found(first, second, arrays)
        weights = found.rows
        first, second = (heard_by_parts(side) for side in (first, second))
    one_framework = first.framework == second.framework
    owners = {"flax": "candidate", "torch": "reference"} if one_framework else None
    source = "torch" if one_framework else first.framework
    if isinstance(first, Recorded):
        first = with_weights_of(first, second, source, weights, owners)
    parameters, state = first.weights(), first.state(arrays)
    shapes, their_state = second.shapes(arrays), second.state(arrays)
    values = parameters | {n: state[n] for n in passing(state, source, their_state, shapes, weights)}
    passed = passing(their_state, OTHER[source], state, parameters, weights)
    shapes |= {name: their_state[name].shape for name in passed}
    with whose_table(first, weights):
        given = fitted(values, source, shapes, weights, owners)
    ours = first.run(values, arrays, dtype)
    theirs = second.run(given.arrays, arrays, dtype, changes=given.changes)
    match_outputs(ours, theirs, first.name, second.name)

    bound = BOUNDS[dtype][True] if bound is None else bound
    heard = [list(trace.arrays["tap"]) for trace in (ours, theirs)]
    asked, patterns = asked_taps(taps)
    pairs = tap_pairs(heard[0], heard[1], asked, found.parts if found else None)
    said = said_orders(patterns, pairs)
    parts = Taps(ours, theirs, pairs, bound, asked=taps is not None, said=said)
    if gradients := theirs.arrays["parameter gradient"]:
        back = given.back(gradients)
        theirs.arrays["parameter gradient"] = {name: back[name] for name in back if name in parameters}
    if first.framework == "flax" != second.framework:  # which keeps no order of declaration, as PyTorch does
        gradients = ours.arrays["parameter gradient"]
        order = dict.fromkeys([*theirs.arrays["parameter gradient"], *gradients])
        ours.arrays["parameter gradient"] = {name: gradients[name] for name in order if name in gradients}
    model = f"{second.name} vs {first.name}"

    def checked() -> list[Check]:
        return compare_traces(model, parts.reference(), parts.candidate(), dtype, bound)

    checks, isolations, findings = checked(), [], []
    if not all_passed(checks):
        isolations = [
            parts.isolated(
                model, dtype, lambda forced: second.run(given.arrays, arrays, dtype, forced, given.changes)
            )
        ]
        checks = checked()  # which may know more of the order of axes now
        parted = places(parts, isolations[0], values, arrays, first.framework)
        findings = diagnose(list(parted), second.framework)
    return Comparison(checks, parts.reference(), parts.candidate(), isolations, parts, found, findings)


def table_of(reference: Any, candidate: Any, inputs: Mapping[str, Any]) -> FoundTable:
    """The table of weights that `compare` would find."""
    arrays = exact_inputs(inputs)
    return _found(reference_side(reference).known(arrays), adapted(candidate).known(arrays), arrays)


def _found(first: Side, second: Side, arrays: Inputs) -> FoundTable:
    dtype = first.contract.dtype if isinstance(first, Recorded) else "float64"
    return find_table(first, second, arrays, BOUNDS[dtype][True])


def reference_side(model: Any) -> Side:
    """A model as the reference of a pair, which may also be named: a checkpoint, or a file that has it."""
    if not isinstance(model, str | Path):
        return adapted(model)
    return hugging_face(str(model)) if is_checkpoint(model) else read_recorded(model)


def __getattr__(name: str) -> Any:
    """`TorchModel` and `JaxModel` when they are asked for, as the other framework may not be installed."""
    if name in CLASSES:
        return side_class(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
