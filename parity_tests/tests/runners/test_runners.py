"""The two runners: any callable into a trace, and the numerics that they set."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from parity_tests.core.trace import KINDS
from parity_tests.runners import torch_runner
from parity_tests.runners.jax_numerics import jax_numerics
from parity_tests.runners.jax_runner import runner
from parity_tests.runners.torch_numerics import torch_numerics
from parity_tests.tests.import_graph import sources

RNG = np.random.default_rng(0)
PARAMS = {"kernel": RNG.standard_normal((4, 3)), "bias": RNG.standard_normal(3)}
INPUTS = {"x": RNG.standard_normal((2, 4)), "mask": np.array([[True], [False]])}


def jax_model(weights, arguments, recorder):
    product = recorder.tap("product", arguments["x"] @ weights["kernel"], "batch out")
    masked = jnp.where(arguments["mask"], product, 0.0)
    noise = jax.random.normal(arguments["rng"], (1, 3), product.dtype) if "rng" in arguments else 0.0
    return recorder.tap("a sum", masked + weights["bias"][None] + noise, "batch out") ** 2


def torch_prepare(params, device, kind, recorder):
    weights = torch_runner.leaves_of(params, device, kind)

    def model(x, mask, rng=0.0):
        product = recorder.tap("product", x @ weights["kernel"], "batch out")
        masked = torch.where(mask, product, 0.0)
        return recorder.tap("a sum", masked + weights["bias"] + rng, "batch out") ** 2

    return model, weights


def assert_same(one, other, tolerance):
    assert [*one.arrays["tap"].items()] and one.axes == other.axes
    for kind in KINDS:
        assert [*one.arrays[kind]] == [*other.arrays[kind]]
        for name, array in one.arrays[kind].items():
            np.testing.assert_allclose(array, other.arrays[kind][name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("forced", [None, {"product": np.ones((2, 3))}], ids=["free", "forced"])
def test_a_callable_gives_one_trace_in_both_frameworks_compiled_or_not(forced):
    eager, compiled = (
        runner(jax_model, "m", "float64", compiled)(PARAMS, INPUTS, forced=forced)
        for compiled in (False, True)
    )
    in_torch = torch_runner.run(torch_prepare, "m", PARAMS, INPUTS, "float64", forced=forced)
    assert_same(eager, compiled, 1e-14)
    assert_same(eager, in_torch, 1e-14)
    assert [*eager.arrays["tap"]] == ["product", "a sum"]  # as computed, not by the alphabet
    assert eager.axes == {"product": "batch out", "a sum": "batch out"}
    assert (
        bool(eager.arrays["parameter gradient"]) == bool(eager.arrays["input gradient"]) == (forced is None)
    )


def test_the_key_is_made_for_each_run():
    run = runner(jax_model, "m", "float64", compiled=True)
    without, one, again, other = (
        run(PARAMS, INPUTS, seed and partial(jax.random.key, seed)).arrays["tap"]["a sum"]
        for seed in (None, 1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - without).min() > 1e-3 and np.abs(one - other).min() > 1e-3
    added = torch_runner.run(torch_prepare, "m", PARAMS, INPUTS, "float64", lambda: 2.0).arrays["tap"]
    np.testing.assert_allclose(added["a sum"], without + 2.0, rtol=1e-14)


def test_a_compiled_program_serves_all_inputs_of_one_shape():
    traced = []

    def counted(*arguments):
        traced.append(1)
        return jax_model(*arguments)

    run = runner(counted, "m", "bfloat16", compiled=True)
    traces = [run(PARAMS, {**INPUTS, "x": INPUTS["x"] + n}, partial(jax.random.key, n)) for n in range(3)]
    assert len(traced) == 1
    assert len({trace.arrays["forward"]["output"].tobytes() for trace in traces}) == 3
    run(PARAMS, {name: array[:1] for name, array in INPUTS.items()})
    assert len(traced) == 2


@pytest.mark.usefixtures("optimised")
def test_a_program_keeps_its_roundings_to_bfloat16():
    def rounding(weights, arguments, recorder):
        return (arguments["x"] + 1.0) - 1.0

    inputs = {"x": np.full((1, 2), 1e-4)}
    for compiled in (False, True):
        trace = runner(rounding, "m", "bfloat16", compiled)({}, inputs)
        np.testing.assert_array_equal(trace.arrays["forward"]["output"], 0.0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_foreign_model_has_numerics_of_its_own(dtype):
    before = jax.config.jax_numpy_dtype_promotion, torch.get_default_dtype()
    assert before == ("strict", torch.float32)  # set for these tests
    for foreign in (False, True):
        with jax_numerics(dtype, foreign), torch_numerics(dtype, foreign):
            assert jnp.zeros(()).dtype == dtype
            assert jax.config.jax_default_matmul_precision == "highest"
            assert jax.config.jax_numpy_dtype_promotion == ("standard" if foreign else "strict")
            assert jax.config.jax_numpy_rank_promotion == ("allow" if foreign else "raise")
            expected = getattr(torch, dtype) if foreign else torch.float32
            assert torch.get_default_dtype() == expected
    assert before == (jax.config.jax_numpy_dtype_promotion, torch.get_default_dtype())


SETTINGS = "enable_x64|matmul_precision|allow_tf32|reduced_precision|set_default_dtype|numpy_\\w+_promotion"


def test_numerics_are_set_in_one_file_a_framework():
    setting = {name for name, path in sources().items() if re.search(SETTINGS, path.read_text("utf-8"))}
    setting -= {"train.proof.frameworks"}  # which reads them alone
    setting = {name for name in setting if not name.startswith("study.notebooks.")}  # scripts, each by itself
    assert setting == {f"parity_tests.runners.{framework}_numerics" for framework in ("jax", "torch")}
