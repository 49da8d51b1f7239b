"""The table of mutants is true to the sources, and the runner tells what is seen from what is not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from parity_tests.tests.mutants.mutant import Edit, Mutant
from parity_tests.tests.mutants.runner import Worker, red_tests, run_all, started
from parity_tests.tests.mutants.table import MUTANTS, ROOT, problems

SOURCE = '''"""A tree of one function."""


def double(x):
    while x < 0:
        x += 1
    return x + x
'''
TESTS = '''"""Its tests."""

import pytest

from tree import double


def test_doubles():
    assert double(3) == 6


def test_two():
    assert double(2) == 4


@pytest.mark.parametrize("words", ["two words"])
def test_red(words):
    assert False, "said - so"
'''
FAST = ("test_tree.py::test_doubles",)


def mutant(name: str, old: str, new: str, *tests: str, survives: str = "") -> Mutant:
    return Mutant(name, (Edit("tree.py", old, new),), tests or FAST, survives)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    (root / "tree.py").write_text(SOURCE)
    (root / "test_tree.py").write_text(TESTS)
    return root


@pytest.fixture(scope="module")
def workers(tree: Path) -> Iterator[list[Worker]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        with started(tree, 1, ["pytest"]) as found:
            yield found


def test_the_table_is_true_to_the_sources() -> None:
    assert list(problems(MUTANTS, ROOT)) == []


def test_the_table_is_long() -> None:
    assert len(MUTANTS) >= 120
    assert all(len(row.survives) > 20 for row in MUTANTS if row.survives)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (mutant("gone", "x * x", "x"), r"tree\.py has 'x \* x' 0 times"),
        (mutant("one that fits", "x + x", "x - x"), None),
        (mutant("everywhere", "x", "y"), r"tree\.py has 'x' 5 times"),
        (mutant("the same", "x + x", "x + x"), "another text for it"),
        (mutant("no Python", "x + x", "x +"), "invalid syntax"),
        (mutant("no test", "x + x", "x", "test_tree.py::test_three"), "no test test_tree.py::test_three"),
        (mutant("no file", "x + x", "x", "test_bush.py"), "no test test_bush.py"),
        (Mutant("no edit", (), FAST), "has edits, and tests"),
    ],
    ids=lambda value: value.name if isinstance(value, Mutant) else "",
)
def test_a_row_that_says_nothing_is_noticed(row: Mutant, words: str | None, tree: Path) -> None:
    found = list(problems([row], tree))
    assert len(found) == (words is not None)
    for problem in found:
        assert problem.startswith(f"{row.name!r}: ")
        assert words and re.search(words, problem)


def test_a_name_is_used_once(tree: Path) -> None:
    row = mutant("one", "x + x", "x")
    assert list(problems([row, row], tree)) == ["'one': 2 mutants of this name"]


def test_the_runner_tells_what_became_of_each(workers: list[Worker], tree: Path) -> None:
    rows = [
        mutant("killed", "x + x", "x * x"),
        mutant("killed by a test with spaces", "x + x", "x * x", "test_tree.py::test_red"),
        mutant("seen by none", "x + x", "x * x", "test_tree.py::test_two"),
        mutant("listed", "x + x", "2 * x", survives="the same by another name"),
        mutant("listed and killed", "x + x", "x", survives="or so it was thought"),
        mutant("endless", "x < 0", "x == x"),
        mutant("not importable", "def double", "import no_such_module\n\n\ndef double"),
    ]
    told: list[str] = []
    outcomes = run_all(rows, workers, lambda outcome: told.append(outcome.mutant.name), seconds=2.0)
    expected = ["killed", "killed", "survived", "survived", "killed", "timed out", "broken"]
    assert [outcome.status for outcome in outcomes] == expected
    assert [outcome.accounted for outcome in outcomes] == [True, True, False, True, False, False, False]
    assert outcomes[0].by == FAST[0] and outcomes[1].by == "test_tree.py::test_red[two words]"
    assert outcomes[3].by == "the same by another name"
    assert told == [row.name for row in rows]
    assert (workers[0].root / "tree.py").read_text() == SOURCE == (tree / "tree.py").read_text()


def test_tests_that_are_red_without_a_mutation_are_named(workers: list[Worker]) -> None:
    assert red_tests(FAST, workers) == []
    (words,) = red_tests([*FAST, "test_tree.py::test_red"], workers)
    assert "test_red" in words
