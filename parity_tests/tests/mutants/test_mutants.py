"""The table of mutants fits the sources: an edit that is found no more, or twice, would prove nothing."""

from pathlib import Path

import pytest

from parity_tests.tests.mutants.models import MUTANTS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_edit_is_found_once_and_changes_something(mutant):
    for edit in mutant.edits:
        assert (ROOT / edit.path).read_text().count(edit.old) == 1, edit
        assert edit.new != edit.old


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_tests_that_see_it_exist(mutant):
    assert mutant.tests
    for test in mutant.tests:
        path, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}" in (ROOT / path).read_text()


def test_no_two_mutants_have_one_name():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
