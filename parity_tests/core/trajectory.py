"""Two training runs held together: loss, gradient norm and every parameter, after every step."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from parity_tests.core.compare import errors, finite, magnitudes, relative_error

# Largest error allowed at any step, relative to the reference's largest magnitude.
TRAJECTORY_BOUNDS = {"float64": 1e-9, "float32": 1e-2}
EXEMPT = re.compile(r"key(_projection)?/bias$")
LOSS, NORM, EVERY = "loss", "gradient norm", "every parameter"


@dataclass(frozen=True)
class Step:
    """What one training step did: its loss, its gradient's global norm, and the parameters after it."""

    loss: float
    gradient_norm: float
    params: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class StepError:
    """How far two runs are apart after one step."""

    step: int
    """Counted from 1."""
    loss: float
    """The reference's."""
    candidate_loss: float
    errors: dict[str, float]
    """Relative, by name: loss, gradient norm, then each parameter. That is the order in which a step computes
    them, so the first that is too large tells a mistake of the forward pass from one of the backward pass and
    one of the update."""
    update: float
    """How far the reference moved in this step: of each parameter the largest change over the largest
    magnitude, and of these the median."""

    @property
    def worst_parameter(self) -> str:
        return max((name for name in self.errors if name not in (LOSS, NORM)), key=self.errors.__getitem__)


@dataclass(frozen=True)
class Divergence:
    """Where two runs diverge: the first step with an error beyond the bound, and what has it there."""

    step: int
    names: tuple[str, ...]
    """As in `Gap.errors`, in that order."""
    place: str
    """The first of them; or "every parameter", which is a mistake of the update as such."""
    error: float
    """Of the first of them."""


@dataclass(frozen=True)
class Trajectory:
    """Two runs from the same start, compared after every step."""

    name: str
    dtype: str
    bound: float
    step_errors: list[StepError]
    moved: dict[str, float]
    """How far each parameter of the reference moved from first to last, relative to its magnitude."""

    @property
    def divergence(self) -> Divergence | None:
        for step_error in self.step_errors:
            if names := tuple(name for name, error in step_error.errors.items() if not error <= self.bound):
                place = EVERY if set(names) == self.moved.keys() else names[0]
                return Divergence(step_error.step, names, place, step_error.errors[names[0]])
        return None

    @property
    def losses(self) -> tuple[float, float]:
        """The reference's mean loss over the first and over the last tenth of the steps."""
        tenth = max(1, len(self.step_errors) // 10)
        first, last = (
            [step_error.loss for step_error in step_errors]
            for step_errors in (self.step_errors[:tenth], self.step_errors[-tenth:])
        )
        return float(np.mean(first)), float(np.mean(last))

    def problems(self) -> list[str]:
        """Sentences that say why this proves nothing, or that the runs diverge; none where all is well.

        Two runs that stand still agree too. So the loss must fall, and every parameter must move further
        than the bound.
        """
        found = []
        if parted := self.divergence:
            found.append(
                f"{self.name} ({self.dtype}) diverges first at step {parted.step}, {parted.place}: "
                f"relative error {parted.error:.1e}, allowed {self.bound:.0e}"
            )
        first, last = self.losses
        if not last < first:
            found.append(
                f"{self.name} ({self.dtype}) learned nothing: loss {first:.3f}, then {last:.3f}; "
                f"train more steps than {len(self.step_errors)}"
            )
        still = [name for name, distance in self.moved.items() if not distance > self.bound]
        if still:
            found.append(
                f"{self.name} ({self.dtype}) moved no further than the bound, which proves nothing about "
                f"{', '.join(still)}: train more steps than {len(self.step_errors)}"
            )
        return found

    def worst(self, names: Iterable[str]) -> float:
        """The largest error of these names over all steps."""
        return max(step_error.errors[name] for step_error in self.step_errors for name in names)

    def to_json(self) -> dict[str, Any]:
        """All steps; of the parameters, the one that is furthest apart. No finite number: null."""
        rows = []
        for step_error in self.step_errors:
            row = asdict(step_error)
            apart, name = row.pop("errors"), step_error.worst_parameter
            row |= {"loss_error": apart[LOSS], "gradient_norm_error": apart[NORM]}
            row |= {"parameter_error": apart[name], "parameter": name}
            rows.append(finite(row))
        about = {"name": self.name, "dtype": self.dtype, "bound": self.bound}
        return about | {"problems": self.problems(), "moved": self.moved, "steps": rows}


def compare_steps(
    name: str,
    dtype: str,
    start: Mapping[str, np.ndarray],
    reference: Iterable[Step],
    candidate: Iterable[Step],
) -> Trajectory:
    """Compare two runs that begin with the parameters ``start``, step by step as they go.

    The bias of attention's keys is left out: its true gradient is zero, and Adam makes steps of the size of
    the learning rate out of rounding noise, which change no output.
    """
    before = first = compared(start)
    step_errors = []
    for number, (ours, theirs) in enumerate(zip(reference, candidate, strict=True), 1):
        params, others = compared(ours.params), compared(theirs.params)
        apart = {
            LOSS: relative_error(abs(ours.loss - theirs.loss), abs(ours.loss)),
            NORM: relative_error(abs(ours.gradient_norm - theirs.gradient_norm), ours.gradient_norm),
        } | distances(params, others)
        update = float(np.median(list(distances(params, before).values())))
        step_errors.append(StepError(number, ours.loss, theirs.loss, apart, update))
        before = params
    return Trajectory(name, dtype, TRAJECTORY_BOUNDS[dtype], step_errors, distances(before, first))


def compared(params: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The parameters that a comparison of trained weights looks at."""
    return {name: array for name, array in params.items() if not EXEMPT.search(name)}


def distances(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> dict[str, float]:
    """The largest distance in each parameter, relative to the largest magnitude in ``ours``."""
    return {name: relative for name, (_, relative) in errors(ours, theirs, magnitudes(ours)).items()}
