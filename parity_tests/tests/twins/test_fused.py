"""Attention by PyTorch's kernel is the attention that is written out, in PyTorch and in JAX.

A twin that is listened to takes the plain path, so the kernel runs here without taps.
"""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
import torch

from parity_tests.core.compare import BOUNDS, compare_traces
from parity_tests.core.trace import Trace
from parity_tests.runners import torch_runner
from parity_tests.twins.check import find_twins
from parity_tests.twins.inputs import Twin
from parity_tests.twins.models import KV_HEADS
from parity_tests.twins.run import initial_params, run_jax
from torch_impl import attention, convert, random
from torch_impl.config import AttentionConfig

# Every mask, every source of keys and values, groups of queries' heads, angles, norms.
NAMES = (
    "multi_head",
    "multi_head_padded",
    "multi_head_causal",
    "cross_attention",
    "grouped_query_rotary",
    "attention_qk_norm",
    "bert",
    "gpt",
    "gpt3",
    "llama",
    "mistral",
    "qwen3",
    "encoder_decoder",
    "classifier",
)


def unheard(twin: Twin, params, drawn, dtype: str) -> Trace:
    """PyTorch's side of a twin, with attention by the kernel, and nobody who listens."""
    twin = replace(twin, arguments={**twin.arguments, "fused": True})
    module = twin.build("torch_impl")

    def prepare(params, device, kind, recorder):
        convert.load(module, params)
        module.to(device, kind)
        return module, dict(module.named_parameters())

    trace = torch_runner.run(prepare, twin.name, params, drawn, dtype)
    gradients = trace.arrays["parameter gradient"]
    trace.arrays["parameter gradient"] = convert.to_flax(gradients, convert.axis_sizes(module))
    return trace


def compared(twin: Twin, dtype: str):
    """Outputs and gradients against JAX's, and how often the kernel ran."""
    drawn = twin.inputs(np.random.default_rng(0))
    params = initial_params(twin, drawn, 0)
    reference = run_jax(twin, params, drawn, dtype)
    reference.arrays["tap"].clear()
    with patch.object(attention, "fused_attention", wraps=attention.fused_attention) as kernel:
        candidate = unheard(twin, params, drawn, dtype)
    bound = BOUNDS[dtype][twin.whole_model]
    return compare_traces(twin.name, reference, candidate, dtype, bound, None), kernel.call_count


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_the_kernel_is_jax_s_attention(name: str, dtype: str) -> None:
    (twin,) = find_twins(name)
    checks, calls = compared(twin, dtype)
    assert calls > 0 and len(checks) > 2
    assert [check for check in checks if not check.passed] == []


def test_a_mistake_outside_of_the_kernel_is_found_with_it() -> None:
    (twin,) = find_twins("grouped_query_rotary")

    def other_way(x, angles, turn=attention.rotate):
        return turn(x, -angles) if x.shape[1] == KV_HEADS else turn(x, angles)

    with patch.object(attention, "rotate", other_way):
        checks, calls = compared(twin, "float64")
    assert calls > 0 and any(not check.passed for check in checks)


SMALL = AttentionConfig(embed=8, heads=4, kv_heads=2, dropout=0.5)


def attend(fused: bool, rng=None, tap=attention.no_tap):
    """Output, and the gradient of x, where row 1 may see nothing, and query 2 of row 0 neither."""
    torch.manual_seed(0)
    module = attention.MultiHeadAttention(replace(SMALL, fused=fused)).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    x = torch.randn(2, 5, 8, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(2, 1, 5, 5, dtype=torch.bool).tril()
    mask[1], mask[0, :, 2] = False, False
    y = module(x, x, mask, rng, tap)
    return y.detach(), torch.autograd.grad(y.square().sum(), [x, *module.parameters()]), module


def test_a_query_that_sees_nothing_gets_zeros_and_so_do_its_gradients() -> None:
    plain, plain_gradients, _ = attend(False)
    y, gradients, module = attend(True)
    torch.testing.assert_close(y, plain, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradients, plain_gradients, rtol=1e-11, atol=1e-11)
    assert torch.equal(y[1], module.output.bias.expand(5, 8).detach())
    assert torch.equal(y[0, 2], module.output.bias.detach())
    assert torch.count_nonzero(gradients[0][1]) == 0


def test_with_dropout_and_for_a_listener_nothing_changes() -> None:
    heard = []

    def tap(name, value, axes):
        heard.append(name)
        return value

    for arguments in ({"rng": random.key(0)}, {"tap": tap}):
        with patch.object(attention, "fused_attention", side_effect=AssertionError):
            fused = attend(True, **arguments)[:2]
        torch.testing.assert_close(fused, attend(False, **arguments)[:2], rtol=0.0, atol=0.0)
    assert {"scores", "weights"} <= set(heard)
