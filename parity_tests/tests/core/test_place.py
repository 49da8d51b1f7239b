"""Where two arrays part, in words."""

import numpy as np
import pytest

from parity_tests.core.compare import compare_traces, first_divergence
from parity_tests.core.place import place
from parity_tests.core.report import sentence
from parity_tests.core.trace import Trace

OURS = np.arange(1.0, 7.0).reshape(2, 3)


def changed(**numbers):
    array = OURS.copy()
    for name, value in numbers.items():
        array[int(name[1]), int(name[2])] = value
    return array


@pytest.mark.parametrize(
    "theirs, axes, dtype, words",
    [
        (
            changed(_12=6 + 2.0**-30, _00=1 + 2.0**-40),
            "batch query",
            "float64",
            "furthest at batch 1, query 2: 6 against 6.000000001, 1.0e+06 ULPs",
        ),
        (
            changed(_12=6.5),
            "",
            "float32",
            "furthest at [1, 2]: 6 against 6.5, 1.0e+06",
        ),
        (
            changed(_01=np.nan, _11=np.inf),
            "a",
            "float64",
            "NaN in the candidate alone: first at [0, 1], 2",
        ),
        (
            changed(_11=-np.inf),
            "",
            "float64",
            "infinity in the candidate alone: first at [1, 1], 1",
        ),
    ],
)
def test_the_number_that_is_furthest_is_named_or_the_first_that_is_none(theirs, axes, dtype, words):
    assert place(OURS, theirs, axes, dtype).startswith(words)


def test_what_is_broken_on_both_sides_is_not_where_they_part():
    ours, theirs = changed(_00=np.nan), changed(_00=np.nan, _02=4.0)
    assert place(ours, theirs, "", "float64").startswith("furthest at [0, 2]: 3 against 4")
    assert place(ours, OURS, "", "float64").startswith("NaN in the reference alone: first at [0, 0]")


def test_one_number_and_zero():
    assert place(np.array(1.0), np.array(2.0), "", "float64").startswith(
        "furthest at its only number: 1 against 2"
    )
    assert place(np.zeros(2), np.array([0.0, 3.0]), "", "float64").endswith("0 against 3")


def test_the_report_says_it():
    axes = {"scores": "batch query"}
    ours, theirs = (Trace(axes=axes) for _ in range(2))
    ours.arrays["tap"], theirs.arrays["tap"] = {"scores": OURS}, {"scores": changed(_10=np.nan)}
    check = first_divergence(compare_traces("m", ours, theirs, "float64", 1e-11))
    assert check is not None
    assert sentence(check) == (
        "m (float64) diverges first at tap scores: NaN in the candidate alone: first at batch 1, query 0, 1 "
        "of 6 numbers not finite."
    )
    theirs.arrays["tap"]["scores"] = changed(_10=5.0)
    (check,) = compare_traces("m", ours, theirs, "float64", 1e-11)
    assert check.at.startswith("furthest at batch 1, query 0: 4 against 5")
    assert compare_traces("m", ours, ours, "float64", 1e-11)[0].at == ""
    theirs.arrays["tap"]["scores"] = OURS[:1]
    (check,) = compare_traces("m", ours, theirs, "float64", 1e-11)
    assert "missing on one side, or of another shape" in sentence(check)
