"""Mistakes of kinds that nobody has foreseen, and several at once: named right, or not at all."""

import copy
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from parity_tests.pair import TorchModel, compare
from parity_tests.tests.diagnosis import setups, torch_models
from parity_tests.tests.diagnosis.catalogue import ALIKE, INPUTS, MISTAKES

# Hypotheses by the thousand: whether their annotations hold is tried with the catalogue.
pytestmark = pytest.mark.usefixtures("unchecked")

PARTS = {
    "Encoder": ["tokens", "positions", "norm1", "attention", "up", "norm2", "down", "norm"],
    "Heads": ["query", "key", "value", "out"],
    "Convolutions": ["stem", "norm", "conv", "head"],
}


def noise(size):
    def noisy(x):
        generator = torch.Generator().manual_seed(1)
        return x + size * torch.randn(x.shape, generator=generator, dtype=x.dtype)

    return noisy


UNKNOWN = {
    **{f"noise of {size:g}": noise(size) for size in (1, 1e-3, 1e-7, 1e-10)},
    "a curve": lambda x: x**3 + torch.sin(x),
    "more": lambda x: x + 0.1,
    "rolled": lambda x: x.roll(1, -1),
    "backwards": lambda x: x.flip(-1),
    "softmax": lambda x: x.softmax(-1),
    "cut off": lambda x: x.clamp(-0.5, 0.5),
    "no sign": torch.abs,
    "no mean": lambda x: x - x.mean(-1, keepdim=True),
    "normed again": lambda x: F.layer_norm(x, x.shape[-1:]),
}


def changed(model, name, change):
    """A copy in which a part returns something else."""

    def hook(module, inputs, output):
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    copied = copy.deepcopy(model)
    copied.get_submodule(name).register_forward_hook(hook)
    return TorchModel(copied)


QUICK = ("norm1", "query", "head")


@pytest.mark.parametrize(
    "kind, part",
    [
        pytest.param(kind, part, marks=() if part in QUICK else pytest.mark.slow)
        for kind, parts in PARTS.items()
        for part in parts
    ],
)
def test_what_matches_nothing_gets_no_name(kind, part):
    reference = torch_models.reference(kind, getattr(setups, kind)())
    for name, change in UNKNOWN.items():
        comparison = compare(reference, changed(reference, part, change), INPUTS[kind], ALIKE)
        assert not comparison.passed
        assert comparison.findings == [], (name, comparison.findings)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
@pytest.mark.parametrize("kind, part", [("Encoder", "norm1"), ("Heads", "value"), ("Convolutions", "norm")])
def test_what_is_no_number_gets_no_name(kind, part, value):
    reference = torch_models.reference(kind, getattr(setups, kind)())
    candidate = changed(reference, part, lambda x: x * value)
    assert compare(reference, candidate, INPUTS[kind], ALIKE).findings == []


@pytest.mark.slow
def test_dropout_and_narrow_dtypes_are_seen_behind_any_part():
    known = {
        "is rounded to bfloat16": lambda x: x.bfloat16().to(x.dtype),
        "is rounded to float16": lambda x: x.half().to(x.dtype),
        "has dropout at a rate of 0.3": lambda x: F.dropout(x, 0.3, True),
    }
    for kind, parts in PARTS.items():
        reference = torch_models.reference(kind, getattr(setups, kind)())
        for part in [part for part in parts if part != "head"]:  # whose few numbers do not tell
            for says, change in known.items():
                torch.manual_seed(0)
                comparison = compare(reference, changed(reference, part, change), INPUTS[kind], ALIKE)
                texts = [finding.text for finding in comparison.findings]
                assert [text[: len(part) + len(says) + 1] for text in texts] == [f"{part} {says}"]


GUIDE = Path(__file__).parents[3] / "docs" / "porting.md"
SHARE = [192, 167, 16]  # pairs, of which both, or one, are named
# Statistics pass with the weights between two models of PyTorch that have the same names.
PLANTED = [
    mistake
    for mistake in MISTAKES
    if mistake.wrong and not mistake.right and mistake.wrong != {"statistics": "new"}
]
PAIRS = [
    (one, other)
    for one, other in combinations(PLANTED, 2)
    if one.kind == other.kind and not one.wrong.keys() & other.wrong.keys()
]


@pytest.mark.slow
def test_of_two_mistakes_at_once_none_is_named_wrongly():
    told = []
    for one, other in PAIRS:
        setup = getattr(setups, one.kind)()
        reference = torch_models.reference(one.kind, setup)
        candidate = getattr(torch_models, one.kind)(replace(setup, **one.wrong, **other.wrong))
        comparison = compare(reference, TorchModel(candidate), INPUTS[one.kind], ALIKE)
        texts = [finding.text for finding in comparison.findings]
        assert all(one.says in text or other.says in text for text in texts), texts
        told.append(sum(any(mistake.says in text for text in texts) for mistake in (one, other)))
    assert [len(told), told.count(2), told.count(1)] == SHARE
    share = f"Of {SHARE[0]} pairs of two mistakes at once, both are named in {SHARE[1]} and one in {SHARE[2]}"
    assert share in " ".join(GUIDE.read_text("utf-8").split())
