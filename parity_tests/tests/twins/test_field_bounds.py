"""Other projects' rules judge as theirs do: both sides of every bound, and defects that pass or do not."""

import numpy as np
import pytest

from parity_tests.twins import field_results
from parity_tests.twins.defects import DEFECTS
from parity_tests.twins.field_bounds import RULES, Close, Cosine, Rule
from parity_tests.twins.field_results import judge_defect

REFERENCE = {"output": np.random.default_rng(0).standard_normal((4, 5))}
ALL = tuple(rule.name for rule in RULES)


def defect(name: str):
    (found,) = [one for one in DEFECTS if one.name == name]
    return found


def moved(by: float) -> dict[str, np.ndarray]:
    """One number moved, the others as they are."""
    output = REFERENCE["output"].copy()
    output[1, 2] += by
    return {"output": output}


@pytest.mark.parametrize("rule", RULES, ids=ALL)
def test_every_rule_passes_what_is_the_same_and_refuses_what_is_not(rule: Rule) -> None:
    assert rule.passes(REFERENCE, moved(0.0)) and rule.passes(REFERENCE, moved(1e-6))
    assert not rule.passes(REFERENCE, moved(10.0))
    assert not rule.passes(REFERENCE, moved(np.nan))
    assert not rule.passes(REFERENCE, {"output": -REFERENCE["output"]})
    assert not rule.passes(REFERENCE, {"output": REFERENCE["output"][None]})  # would broadcast
    assert not rule.passes(REFERENCE, {})
    assert not rule.passes(REFERENCE, REFERENCE | {"more": np.zeros(2)})


@pytest.mark.parametrize("rule", [rule for rule in RULES if isinstance(rule.bound, Close)])
def test_a_number_may_move_as_far_as_numpys_allclose_lets_it(rule: Rule) -> None:
    allowed = rule.bound.atol + rule.bound.rtol * abs(REFERENCE["output"][1, 2])
    for direction in (1, -1):
        assert rule.passes(REFERENCE, moved(0.999 * direction * allowed))
        assert not rule.passes(REFERENCE, moved(1.001 * direction * allowed))


def test_a_cosine_is_of_the_angle_and_of_nothing_else() -> None:
    flat, turned = np.array([1.0, 0.0]), np.array([np.cos(0.2), np.sin(0.2)])
    assert Cosine(0.98).holds(flat, 7.0 * turned) and not Cosine(0.99).holds(flat, turned)  # cos 0.2 = 0.9801
    swapped = np.array([1.0, 1.001])
    assert Cosine(0.98).holds(np.array([1.001, 1.0]), swapped)
    assert not Cosine(0.98, same_argmax=True).holds(np.array([1.001, 1.0]), swapped)


def test_rules_are_told_apart_and_say_where_they_stand() -> None:
    assert len(set(ALL)) == len(RULES)
    assert all(rule.repository.count("/") == 1 and rule.file for rule in RULES)
    assert str(Close(1e-4, 5e-2)) == "rtol 1e-4, atol 5e-2"


@pytest.mark.parametrize(
    "name",
    [
        "attention: no gradient through the softmax",  # outputs have no gradients
        "dropout: one mask for all heads",  # nor dropout
        "layer norm: eps 1e-6 for 1e-5",
    ],
)
def test_what_outputs_do_not_show_passes_every_rule(name: str) -> None:
    result = judge_defect(defect(name))
    assert result.unnoticed == ALL and result.refused == ()


def test_a_gross_defect_passes_none() -> None:
    result = judge_defect(defect("attention: query and key swapped"))
    assert result.unnoticed == () and result.refused == ()
    assert result.injected > 1.0 > 1e-5 > result.healthy


def test_the_approximate_gelu_passes_at_a_thousandth_and_leaves_nothing_behind() -> None:
    result = judge_defect(defect("activation: tanh for exact GELU"))
    assert "Tunix: logits of Gemma 4" in result.unnoticed and "CS336: a block" not in result.unnoticed
    assert 1e-4 < result.injected < 1e-3
    assert judge_defect(defect("activation: tanh for exact GELU")) == result


def test_a_rule_that_refuses_a_healthy_twin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    to_the_bit = Rule("nobody", "bits", Close(0.0, 0.0), "no/body", "none.py")
    monkeypatch.setattr(field_results, "RULES", (to_the_bit,))
    result = judge_defect(defect("layer norm: eps 1e-6 for 1e-5"))
    assert result.refused == (to_the_bit.name,) and result.unnoticed == ()
