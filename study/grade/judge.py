"""What is found in what a learner's code returned: right or not, which mistakes, and what else to tell."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from parity_tests.runners.arrays import Inputs, Params
from study.grade import exact, gradients, intermediates, training
from study.grade.diagnose import MISTAKES, SAME, Cases, diagnose, error, right_reading
from study.grade.mistakes import Mistake
from study.grade.parts import SIZES
from study.grade.process import Ran
from study.grade.readings import readings
from study.grade.reference import Reference, reference_of
from study.grade.result import Grade
from study.grade.weights import Reading

Watch = Callable[[str], None]
SINGLE = 1e-4  # gradients of what is computed in float32 somewhere
# What it means that the learner has no weight in a place, whatever its numbers; the first that is so.
MISSING = {
    "query/kernel": "the last block left out",
    "down/kernel": "no feed-forward layer",
    "output/kernel": "no output projection",
    "norm/scale": "norm without scale and bias",
    "position_embedding/embedding": "no positions",
    "segment_embedding/embedding": "no segments",
    "word_bias": "no bias on the words",
}


def judge(result: Grade, ran: Ran, asked: Mapping[str, Inputs], watch: Watch) -> None:
    """Add to a grade what the outputs, gradients and exactness show. At least one case must have run."""
    outputs = {case: ran.traces[case].arrays["forward"]["output"] for case in asked if case in ran.traces}
    result.outputs, result.weights = outputs, ran.weights
    cases = Cases({case: asked[case] for case in outputs}, outputs)
    shapes = {name: array.shape for name, array in ran.weights.items()}
    reference = reference_of(result.part, shapes)
    watch("reading the weights")
    ways = list(readings(shapes, ran.answer.kinds or {}, reference.shapes, SIZES, ran.answer.renamed))
    right, off = right_reading(reference, ways, ran.weights, cases)
    # What is off by no more than float32 may be float32, or a small mistake: epsilon, the kind of GELU.
    found = (
        None if off < SAME else diagnose(reference, ways, ran.weights, cases, watch, most=1 if right else 2)
    )
    if found:
        right = None
    reading = right or (found.reading if found else ways[0])
    result.reading = reading
    params = reference.completed(reading.forwards(ran.weights))
    finite = _finite(result, outputs)
    if right is not None:
        result.find("outputs", finite, f"within {off:.0e} of the reference")
        if off > SAME:
            result.tell(
                f"it agrees to {off:.0e} only: something is computed in float32 where the rest is in float64"
            )
        _gradients(result, ran, reference, reading, params, asked)
    else:
        result.find("outputs", False, "other numbers than the reference's")
        if found:
            result.mistakes += found.mistakes
        else:
            _undiagnosed(result, ran, reference, reading, params, asked, len(ways))
    _absent(result, reading, right is not None)
    _exactly(result, ran, reading, asked)
    _training(result, ran, reference, params, asked)
    for words in ran.answer.notes:
        result.tell(words)


def _finite(result: Grade, outputs: Mapping[str, np.ndarray]) -> bool:
    broken = [case for case, output in outputs.items() if not np.isfinite(output).all()]
    for case in broken:
        rows = np.argwhere(~np.isfinite(outputs[case]))[0]
        axes = result.part.output.split()
        place = ", ".join(f"{axis} {number}" for axis, number in zip(axes, rows, strict=True))
        result.find(f"finite {case}", False, f"NaN or infinite, first at {place}")
    return not broken


def _undiagnosed(
    result: Grade,
    ran: Ran,
    reference: Reference,
    reading: Reading,
    params: Params,
    asked: Mapping[str, Inputs],
    ways: int,
) -> None:
    """No mistake that is known has these numbers: what else can be said."""
    result.tell("no mistake that is known here, nor two of them together, gives these numbers")
    if reading.unclaimed:
        result.tell(f"the reference has no counterpart of {_and(reading.unclaimed)}")
    if ways > 4:
        result.tell(
            f"names and shapes allow {ways} ways to read your weights, and by none the numbers are right: "
            'say in the file which is which, as in WEIGHTS = {"a": "query", "b": "key"}, with pieces of your '
            "names on the left"
        )
    case = next(iter(result.outputs))
    ours = reference.trace(params, asked[case])
    taps = {**ours.arrays["tap"], "output": ours.arrays["forward"]["output"]}
    matches = intermediates.counterparts(ran.traces[case].arrays.get("tap", {}), taps)
    if right := [f"{name} computes our {tap}" for name, tap in matches.items() if tap]:
        result.tell(f"of your parts, {_and(right)}")
    if wrong := [name for name, tap in matches.items() if not tap]:
        result.tell(f"the first part that computes what the reference nowhere does is {wrong[0]}")


def _gradients(
    result: Grade,
    ran: Ran,
    reference: Reference,
    reading: Reading,
    params: Params,
    asked: Mapping[str, Inputs],
) -> None:
    case = list(result.outputs)[-1]
    found = gradients.theirs(ran.traces[case], reading)
    expected = gradients.ours(reference, params, asked[case])
    apart = gradients.differing(expected, found)
    if not found or any(not np.isfinite(array).all() for array in found.values()):
        return
    if all(error(expected[name], found[name]) < SINGLE for name in apart):
        result.find("gradients", True, f"of {len(found)} inputs and weights, as the reference's")
        return
    dead = [name for name, zero in apart.items() if zero]
    said = f"none reaches {_and(dead[:4])}" if dead else f"those of {_and(list(apart)[:4])} are others"
    result.find("gradients", False, said)
    mistake = gradients.diagnosed(reference, params, asked[case], found)
    if mistake:
        result.mistakes.append((mistake,))


def _absent(result: Grade, reading: Reading, right: bool) -> None:
    """Weights that the learner has left out: biases may be."""
    if biases := [name for name in reading.absent if name.endswith("/bias") and "norm" not in name]:
        more = f" and {len(biases) - 4} more" if len(biases) > 4 else ""
        result.tell(f"you have no {_and(biases[:4])}{more}, which is taken as zero")
    others = [name for name in reading.absent if name.endswith(("kernel", "scale", "embedding", "word_bias"))]
    if others:
        result.find("weights", False, f"nothing of yours has the place of {_and(others)}")
    meant = [name for ending, name in MISSING.items() if any(one.endswith(ending) for one in others)]
    if right and meant:
        result.mistakes.append((_named(meant[0]),))


def _named(name: str) -> Mistake:
    return next(mistake for mistake in MISTAKES if mistake.name == name)


def _exactly(result: Grade, ran: Ran, reading: Reading, asked: Mapping[str, Inputs]) -> None:
    later = exact.leaks_later(ran.traces)
    if later is not None:
        leak = max(later, exact.gradient_later(ran.traces, _positions(ran, reading)) or 0.0)
        said = (
            "no output and no gradient depends on what follows, exactly"
            if leak == 0.0
            else (f"what follows a token changes its output, by up to {later:.1e}")
        )
        result.find("causality", leak == 0.0, said)
    padding = exact.leaks_padding(ran.traces, asked)
    if padding is not None:
        said = (
            "no output depends on it, exactly"
            if padding == 0.0
            else f"it changes outputs by up to {padding:.1e}"
        )
        result.find("padding", padding == 0.0, said)


def _positions(ran: Ran, reading: Reading) -> np.ndarray | None:
    """The gradient of the table of positions, of the first outputs alone."""
    if exact.CUT not in ran.traces:
        return None
    found = reading.forwards(ran.traces[exact.CUT].arrays.get("parameter gradient", {}))
    return next((array for name, array in found.items() if "position_embedding" in name), None)


def _training(
    result: Grade, ran: Ran, reference: Reference, params: Params, asked: Mapping[str, Inputs]
) -> None:
    if not ran.answer.drops or ran.draws is None:
        return
    case = next(iter(result.outputs))
    module = reference.loaded(params)
    problem = training.problem(
        ran.draws, result.outputs[case], result.part.name, reference, module, asked[case]
    )
    result.find(
        "dropout", not problem, problem or "none in evaluation, and other numbers each time in training"
    )


def _and(words: Any) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else str(last)
