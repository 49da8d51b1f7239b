"""The table of pairs as people have them: every row right, and none called proven that is not."""

import re

import pytest
import torch

from parity_tests.pair import adapted, compare
from parity_tests.tests.map.pairs import PAIRS
from torch_impl.convert.fitting import fitted

LAYER = re.compile(r"(?<=[_/])\d+(?=/)|(?<=block)\d+(?=/)")
# Attention's scores do not change with the bias of its keys; GPT-2 has it in one array with two that show.
SILENT = {"gpt2": {"nothing that was heard depends on blocks_#/attention/key/bias"}}


@pytest.mark.parametrize("name", PAIRS)
def test_every_row_is_right(name, unchecked):
    torch.manual_seed(0)
    pair = PAIRS[name]()
    comparison = compare(pair.reference, pair.candidate, pair.inputs)
    assert comparison.passed, comparison
    reference, candidate = adapted(pair.reference), adapted(pair.candidate)
    state = candidate.state(pair.inputs)
    shapes = candidate.shapes(pair.inputs) | {name: array.shape for name, array in state.items()}
    given = reference.weights() | reference.state(pair.inputs)
    rows = comparison.table.rows
    named = {pattern for row in rows for pattern in row.patterns("torch")}
    given = {one: array for one, array in given.items() if any(re.fullmatch(regex(p), one) for p in named)}
    places = fitted(given, "torch", shapes, rows).places
    assert {target for place in places for target in place.targets} == shapes.keys()
    for place in places:
        for target in place.targets:
            assert set(place.names) == expected(pair.rows, target), target
    assert {row.unproven for row in comparison.table.unproven} == SILENT.get(name, set()), comparison.table


def regex(pattern: str) -> str:
    return re.escape(pattern).replace(r"\#", r"\d+")


def expected(rows: dict[str, str], target: str) -> set[str]:
    """What a pair says of one of its candidate's arrays."""
    if target not in rows:
        number = LAYER.search(target)[0]
        return {rows[LAYER.sub("#", target, count=1)].replace("#", number, 1)}
    return set(rows[target].split(" + "))
