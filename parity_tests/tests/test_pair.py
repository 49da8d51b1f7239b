"""Any pair: models that nobody here wrote, as they are and with injected defects that must be located."""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen, nnx
from torch.nn import functional as F

from parity_tests.core.compare import first_divergence
from parity_tests.pair import JaxModel, Row, TorchModel, compare
from parity_tests.twins.check import find_twins
from parity_tests.twins.run import initial_params
from torch_impl import convert

BATCH, POSITION, EMBED, HEADS, MLP = 3, 5, 12, 3, 16  # head_dim 4: swapped with heads it must show
X = np.random.default_rng(0).standard_normal((BATCH, POSITION, EMBED))
MASK = np.arange(POSITION) < np.array([5, 3, 1])[:, None]  # real tokens
INPUTS = {"x": X, "mask": MASK}


def noisy(module):
    """PyTorch's initial weights plus noise: biases of zero and scales of one hide mistakes."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return module


def attention_rows(ours, theirs, split="three embed heads head_dim -> (three heads head_dim) embed"):
    """Flax's attention, three kernels, as PyTorch's fused one."""
    kernels, biases = (
        tuple(f"{ours}{n}/{kind}" for n in ("query", "key", "value")) for kind in ("kernel", "bias")
    )
    return (
        Row(kernels, f"{theirs}in_proj_weight", split),
        Row(biases, f"{theirs}in_proj_bias", "three heads head_dim -> (three heads head_dim)"),
        Row(
            f"{ours}out/kernel", f"{theirs}out_proj.weight", "heads head_dim embed -> embed (heads head_dim)"
        ),
        Row(f"{ours}out/bias", f"{theirs}out_proj.bias", "embed -> embed"),
    )


SWAPPED = "three embed heads head_dim -> (three head_dim heads) embed"


def torch_attention(mask=lambda mask: ~mask):
    """True hides a key there."""
    module = noisy(torch.nn.MultiheadAttention(EMBED, HEADS, batch_first=True))
    return TorchModel(module, lambda m, x, **given: m(x, x, x, key_padding_mask=mask(given["mask"]))[0])


def linen_attention(params=None):
    module = linen.MultiHeadDotProductAttention(HEADS)
    return JaxModel(module, params, lambda m, x, mask: m(x, mask=mask[:, None, None]))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_linens_attention_is_pytorchs(dtype):
    comparison = compare(torch_attention(), linen_attention(), INPUTS, attention_rows("", ""), dtype=dtype)
    assert comparison.passed, comparison
    assert {r.kind for r in comparison.checks} == {"forward", "input gradient", "parameter gradient"}
    assert {r.bound for r in comparison.checks} == {1e-11 if dtype == "float64" else 1e-4}


def test_pytorchs_attention_is_linens():
    params = linen_attention().model.init(jax.random.key(0), X.astype(np.float32))["params"]
    comparison = compare(linen_attention(params), torch_attention(), INPUTS, attention_rows("", ""))
    assert comparison.passed, comparison
    assert "value/kernel" in {r.name for r in comparison.checks}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "reference, rows",
    [
        (torch_attention(), attention_rows("", "", SWAPPED)),
        (torch_attention(mask=lambda mask: mask), attention_rows("", "")),
        (torch_attention(mask=lambda mask: None), attention_rows("", "")),
    ],
    ids=["heads and head_dim swapped", "mask not inverted", "no mask"],
)
def test_a_defect_of_attention_exceeds_the_bound(reference, rows, dtype):
    comparison = compare(reference, linen_attention(), INPUTS, rows, dtype=dtype)
    (output,) = (r for r in comparison.checks if r.kind == "forward")
    assert not output.passed and output.max_rel_error > 100 * output.bound


def attend(*arrays, is_causal=False, **settings):
    """Linen's attention in nnx: nnx's own takes its softmax in float32, whatever the dtype."""
    return linen.dot_product_attention(*arrays, **settings)


class Layer(nnx.Module):
    def __init__(self, rngs, norm_first, attention_fn):
        self.attention = nnx.MultiHeadAttention(
            HEADS, EMBED, decode=False, attention_fn=attention_fn, rngs=rngs
        )
        self.norm1 = nnx.LayerNorm(EMBED, epsilon=1e-5, rngs=rngs)
        self.norm2 = nnx.LayerNorm(EMBED, epsilon=1e-5, rngs=rngs)
        self.linear1 = nnx.Linear(EMBED, MLP, rngs=rngs)
        self.linear2 = nnx.Linear(MLP, EMBED, rngs=rngs)
        self.residual_dropout = nnx.Dropout(0.1, rngs=rngs)
        self.norm_first = norm_first

    def feed_forward(self, x):
        return self.linear2(jax.nn.gelu(self.linear1(x), approximate=False))

    def __call__(self, x, mask):
        if self.norm_first:
            x = x + self.residual_dropout(self.attention(self.norm1(x), mask=mask))
            return x + self.residual_dropout(self.feed_forward(self.norm2(x)))
        x = self.norm1(x + self.residual_dropout(self.attention(x, mask=mask)))
        return self.norm2(x + self.residual_dropout(self.feed_forward(x)))


class Encoder(nnx.Module):
    def __init__(self, norm_first=False, attention_fn=attend):
        self.layers = nnx.List([Layer(nnx.Rngs(0), norm_first, attention_fn) for _ in range(2)])

    def __call__(self, x, mask):
        for layer in self.layers:
            x = layer(x, mask[:, None, None])
        return x


def torch_encoder(norm_first=False, change=lambda module: None):
    layer = torch.nn.TransformerEncoderLayer(
        EMBED, HEADS, MLP, activation=F.gelu, batch_first=True, norm_first=norm_first
    )
    module = noisy(torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))
    change(module)
    return TorchModel(module, lambda m, x, mask: m(x, src_key_padding_mask=~mask))


def encoder_rows(split="three embed heads head_dim -> (three heads head_dim) embed"):
    return (
        *attention_rows("layers/*/attention/", "layers.*.self_attn.", split),
        Row("*/norm*/scale", "*.norm*.weight", "embed -> embed"),
        Row("*/norm*/bias", "*.norm*.bias", "embed -> embed"),
        Row("*/linear*/kernel", "*.linear*.weight", "inner outer -> outer inner"),
        Row("*/linear*/bias", "*.linear*.bias", "outer -> outer"),
    )


TAPS = {"*": "*", "layers.*.self_attn": "layers/*/attention"}


@pytest.mark.parametrize("norm_first", [False, True], ids=["post", "pre"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_an_encoder_of_nnx_is_pytorchs(norm_first, dtype):
    attention_fn = attend if dtype == "float64" else nnx.dot_product_attention  # the stock one
    reference, candidate = torch_encoder(norm_first), Encoder(norm_first, attention_fn)
    comparison = compare(reference, candidate, INPUTS, encoder_rows(), TAPS, dtype)
    assert comparison.passed, comparison
    taps = [r.name for r in comparison.checks if r.kind == "tap"]
    assert taps.index("layers.0.self_attn") < taps.index("layers.0.linear1") < taps.index("layers.1")
    assert len(taps) == 2 * 6


def set_epsilon(module):
    module.layers[1].norm2.eps = 1e-6


def set_tanh(module):
    for layer in module.layers:
        layer.activation = lambda x: F.gelu(x, approximate="tanh")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "change, rows, place",
    [
        (lambda module: None, encoder_rows(SWAPPED), "layers.0.self_attn"),
        (set_epsilon, encoder_rows(), "layers.1.norm2"),
        (set_tanh, encoder_rows(), "layers.0.linear2"),  # it is a function: its first reader parts
    ],
    ids=["heads and head_dim swapped", "epsilon", "gelu"],
)
def test_a_defect_of_the_encoder_is_located(change, rows, place, dtype):
    # Epsilon moves 1e-5 where float32 allows 1e-4 of a whole model; a user who expects better says so.
    bound = 1e-6 if dtype == "float32" else None
    comparison = compare(torch_encoder(change=change), Encoder(), INPUTS, rows, TAPS, dtype, bound)
    assert not comparison.passed
    assert first_divergence(comparison.checks).name == place
    assert f"diverges first at tap {place}: relative error" in " ".join(str(comparison).split())


def test_nnx_own_attention_is_not_float64_and_the_report_says_where():
    comparison = compare(
        torch_encoder(), Encoder(attention_fn=nnx.dot_product_attention), INPUTS, encoder_rows(), TAPS
    )
    first = first_divergence(comparison.checks)
    assert first.name == "layers.0.self_attn" and 1e-9 < first.max_rel_error < 1e-6


@jax.tree_util.register_dataclass
@dataclass
class Linear:
    weight: jax.Array
    bias: jax.Array

    def __call__(self, x):
        return x @ self.weight.T + self.bias


@jax.tree_util.register_dataclass
@dataclass
class Perceptron:
    """As Equinox has models: a pytree of its weights, with something in it that is no weight."""

    layers: list[Linear]
    calls: jax.Array

    def __call__(self, x):
        return self.layers[1](jnp.tanh(self.layers[0](x)))


def perceptron():
    rng = np.random.default_rng(0)
    sizes = ((MLP, EMBED), (4, MLP))
    return Perceptron([Linear(rng.random(s), rng.random(s[0])) for s in sizes], jnp.zeros((), jnp.int32))


class TorchPerceptron(torch.nn.Module):
    def __init__(self, detached=False):
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(EMBED, MLP), torch.nn.Linear(MLP, 4)])
        self.detached = detached

    def forward(self, x):
        hidden = torch.tanh(self.layers[0](x))
        return self.layers[1](hidden.detach() if self.detached else hidden)


PERCEPTRON_ROWS = (Row("*weight", "*weight", "o i -> o i"), Row("*bias", "*bias", "o -> o"))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_callable_pytree_is_compared_both_ways(dtype):
    for pair in ((perceptron(), TorchPerceptron()), (TorchPerceptron(), perceptron())):
        comparison = compare(*pair, {"x": X}, PERCEPTRON_ROWS, dtype=dtype)
        assert comparison.passed, comparison
        assert len([r for r in comparison.checks if r.kind == "tap"]) == 2


def test_what_only_gradients_show_is_found_there():
    comparison = compare(perceptron(), TorchPerceptron(detached=True), {"x": X}, PERCEPTRON_ROWS)
    failed = {(r.kind, r.name) for r in comparison.checks if not r.passed}
    parameters = {("parameter gradient", f"layers/0/{name}") for name in ("weight", "bias")}
    assert failed == {("input gradient", "x"), *parameters}
    assert first_divergence(comparison.checks).name == "layers/0/bias"  # nearest to the output


def test_a_function_of_params_and_a_fused_weight_split_in_jax():
    def fused(params, x):
        both = x @ params["both"]
        gate, up = jnp.split(both, 2, axis=-1)
        return jax.nn.silu(gate) * up * params["scale"]

    class Gated(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.gate, self.up = (torch.nn.Linear(EMBED, 4, bias=False) for _ in range(2))
            self.scale = torch.nn.Parameter(torch.tensor(2.0))

        def forward(self, x):
            return F.silu(self.gate(x)) * self.up(x) * self.scale

    rows = [
        Row("both", ("gate.weight", "up.weight"), "embed (two mlp) -> two mlp embed"),
        Row("scale", "scale", " -> "),
    ]
    params = {"both": np.random.default_rng(0).random((EMBED, 8)), "scale": np.float64(3.0)}
    for pair in ((JaxModel(fused, params), Gated()), (Gated(), JaxModel(fused, params))):
        assert compare(*pair, {"x": X}, rows).passed
    swapped = [Row("both", ("up.weight", "gate.weight"), rows[0].axes), rows[1]]
    assert not compare(JaxModel(fused, params), Gated(), {"x": X}, swapped).passed


@pytest.mark.parametrize("activation, passed", [("gelu", True), ("gelu_tanh", False)])
def test_our_own_twins_are_recorded_through_their_taps(activation, passed):
    (twin,) = find_twins("feed_forward")
    inputs = twin.inputs(np.random.default_rng(0))
    reference = twin.build("torch_impl")
    convert.load(reference, initial_params(twin, inputs, 0))
    candidate = replace(twin, arguments={**twin.arguments, "activation": activation}).build("jax_impl")
    comparison = compare(reference, candidate, inputs, convert.TABLE)
    assert comparison.passed == passed
    assert [r.name for r in comparison.checks if r.kind == "tap"] == [*comparison.reference.arrays["tap"]]
    assert comparison.reference.axes["hidden"] == "batch position mlp"
    if not passed:
        assert first_divergence(comparison.checks).name == "active"
