"""Exercises about shapes, made from a real trace, with their answers and the reason."""

import math
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console

from study.shapes.atlas import Atlas
from study.shapes.table import listed, shape


@dataclass(frozen=True)
class Exercise:
    """A question, the answers that are right, and why."""

    question: str
    right: tuple[str, ...]
    reason: str
    choices: tuple[str, ...] = ()
    """What to choose from; the answer may be typed or be the number of a choice."""

    def judge(self, answer: str) -> bool:
        """Whether an answer is right: spaces, commas and brackets mean nothing."""
        if self.choices and answer.strip().isdecimal() and 1 <= int(answer) <= len(self.choices):
            answer = self.choices[int(answer) - 1]
        return plain(answer) in {plain(one) for one in self.right}


def plain(answer: str) -> str:
    return " ".join(re.findall(r"[\w.]+", answer.lower()))


def exercises(atlas: Atlas, seed: int) -> Iterator[Exercise]:
    """Exercises without end, of one kind after the other, none twice as long as there are others."""
    rng = random.Random(seed)
    made = [found for kind in KINDS if (found := kind(atlas))]
    left: list[list[Exercise]] = [[] for _ in made]
    while made:
        for found, queue in zip(made, left, strict=True):
            if not queue:
                queue += found
                rng.shuffle(queue)
            yield queue.pop()


def shapes(atlas: Atlas) -> list[Exercise]:
    """What shape has a parameter or a tap in PyTorch?"""
    taps = [
        Exercise(
            f"{row.name} has the axes {' '.join(row.axes)}. What is its shape"
            f" ({listed(sorted(row.sizes.items()))})?",
            (shape(row.torch),),
            f"One length for each axis, in their order: {shape(row.torch)}, in JAX and in PyTorch.",
        )
        for row in atlas.taps
        if len(row.axes) > 1
    ]
    parameters = [
        Exercise(
            f"Flax keeps {row.jax_name} as {shape(row.jax)}. What shape has {row.torch_name} in PyTorch?",
            (shape(row.torch),),
            f"The layouts are {row.pattern}, so it is {shape(row.torch)}.",
        )
        for row in atlas.parameters
        if row.transposed
    ]
    return taps + parameters


def softmaxes(atlas: Atlas) -> list[Exercise]:
    """Over which axis does a softmax run?"""
    return [
        Exercise(
            f"Over which axis of {row.name} ({' '.join(row.axes)}) does the softmax run?",
            (row.axes[row.work.softmax_axis],),
            f"A query spreads one unit of attention: they sum to 1 over {row.axes[row.work.softmax_axis]}.",
            row.axes,
        )
        for row in atlas.taps
        if row.work.softmax_axis is not None and row.work.softmax_axis < len(row.axes)
    ]


def contractions(atlas: Atlas) -> list[Exercise]:
    """Which axis does the matmul before a tap sum over? Asked where its length tells the axis."""
    named: dict[int, set[str]] = {}
    for row in atlas.taps:
        for name, size in row.sizes.items():
            named.setdefault(size, set()).add("position" if name == "query" else name)
    found = []
    for row in atlas.taps:
        axes = [named.get(size, set()) - {"position"} for size in row.work.contracted]
        if len(axes) == 1 and len(axes[0]) == 1 and not axes[0] & set(row.axes):
            (axis,) = axes[0]
            choices = tuple(sorted({axis, *row.axes}))
            found.append(
                Exercise(
                    f"Which axis does the matmul sum over that makes {row.name} ({' '.join(row.axes)})?",
                    (axis,),
                    f"{axis} is in both of its factors and not in the result.",
                    choices,
                )
            )
    return found


def transposes(atlas: Atlas) -> list[Exercise]:
    """Which of two parameters does PyTorch keep transposed?"""
    turned = [row for row in atlas.parameters if row.transposed]
    straight = [row for row in atlas.parameters if not row.transposed and len(row.torch) > 1]
    return [
        Exercise(
            f"Which one does PyTorch keep transposed: {one.torch_name} or {other.torch_name}?",
            (one.torch_name,),
            f"{one.torch_name} is of a Linear, which keeps Wᵀ ({one.pattern}); {other.torch_name} is a table "
            f"of rows ({other.pattern}).",
            tuple(sorted((one.torch_name, other.torch_name))),
        )
        for one in turned
        for other in straight
    ]


def counts(atlas: Atlas) -> list[Exercise]:
    """How many numbers does a tap hold?"""
    return [
        Exercise(
            f"How many numbers does {row.name} hold ({listed(row.sizes.items())})?",
            (str(math.prod(row.jax)),),
            f"{' × '.join(map(str, row.jax))} = {math.prod(row.jax)}.",
        )
        for row in atlas.taps
        if row.axes[-2:] == ("query", "key")
    ]


def checkpoints(atlas: Atlas) -> list[Exercise]:
    """How does a checkpoint of Hugging Face keep a kernel: which part of a tensor, and transposed?"""
    found = []
    for row in atlas.parameters:
        if not row.stored or not row.transposed:
            continue
        tensor, whole, part, axes = row.stored
        beside = sorted(
            one.stored.part for one in atlas.parameters if one.stored and one.stored.tensor == tensor
        )
        if part:
            found.append(
                Exercise(
                    f"Which part of {tensor} {shape(whole)} in a checkpoint of {atlas.kind}"
                    f" is {row.jax_name}?",
                    (part,),
                    f"It holds {len(beside)} parameters side by side; the layouts are {axes}.",
                    tuple(beside),
                )
            )
        found.append(
            Exercise(
                f"Does {tensor} in a checkpoint of {atlas.kind} hold the transpose of the W of x W?",
                ("yes",) if row.stored_transposed else ("no",),
                f"From Flax's layout to the file's it is {axes}.",
                ("yes", "no"),
            )
        )
    return found


KINDS = (shapes, softmaxes, contractions, transposes, counts, checkpoints)


def ask(atlas: Atlas, number: int, seed: int, console: Console, answer: Callable[[], str]) -> tuple[int, int]:
    """Ask so many exercises; ``answer`` gives what is typed, and raises EOFError at its end.

    Returns how many were right, and how many were answered.
    """
    right = asked = 0
    for place, exercise in zip(range(1, number + 1), exercises(atlas, seed), strict=False):
        console.print(f"\n{place}. {exercise.question}")
        for choice, text in enumerate(exercise.choices, 1):
            console.print(f"   {choice}) {text}")
        try:
            said = answer()
        except EOFError:
            break
        asked += 1
        if exercise.judge(said):
            right += 1
            console.print(f"Right. {exercise.reason}", style="green")
        else:
            console.print(f"No: {exercise.right[0]}. {exercise.reason}", style="red")
    console.print(f"\n{right} of {asked} right.")
    return right, asked
