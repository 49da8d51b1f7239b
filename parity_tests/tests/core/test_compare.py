"""The comparison itself: what fails, and in which order."""

import numpy as np
import pytest

from parity_tests.core.compare import NOISE, compare_bfloat16, compare_traces, first_divergence
from parity_tests.core.trace import Trace

NAMES = {
    "forward": ("output",),
    "tap": ("scores", "weights"),
    "input gradient": ("x",),
    "parameter gradient": ("query/bias", "key/bias", "output/kernel"),
}


def trace(**changes):
    """All ones, but for the arrays whose names (with _ for /) are given; None leaves one out."""
    arrays = {kind: {name: np.ones(3) for name in names} for kind, names in NAMES.items()}
    for name, array in changes.items():
        (kind,) = (c for c, names in NAMES.items() if name.replace("__", "/") in names)
        arrays[kind][name.replace("__", "/")] = array
        if array is None:
            del arrays[kind][name.replace("__", "/")]
    return Trace(arrays)


def failed(reference, candidate, bound=1e-6):
    return [r for r in compare_traces("model", reference, candidate, "float64", bound) if not r.passed]


def test_the_same_numbers_pass_in_the_order_of_the_record():
    checks = compare_traces("model", trace(), trace(), "float64", 0.0)
    assert [(r.kind, r.name) for r in checks] == [(c, n) for c, names in NAMES.items() for n in names]
    assert all(r.passed and r.max_abs_error == r.max_rel_error == 0.0 for r in checks)


def test_errors_are_relative_to_the_largest_magnitude_of_the_reference():
    reference = trace(scores=np.array([0.0, 4.0, -8.0]))
    candidate = trace(scores=np.array([0.5, 4.0, -8.0]))
    (check,) = failed(reference, candidate)
    assert (check.name, check.max_abs_error, check.max_rel_error) == ("scores", 0.5, 0.0625)
    assert not failed(reference, candidate, bound=0.0625)


@pytest.mark.parametrize(
    "array",
    [None, np.ones(4), np.ones((3, 1)), np.array([1.0, np.nan, 1.0]), np.array([1.0, np.inf, 1.0])],
    ids=["missing", "longer", "another rank", "nan", "inf"],
)
@pytest.mark.parametrize("name", ["output", "weights", "x", "output__kernel"])
def test_a_missing_misshapen_or_not_finite_array_fails_on_either_side(name, array):
    for sides in ((trace(), trace(**{name: array})), (trace(**{name: array}), trace())):
        (check,) = failed(*sides)
        assert check.name == name.replace("__", "/")
        assert check.max_rel_error == np.inf


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_on_both_sides_fails_too(value):
    both = trace(output=np.array([value, 1.0, 1.0]))
    assert [check.name for check in failed(both, both)] == ["output"]


def test_an_error_where_the_reference_is_zero_fails():
    (check,) = failed(trace(x=np.zeros(3)), trace(x=np.full(3, 1e-300)))
    assert (check.name, check.max_rel_error) == ("x", np.inf)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_gradient_that_is_noise_is_measured_by_the_largest(dtype):
    """The limit of what counts as noise, from both sides; a real gradient in the candidate is found."""

    def checks(ours, theirs):
        arrays = (trace(key__bias=np.full(3, value)) for value in (ours, theirs))
        return [r for r in compare_traces("model", *arrays, dtype, 1e-11) if not r.passed]

    limit = NOISE * np.finfo(dtype).eps
    assert not checks(1e-17, -1e-17)
    (check,) = checks(0.9 * limit, 0.9 * limit + 1e-9)
    assert check.max_rel_error == pytest.approx(1e-9, rel=1e-3)
    (check,) = checks(1.1 * limit, 1.1 * limit + 1e-9)
    assert check.max_rel_error == pytest.approx(1e-9 / (1.1 * limit), rel=1e-3)
    assert [check.name for check in checks(1e-17, 0.1)] == ["key/bias"]


def test_only_gradients_can_be_noise():
    assert failed(trace(output=np.full(3, 1e-17)), trace(output=np.full(3, -1e-17)))


def test_the_first_divergence_is_the_first_tap_then_an_output_then_the_last_parameter():
    wrong = np.zeros(3)
    everything = dict.fromkeys(("output", "scores", "weights", "x", "query__bias", "output__kernel"), wrong)
    expected = ["scores", "weights", "output", "output/kernel", "query/bias", "x"]
    for name in expected:
        found = first_divergence(compare_traces("model", trace(), trace(**everything), "float64", 1e-6))
        assert found is not None and found.name == name
        del everything[name.replace("/", "__")]
    assert first_divergence(compare_traces("model", trace(), trace(), "float64", 0.0)) is None


def test_the_readings_say_how_far_each_twin_is_from_float64():
    ours, theirs = trace(output=np.full(3, 1.5)), trace(output=np.full(3, 0.75))
    for check in compare_traces("model", ours, theirs, "float32", 1.0, trace()):
        costs = (0.5, 0.25) if check.name == "output" else (0.0, 0.0)
        assert (check.jax_from_float64, check.torch_from_float64) == costs
    lacking = compare_traces("model", trace(), trace(output=None), "float32", 1.0, trace())
    (check,) = (check for check in lacking if not check.passed)
    assert (check.jax_from_float64, check.torch_from_float64) == (0.0, np.inf)
    for check in compare_traces("model", ours, theirs, "float64", 1.0):
        assert check.jax_from_float64 is check.torch_from_float64 is check.ratios is None


def test_bfloat16_errors_may_differ_by_a_factor():
    def check(*pairs):
        draws = [
            (trace(), trace(output=np.ones(3) + ours), trace(output=np.ones(3) + theirs))
            for ours, theirs in pairs
        ]
        return compare_bfloat16("model", draws, 2.0)[0]

    assert check((0.01, 0.0199)).passed and check((0.0199, 0.01)).passed
    assert not check((0.01, 0.0201)).passed and not check((0.0201, 0.01)).passed
    assert check((0.01, 0.0199)).max_rel_error == pytest.approx(0.0199)
    assert check((0.01, 0.03)).ratios == pytest.approx((3.0, 2.0))
    assert check((0.01, 0.03)).jax_from_float64 == pytest.approx(0.01)
    assert check((0.01, 0.03)).torch_from_float64 == pytest.approx(0.03)
    assert check((0.0, 0.0)).passed and not check((0.0, 1e-9)).passed
    one, other = check((0.01, 0.03), (0.03, 0.01)), check((0.01, 0.07), (0.03, 0.01))
    assert one.passed and one.max_rel_error == pytest.approx(np.sqrt(5e-4))  # luck that evens out
    assert not other.passed
    assert not check((np.nan, 0.01)).passed and not check((np.nan, np.nan)).passed


def test_an_array_that_is_missing_fails_in_bfloat16():
    draws = [(trace(), trace(), trace()), (trace(), trace(), trace(output=None))]
    check = compare_bfloat16("model", draws, 2.0)[0]
    assert not check.passed and check.max_rel_error == np.inf
