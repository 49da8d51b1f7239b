"""The protocol for ports, followed without a person: ten ports with mistakes, corrected by what is said."""

from dataclasses import replace

import pytest

from parity_tests.pair import compare
from parity_tests.tests.diagnosis import linen_models, setups, torch_models
from parity_tests.tests.diagnosis.catalogue import INPUTS

PORTS = [
    ("Encoder", {"eps": 1e-6, "activation": "gelu_tanh"}),
    ("Encoder", {"mask": "inverted", "eps": 1e-12}),
    ("Encoder", {"first": 1, "activation": "relu", "eps": 1e-6}),
    ("Encoder", {"float32": True, "first": 1}),
    ("Heads", {"scale": 0.25}),
    ("Heads", {"rotary": "interleaved"}),
    ("Heads", {"mask": "none"}),
    ("Convolutions", {"padding": (0, 1), "eps": 1e-3}),
    ("Convolutions", {"pooling": "mean", "eps": 1e-3}),
    ("Convolutions", {"flatten": "h w c", "activation": "leaky"}),
]
# How a cause says which setting is wrong.
SAID = {
    "eps": "computes with eps",
    "activation": "comes through",
    "pooling": "a pooling by",
    "mask": "lets a query see",
    "first": "takes rows +1",
    "float32": "is rounded to float32",
    "scale": "multiplies the scores",
    "rotary": "rotary positions",
    "padding": "pads by",
    "flatten": "flattened as",
}
QUICK = 4  # the port whose two causes are tried with the fast tests


@pytest.mark.parametrize(
    "kind, wrong",
    [
        pytest.param(*port, marks=() if number == QUICK else pytest.mark.slow, id=f"{number}")
        for number, port in enumerate(PORTS)
    ],
)
def test_each_round_corrects_a_mistake(kind, wrong, unchecked):
    right, left = getattr(setups, kind)(), dict(wrong)
    reference = torch_models.reference(kind, right)
    while left:
        candidate = linen_models.candidate(kind, replace(right, **left))
        comparison = compare(reference, candidate, INPUTS[kind])
        assert not comparison.passed
        cause = comparison.to_json()["findings"][0]["text"]
        named = [setting for setting, words in SAID.items() if words in cause]
        assert set(named) & set(left), (cause, left)
        left = {setting: value for setting, value in left.items() if setting not in named}
    assert compare(reference, linen_models.candidate(kind, right), INPUTS[kind]).passed
