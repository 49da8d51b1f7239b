"""PyTorch's other kinds of module: compiled, scripted, traced, exported; and what asks for float32."""

import numpy as np
import pytest
import torch
import transformers
from flax import linen
from jax import numpy as jnp

from parity_tests.pair import TorchModel, compare

INPUTS = {"x": np.random.default_rng(0).standard_normal((5, 4))}
WIDE = {"x": np.random.default_rng(1).standard_normal((5, 12))}


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.norm, self.b = torch.nn.Linear(4, 6), torch.nn.LayerNorm(6), torch.nn.Linear(6, 3)

    def forward(self, x):
        return self.b(torch.tanh(self.norm(self.a(x))))


class Port(linen.Module):
    epsilon: float = 1e-5

    @linen.compact
    def __call__(self, x):
        x = linen.LayerNorm(self.epsilon, name="norm")(linen.Dense(6, name="a")(x))
        return linen.Dense(3, name="b")(jnp.tanh(x))


KINDS = {
    "compiled": (torch.compile, ["_orig_mod.a", "_orig_mod.norm", "_orig_mod.b"]),
    "scripted": (torch.jit.script, []),
    "traced": (lambda module: torch.jit.trace(module, torch.zeros(5, 4)), []),
    "fx": (torch.fx.symbolic_trace, ["a", "norm", "b"]),
    "exported": (lambda module: torch.export.export(module, (torch.zeros(5, 4),)).module(), []),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings(
    "ignore:.*torch.jit:DeprecationWarning",
    "ignore:.*torch.jit:FutureWarning",
    "ignore:.*LeafSpec:FutureWarning",
)
def test_other_kinds_of_module_are_compared(kind):
    torch.manual_seed(0)
    make, heard = KINDS[kind]
    module = make(Model())
    before = {name: parameter.clone() for name, parameter in module.named_parameters()}
    right = compare(module, Port(), INPUTS)
    assert right.passed and not right.table.unproven, right
    assert [check.name for check in right.checks if check.kind == "tap"] == heard
    assert not compare(module, Port(1e-6), INPUTS).passed
    for name, parameter in module.named_parameters():
        assert torch.equal(parameter, before[name]) and parameter.grad is None


class Narrow(torch.nn.Module):
    """One's own, which is left as it is."""

    def __init__(self, norm):
        super().__init__()
        self.norm = norm

    def forward(self, x):
        return self.norm(x)


class OwnNorm(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(12))

    def forward(self, x):
        y = x.float()
        return self.weight * (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype)


class Norm(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.RMSNorm(name="norm")(x)


def test_float32_inside_a_third_partys_part_is_widened_and_said():
    from transformers.models.llama.modeling_llama import LlamaRMSNorm

    comparison = compare(Narrow(LlamaRMSNorm(12)), Norm(), WIDE)
    assert comparison.passed and comparison.to_json()["widened"] == ["norm"]
    assert "float32 inside third parties' parts, run in float64: norm" in str(comparison)
    in_float32 = compare(Narrow(LlamaRMSNorm(12)), Norm(), WIDE, dtype="float32")
    assert in_float32.passed and not in_float32.to_json()["widened"]


def test_ones_own_float32_is_a_mistake():
    comparison = compare(Narrow(OwnNorm()), Norm(), WIDE)
    assert not comparison.passed and not comparison.to_json()["widened"]
    assert 1e-9 < comparison.checks[0].max_rel_error < 1e-6


def test_angles_that_somebody_changed_are_left_alone():
    config = transformers.LlamaConfig(
        vocab_size=9, hidden_size=8, num_attention_heads=2, num_hidden_layers=1, intermediate_size=8
    )
    ids = {"input_ids": np.arange(6).reshape(1, 6)}
    model = transformers.LlamaForCausalLM(config)
    call = lambda module, input_ids: module(input_ids=input_ids).logits  # noqa: E731
    side = TorchModel(model, call)
    usual = side.run(side.weights(), ids, "float64").arrays["forward"]["output"]
    model.model.rotary_emb.inv_freq *= 2
    changed = side.run(side.weights(), ids, "float64").arrays["forward"]["output"]
    assert np.abs(changed - usual).max() > 1e-6
