"""Both twins against implementations that nobody here wrote."""

import numpy as np
import pytest

from parity_tests.references import REFERENCES, check_reference
from parity_tests.run import run_jax, run_torch
from parity_tests.twins import TWINS


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda r: f"{r.name}-{r.twin.name}")
@pytest.mark.parametrize("dtype", ["float64", "float32"])  # the slower loop: neighbours share records
def test_both_twins_agree_with_the_reference(reference, dtype):
    readings = check_reference(reference, dtype)
    assert {reading.model.split()[0] for reading in readings} == {"jax", "torch"}
    assert {"forward", "input gradient", "parameter gradient"} >= {reading.check for reading in readings}
    assert [reading for reading in readings if not reading.passed] == []


def test_a_reference_that_computes_something_else_fails():
    exact, tanh = (reference for reference in REFERENCES if reference.name == "torch.nn.functional.gelu")
    swapped = type(exact)(exact.name, exact.twin, tanh.run)
    readings = check_reference(swapped, "float64")
    assert not any(reading.passed for reading in readings)


@pytest.mark.parametrize("name", ["attention_padded", "attention_causal"])
def test_a_query_that_sees_no_key_gets_zeros_and_finite_gradients(name):
    (twin,) = (twin for twin in TWINS if twin.name == name)
    inputs = twin.inputs(np.random.default_rng(0))
    output_shape = inputs["query"].shape[:-1]
    blind = np.broadcast_to(~inputs["mask"].any(axis=-1), output_shape)
    assert blind.any() and not blind.all()
    for run in (run_jax, run_torch):
        record = run(twin, {}, inputs, "float64")
        assert not record.arrays["forward"]["output"][blind].any()
        assert not record.arrays["tap"]["weights"][blind].any()
        assert not record.arrays["input gradient"]["query"][blind].any()
        assert all(np.isfinite(array).all() for array in record.arrays["input gradient"].values())
