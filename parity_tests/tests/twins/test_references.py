"""Both twins against implementations that nobody here wrote."""

import numpy as np
import pytest

from parity_tests.twins.check import find_twins
from parity_tests.twins.references import REFERENCES, check_reference
from parity_tests.twins.run import run_jax, run_torch


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda r: f"{r.name}-{r.twin.name}")
@pytest.mark.parametrize("dtype", ["float64", "float32"])  # the slower loop: neighbours share records
def test_both_twins_agree_with_the_reference(reference, dtype):
    checks = check_reference(reference, dtype)
    assert {check.model.split()[0] for check in checks} == {"jax", "torch"}
    assert {"forward", "input gradient", "parameter gradient"} >= {check.kind for check in checks}
    assert [check for check in checks if not check.passed] == []


def test_a_reference_that_computes_something_else_fails():
    exact, tanh = (reference for reference in REFERENCES if reference.name == "F.gelu")
    swapped = type(exact)(exact.name, exact.twin, tanh.run)
    checks = check_reference(swapped, "float64")
    assert not any(check.passed for check in checks)


@pytest.mark.parametrize("name", ["attention_padded", "attention_causal"])
def test_a_query_that_sees_no_key_gets_zeros_and_finite_gradients(name):
    (twin,) = find_twins(name)
    inputs = twin.inputs(np.random.default_rng(0))
    output_shape = inputs["query"].shape[:-1]
    blind = np.broadcast_to(~inputs["mask"].any(axis=-1), output_shape)
    assert blind.any() and not blind.all()
    for run in (run_jax, run_torch):
        trace = run(twin, {}, inputs, "float64")
        assert not trace.arrays["forward"]["output"][blind].any()
        assert not trace.arrays["tap"]["weights"][blind].any()
        assert not trace.arrays["input gradient"]["query"][blind].any()
        assert all(np.isfinite(array).all() for array in trace.arrays["input gradient"].values())


@pytest.mark.parametrize("run", [run_jax, run_torch], ids=["jax", "torch"])
def test_attention_is_right_by_hand(run):
    """Two keys, whose scores are 0 and ln 3 after scaling by sqrt(4): weights 1/4 and 3/4."""
    (twin,) = find_twins("attention")
    inputs = {
        "query": np.array([[[[2.0, 0.0, 0.0, 0.0]]]]),
        "key": np.array([[[[0.0, 5.0, 0.0, 0.0], [np.log(3.0), 0.0, 7.0, 0.0]]]]),
        "value": np.array([[[[4.0, 0.0], [0.0, 8.0]]]]),
    }
    trace = run(twin, {}, inputs, "float64")
    np.testing.assert_allclose(trace.arrays["tap"]["weights"], [[[[0.25, 0.75]]]], rtol=1e-14)
    np.testing.assert_allclose(trace.arrays["forward"]["output"], [[[[1.0, 6.0]]]], rtol=1e-14)
