"""Twins that several processes compare: told as one process tells it, remembered for one code alone."""

import io
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from rich.console import Console

from parity_tests.core.compare import Check
from parity_tests.twins.names import NAMES
from train import sources
from train.proof import cache, comparison
from train.proof.compared import Compared
from train.proof.comparison import compare_twins

CODE = {"jax_impl.layers": "a", "torch_impl.layers": "b"}
DTYPES = ("float64", "float32")


def answered(question: tuple[str, Any, int], code: dict[str, str] | None = None, fails: str = "") -> Compared:
    """What a process may answer: the twin's check, and those with two third parties in the list's order."""
    name, dtype, _ = question

    def check(model: str) -> Check:
        return Check(model, "forward", "output", dtype, 0.0, 0.0, 1e-5, model != fails)

    number = -NAMES.index(name)  # other twins come first there
    others = {2 * number + one: [check(f"{name} vs {one}")] for one in (1, 0)}
    return Compared([check(name), check(f"{name} in training")], [], others, CODE if code is None else code)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[list[list[Check]]]:
    """The checks that were remembered, of sources that are known."""
    kept: list[list[Check]] = []
    with (
        mock.patch.object(cache, "folder", lambda: tmp_path / "parity"),
        mock.patch.object(cache, "remember", lambda name, checks: kept.append(checks)),
        mock.patch.object(sources, "whole", lambda: {**CODE, "data.own": "c"}),
    ):
        yield kept


def compare(answers: Any, name: str = "all", again: bool = False) -> tuple[int, str]:
    said = io.StringIO()

    def mapped(function: Any, questions: Sequence[Any]) -> Any:
        assert function is comparison.answer
        return map(answers, questions)

    console = Console(file=said, width=100)
    status = compare_twins(name, DTYPES, 0, None, None, console, again, mapped)  # type: ignore[arg-type]
    return status, said.getvalue()


def test_twins_come_in_their_order_and_then_third_parties_in_theirs(held: list[list[Check]]) -> None:
    assert compare(answered)[0] == 0
    (checks,) = held
    twins = [name for one in NAMES for name in (one, f"{one} in training")]
    others = [f"{name} vs {number}" for name in reversed(NAMES) for number in (0, 1)]
    assert [(one.dtype, one.model) for one in checks] == [
        (dtype, name) for dtype in DTYPES for name in (*twins, *others)
    ]


def test_what_failed_anywhere_is_not_remembered(held: list[list[Check]]) -> None:
    status, said = compare(lambda question: answered(question, fails="gelu vs 1"))
    assert (status, held) == (1, []) and "gelu vs 1" in said and "FAIL" in said


@pytest.mark.parametrize("code", [{"jax_impl.layers": "older"}, {"jax_impl.new": "a"}])
def test_what_another_code_computed_is_told_and_not_remembered(
    held: list[list[Check]], code: dict[str, str]
) -> None:
    """A source was saved while the others worked."""
    status, _ = compare(lambda question: answered(question, code if question[0] == "bert" else None))
    assert (status, held) == (0, [])


def test_what_nobody_knows_the_code_of_is_not_remembered(held: list[list[Check]]) -> None:
    with mock.patch.object(sources, "whole", lambda: None):
        assert compare(answered)[0] == 0
    assert held == []


def test_importing_all_that_compares_does_not_change_what_an_entry_is_named_after() -> None:
    """JAX and PyTorch set variables in the environment; then the second time would not know the first."""
    code = (
        "from train.proof import frameworks; before = frameworks.environment(); import train.proof.compared; "
        "assert 'torch' in __import__('sys').modules; after = frameworks.environment(); "
        "assert before == after, (before, after)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
