"""Lists to sort, with and without examples: what the model writes, and which order it finds likeliest."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from rich.console import Console

from study.play.few_shot import refuse_too_long
from study.play.language import Language
from study.play.log_probs import Scored, log_probs
from train.runs.load import Run

NUMBERS = 10  # from 0 to 9, none twice in a list
LONGEST = 5  # numbers in a list: all 120 orders are tried
TASK = "Sort the numbers.\n"
Numbers = tuple[int, ...]


@dataclass(frozen=True)
class Sorting:
    """How often the model sorts, in one way of asking."""

    examples: int
    """Before each list."""
    shuffled: bool
    """Whether the examples' answers are in any order: the control, which shows the form and not the task."""
    written: int
    """Lists for which it writes the sorted one."""
    likeliest: int
    """Lists for which the sorted one is the likeliest of all orders."""
    copied: int
    """Lists for which the list as it was given is."""
    lists: int
    first: tuple[str, str]
    """A prompt, and what the model writes after it."""


@dataclass(frozen=True)
class Lists:
    """Lists to sort, each with examples of its own: (list, any order of it)."""

    asked: list[Numbers]
    examples: list[list[tuple[Numbers, Numbers]]]


def draw(lists: int, length: int, k: int, seed: int) -> Lists:
    """Lists of ``length`` different numbers, none sorted, and ``k`` other ones for each, as examples."""
    rng = np.random.default_rng(seed)

    def one(other: Numbers = ()) -> Numbers:
        while True:
            found = tuple(rng.choice(NUMBERS, length, replace=False).tolist())
            if list(found) != sorted(found) and found != other:
                return found

    def example(other: Numbers) -> tuple[Numbers, Numbers]:
        given = one(other)
        return given, tuple(rng.permutation(given).tolist())

    asked = [one() for _ in range(lists)]
    return Lists(asked, [[example(given) for _ in range(k)] for given in asked])


def shown(numbers: Sequence[int]) -> str:
    return "".join(f" {number}" for number in numbers)


def prompts(lists: Lists, k: int, shuffled: bool) -> list[str]:
    """For each list: the task in words, k examples, the list."""
    found = []
    for asked, examples in zip(lists.asked, lists.examples, strict=True):
        pairs = [(given, other if shuffled else sorted(given)) for given, other in examples[:k]]
        lines = (f"{shown(given)[1:]} ->{shown(answer)}\n" for given, answer in pairs)
        found.append(TASK + "".join(lines) + shown(asked)[1:] + " ->")
    return found


def check_length(language: Language, lists: Lists, k: int) -> None:
    """Raise ConfigError where k examples do not fit; it says how many do."""
    answers = [shown(order) + "\n" for asked in lists.asked for order in permutations(asked)]
    refuse_too_long(language, k, lambda fit: prompts(lists, fit, False) + prompts(lists, fit, True), answers)


def sort(run: Run, language: Language, lists: Lists, k: int, shuffled: bool, console: Console) -> Sorting:
    """Ask for each list after its examples: what is written, and which of all orders is the likeliest."""
    asked, orders = prompts(lists, k, shuffled), [[*permutations(given)] for given in lists.asked]
    rows = [
        Scored(before, answer)
        for before, own in zip(language.prompts(asked), orders, strict=True)
        for answer in language.encode([shown(order) for order in own])
    ]
    doing = f"{k} examples{', answers shuffled' if shuffled else ''}"
    sums = np.array([row.sum() for row in log_probs(run, rows, console, doing)]).reshape(len(asked), -1)
    best = [own[place] for own, place in zip(orders, sums.argmax(axis=1), strict=True)]
    new = max(map(len, language.encode([shown(given) + "\n" for given in lists.asked])))
    texts = run.generate(asked, new=new, temperature=0.0)
    written = [text.partition("\n")[0].strip() == shown(sorted(given)).strip()
               for text, given in zip(texts, lists.asked, strict=True)]  # fmt: skip
    return Sorting(
        k,
        shuffled,
        sum(written),
        sum(list(order) == sorted(order) for order in best),
        sum(order == given for order, given in zip(best, lists.asked, strict=True)),
        len(asked),
        (asked[0], texts[0]),
    )
