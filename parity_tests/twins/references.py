"""Third parties as the reference: implementations that nobody here wrote, for both twins to agree with.

Twins can share a mistake. Each reference gets our inputs and our parameters in Flax's names and layout,
and arranges them for itself by differentiable steps, so that its gradients come back under our names.
Nothing of ours takes part, neither layers nor converter.

bfloat16 has no references: there each twin is held against float64.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from einops import rearrange
from flax import linen
from flax.traverse_util import unflatten_dict
from torch.func import functional_call
from torch.nn import functional as F

from parity_tests.core.compare import BOUNDS, Check, compare_traces
from parity_tests.core.trace import Trace
from parity_tests.runners import torch_runner
from parity_tests.runners.arrays import Inputs, Params
from parity_tests.runners.calls import model_name
from parity_tests.runners.jax_runner import runner
from parity_tests.runners.recorder import Recorder
from parity_tests.twins.check import find_twins
from parity_tests.twins.inputs import Twin
from parity_tests.twins.run import initial_params, run_jax, run_torch

Run = Callable[[Twin, Params, Inputs, str], Trace]


@dataclass(frozen=True)
class Reference:
    """One third party, the twin that it does the same as, and how to run it there."""

    name: str
    twin: Twin
    run: Run


def check_reference(reference: Reference, dtype: str, seed: int = 0) -> list[Check]:
    """Hold both twins against a reference: output, input gradients and parameter gradients."""
    twin = reference.twin
    inputs, params, ours = _ours(twin, dtype, seed)
    theirs = reference.run(twin, params, inputs, dtype)
    checks = []
    for framework, trace in ours.items():
        model = f"{framework} {twin.name} vs {reference.name}"
        checks += compare_traces(model, theirs, trace, dtype, BOUNDS[dtype][twin.whole_model])
    return checks


@lru_cache(maxsize=1)
def _ours(twin: Twin, dtype: str, seed: int) -> tuple[Inputs, Params, dict[str, Trace]]:
    """Both twins' traces, without taps, which no third party has. Neighbours in the list share them."""
    inputs = twin.inputs(np.random.default_rng(seed))
    params = initial_params(twin, inputs, seed)
    traces = {
        "jax": run_jax(twin, params, inputs, dtype),
        "torch": run_torch(twin, params, inputs, dtype),
    }
    for trace in traces.values():
        trace.arrays["tap"] = {}
    return inputs, params, traces


def in_torch(function: Callable[..., torch.Tensor]) -> Run:
    """Run a PyTorch function (arguments, params, **inputs) forward and backward."""

    def run(twin: Twin, params: Params, inputs: Inputs, dtype: str) -> Trace:
        def prepare(
            params: Params, device: torch.device, kind: torch.dtype, recorder: Recorder
        ) -> tuple[Callable[..., Any], dict[str, torch.Tensor]]:
            leaves = torch_runner.leaves_of(params, device, kind)
            return partial(function, twin.arguments, leaves), leaves

        return torch_runner.run(prepare, model_name(function), params, inputs, dtype, foreign=True)

    return run


def in_jax(function: Callable[..., jax.Array]) -> Run:
    """Run a JAX function (arguments, params, **inputs) forward and backward, compiled as one program."""

    def run(twin: Twin, params: Params, inputs: Inputs, dtype: str) -> Trace:
        def model(params: Mapping[str, Any], inputs: Mapping[str, Any], recorder: Recorder) -> Any:
            return function(twin.arguments, params, **inputs)

        return runner(model, model_name(function), dtype, compiled=True, foreign=True)(params, inputs)

    return run


def _torch_gelu(arguments: Any, params: Any, x: Any, approximate: str) -> torch.Tensor:
    return F.gelu(x, approximate=approximate)


def _jax_gelu(arguments: Any, params: Any, x: Any, approximate: bool) -> jax.Array:
    return jax.nn.gelu(x, approximate=approximate)


def _torch_silu(arguments: Any, params: Any, x: Any) -> torch.Tensor:
    return F.silu(x)


def _torch_rms_norm(arguments: Any, params: Any, x: Any, scale: Any) -> torch.Tensor:
    return F.rms_norm(x, scale.shape, scale, arguments["eps"])


def _flax_rms_norm(arguments: Any, params: Any, x: Any, scale: Any) -> jax.Array:
    module: Any = linen.RMSNorm(epsilon=arguments["eps"], use_fast_variance=False)
    return module.apply({"params": {"scale": scale}}, x)


def _torch_weighted(arguments: Any, params: Any, logits: Any, labels: Any, weights: Any) -> torch.Tensor:
    smoothing = arguments.get("smoothing", 0.0)  # -100 is its label to ignore
    each = F.cross_entropy(logits.mT, labels.long(), reduction="none", label_smoothing=smoothing)
    return (weights * each).sum() / weights.sum()


def _optax_weighted(arguments: Any, params: Any, logits: Any, labels: Any, weights: Any) -> jax.Array:
    certain = jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    smooth = optax.smooth_labels(certain, arguments["smoothing"])
    each = jnp.where(labels < 0, 0.0, optax.softmax_cross_entropy(logits, smooth))
    return (weights * each).sum() / weights.sum()


def _torch_layer_norm(arguments: Any, params: Any, x: Any, scale: Any, bias: Any) -> torch.Tensor:
    module = torch.nn.LayerNorm(x.shape[-1], eps=arguments["eps"], device="meta")
    return functional_call(module, {"weight": scale, "bias": bias}, x)


def _flax_layer_norm(arguments: Any, params: Any, x: Any, scale: Any, bias: Any) -> jax.Array:
    # Flax's fast variance, E[x^2] - E[x]^2, is its default, and loses digits.
    module: Any = linen.LayerNorm(epsilon=arguments["eps"], use_fast_variance=False)
    return module.apply({"params": {"scale": scale, "bias": bias}}, x)


def _torch_attention(
    arguments: Any, params: Any, query: Any, key: Any, value: Any, mask: Any = None
) -> torch.Tensor:
    return F.scaled_dot_product_attention(query, key, value, mask)


def _torch_single_head(arguments: Any, params: Any, x: Any, context: Any, mask: Any) -> torch.Tensor:
    query, key, value = (
        F.linear(source, params[f"{name}_projection/kernel"].T, params[f"{name}_projection/bias"])
        for name, source in (("query", x), ("key", context), ("value", context))
    )
    return F.scaled_dot_product_attention(query, key, value, mask)


def _multi_head_state(params: Mapping[str, torch.Tensor], ours: str, theirs: str) -> dict[str, torch.Tensor]:
    """The state of `torch.nn.MultiheadAttention`, which stacks query, key and value in one matrix."""
    kernels = [params[f"{ours}{name}/kernel"].flatten(1) for name in ("query", "key", "value")]
    biases = [params[f"{ours}{name}/bias"].flatten() for name in ("query", "key", "value")]
    return {
        f"{theirs}in_proj_weight": torch.cat(kernels, dim=1).T,
        f"{theirs}in_proj_bias": torch.cat(biases),
        f"{theirs}out_proj.weight": rearrange(params[f"{ours}output/kernel"], "h d e -> e (h d)"),
        f"{theirs}out_proj.bias": params[f"{ours}output/bias"],
    }


def _torch_multi_head(arguments: Any, params: Any, x: Any, context: Any, mask: Any = None) -> torch.Tensor:
    embed, heads = arguments["embed"], arguments["heads"]
    module = torch.nn.MultiheadAttention(embed, heads, batch_first=True, device="meta")
    masks = {}  # in PyTorch's modules, True hides a key
    if mask is not None:
        causal = len(mask) == 1
        masks = {"attn_mask": ~mask[0, 0]} if causal else {"key_padding_mask": ~mask[:, 0, 0]}
    state = _multi_head_state(params, "", "")
    return functional_call(module, state, (x, context, context), masks)[0]


def _flax_multi_head(arguments: Any, params: Any, x: Any, context: Any, mask: Any = None) -> jax.Array:
    module: Any = linen.MultiHeadDotProductAttention(arguments["heads"])
    theirs = {name.replace("output", "out"): parameter for name, parameter in params.items()}
    return module.apply({"params": unflatten_dict(theirs, sep="/")}, x, context, mask=mask)


def _torch_feed_forward(arguments: Any, params: Any, x: Any) -> torch.Tensor:
    embed, mlp = arguments["embed"], arguments["mlp"]
    with torch.device("meta"):
        up, down = torch.nn.Linear(embed, mlp), torch.nn.Linear(mlp, embed)
        module = torch.nn.Sequential(up, torch.nn.GELU(), down)
    state = {"0.weight": params["up/kernel"].T, "0.bias": params["up/bias"]}
    state |= {"2.weight": params["down/kernel"].T, "2.bias": params["down/bias"]}
    return functional_call(module, state, x)


def layer_state(params: Mapping[str, torch.Tensor], ours: str, theirs: str) -> dict[str, torch.Tensor]:
    """The state of one of PyTorch's encoder layers, or of its decoder layers if there is cross-attention."""
    state = _multi_head_state(params, f"{ours}attention/", f"{theirs}self_attn.")
    norms = ["attention_norm", "feed_forward_norm"]
    if f"{ours}cross_attention/query/kernel" in params:
        state |= _multi_head_state(params, f"{ours}cross_attention/", f"{theirs}multihead_attn.")
        norms.insert(1, "cross_attention_norm")
    for number, name in enumerate(("up", "down"), start=1):
        state[f"{theirs}linear{number}.weight"] = params[f"{ours}feed_forward/{name}/kernel"].T
        state[f"{theirs}linear{number}.bias"] = params[f"{ours}feed_forward/{name}/bias"]
    for number, name in enumerate(norms, start=1):
        state[f"{theirs}norm{number}.weight"] = params[f"{ours}{name}/scale"]
        state[f"{theirs}norm{number}.bias"] = params[f"{ours}{name}/bias"]
    return state


def new_layer(kind: Any, arguments: Any, norm: str, activation: str) -> Any:
    """One of PyTorch's encoder or decoder layers, without weights."""
    return kind(
        arguments["embed"],
        arguments["heads"],
        arguments["mlp"],
        dropout=0.0,
        activation=partial(F.gelu, approximate="tanh") if activation == "gelu_tanh" else activation,
        layer_norm_eps=arguments.get("eps", 1e-5),
        batch_first=True,
        norm_first=norm == "pre",
        device="meta",
    )


def _torch_encoder_layer(arguments: Any, params: Any, x: Any, mask: Any) -> torch.Tensor:
    norm, activation = arguments.get("norm_position", "pre"), arguments.get("activation", "gelu")
    module = new_layer(torch.nn.TransformerEncoderLayer, arguments, norm, activation)
    state = layer_state(params, "", "")
    return functional_call(module, state, x, {"src_key_padding_mask": ~mask[:, 0, 0]})


def _torch_decoder_layer(
    arguments: Any, params: Any, x: Any, context: Any, mask: Any, context_mask: Any
) -> torch.Tensor:
    module = new_layer(torch.nn.TransformerDecoderLayer, arguments, "post", arguments["activation"])
    masks = {"tgt_mask": ~mask[0, 0], "memory_key_padding_mask": ~context_mask[:, 0, 0]}
    return functional_call(module, layer_state(params, "", ""), (x, context), masks)


def _torch_transformer(
    arguments: Any, params: Any, source: Any, target: Any, source_mask: Any
) -> torch.Tensor:
    """`torch.nn.Transformer` without its two final norms, which the paper does not have."""
    embed, layers = arguments["embed"], arguments["layers"]
    encoder, decoder = (
        new_layer(kind, arguments, "post", "relu")
        for kind in (torch.nn.TransformerEncoderLayer, torch.nn.TransformerDecoderLayer)
    )
    module = torch.nn.Transformer(
        custom_encoder=torch.nn.TransformerEncoder(encoder, layers, enable_nested_tensor=False),
        custom_decoder=torch.nn.TransformerDecoder(decoder, layers),
        d_model=embed,
        nhead=arguments["heads"],
        batch_first=True,
        device="meta",
    )
    state: dict[str, torch.Tensor] = {}
    for side in ("encoder", "decoder"):
        for number in range(layers):
            state |= layer_state(params, f"{side}_{number}/", f"{side}.layers.{number}.")
    table = params["embeddings/token_embedding/embedding"]
    places = torch.arange(arguments["max_positions"], dtype=torch.float64)
    angles = places[:, None] / 10000.0 ** (torch.arange(0, embed, 2, dtype=torch.float64) / embed)
    waves = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1).to(table)

    def read(ids: torch.Tensor) -> torch.Tensor:
        return F.embedding(ids, table) * embed**0.5 + waves[: ids.shape[1]]

    padding = ~source_mask
    masks = {
        "tgt_mask": torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).triu(1),
        "src_key_padding_mask": padding,
        "memory_key_padding_mask": padding,
    }
    return functional_call(module, state, (read(source), read(target)), masks) @ table.T


def _torch_embedding(arguments: Any, params: Any, ids: Any) -> torch.Tensor:
    def embed(name: str, ids: torch.Tensor) -> torch.Tensor:
        table = params[f"{name}_embedding/embedding"]
        module = torch.nn.Embedding(len(table), table.shape[1], device="meta")
        return functional_call(module, {"weight": table}, ids)

    return embed("token", ids) + embed("position", torch.arange(ids.shape[1]))


def _flax_embedding(arguments: Any, params: Any, ids: Any) -> jax.Array:
    def embed(name: str, ids: jax.Array) -> jax.Array:
        table = params[f"{name}_embedding/embedding"]
        module: Any = linen.Embed(*table.shape)
        return module.apply({"params": {"embedding": table}}, ids)

    return embed("token", ids) + embed("position", jnp.arange(ids.shape[1]))[None]


def _torch_cross_entropy(arguments: Any, params: Any, logits: Any, labels: Any) -> torch.Tensor:
    return F.cross_entropy(logits, labels, label_smoothing=arguments["smoothing"])


def _optax_cross_entropy(arguments: Any, params: Any, logits: Any, labels: Any) -> jax.Array:
    certain = jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    smooth = optax.smooth_labels(certain, arguments["smoothing"])
    return optax.softmax_cross_entropy(logits, smooth).mean()


def _twin(name: str, **changes: Any) -> Twin:
    (twin,) = find_twins(name)
    return replace(twin, arguments={**twin.arguments, **changes}) if changes else twin


def _visible(name: str) -> Twin:
    """A twin with inputs in which every query sees a key.

    Where it sees none, our definition is zeros. PyTorch's `scaled_dot_product_attention` and
    `TransformerEncoderLayer` agree, and are compared on such rows. Its `MultiheadAttention` gives NaN there
    (with its default ``need_weights=True``), and Flax the mean of all values.
    """
    (twin,) = find_twins(name)

    def inputs(rng: np.random.Generator) -> Inputs:
        drawn = dict(twin.inputs(rng))
        if "mask" in drawn:
            drawn["mask"] = drawn["mask"].copy()
            drawn["mask"][..., 0] |= ~drawn["mask"].any(axis=-1)
        return drawn

    return replace(twin, inputs=inputs)


def _references() -> list[Reference]:
    sdpa, mha = "F.scaled_dot_product_attention", "torch.nn.MultiheadAttention"
    gelu, tanh, norm, entropy = (_twin(n) for n in ("gelu", "gelu_tanh", "layer_norm", "cross_entropy"))
    embeddings, smooth = _twin("embeddings"), _twin("weighted_cross_entropy_smooth")
    listed = [
        Reference("F.gelu", gelu, in_torch(partial(_torch_gelu, approximate="none"))),
        Reference("jax.nn.gelu", gelu, in_jax(partial(_jax_gelu, approximate=False))),
        Reference("F.gelu", tanh, in_torch(partial(_torch_gelu, approximate="tanh"))),
        Reference("jax.nn.gelu", tanh, in_jax(partial(_jax_gelu, approximate=True))),
        Reference("torch.nn.LayerNorm", norm, in_torch(_torch_layer_norm)),
        Reference("flax.linen.LayerNorm", norm, in_jax(_flax_layer_norm)),
        Reference("F.silu", _twin("silu"), in_torch(_torch_silu)),
        Reference("F.rms_norm", _twin("rms_norm"), in_torch(_torch_rms_norm)),
        Reference("flax.linen.RMSNorm", _twin("rms_norm"), in_jax(_flax_rms_norm)),
        Reference("F.cross_entropy", _twin("weighted_cross_entropy"), in_torch(_torch_weighted)),
        Reference("F.cross_entropy", smooth, in_torch(_torch_weighted)),
        Reference("optax.softmax_cross_entropy", smooth, in_jax(_optax_weighted)),
        Reference("torch.nn.Embedding", embeddings, in_torch(_torch_embedding)),
        Reference("flax.linen.Embed", embeddings, in_jax(_flax_embedding)),
        Reference("F.cross_entropy", entropy, in_torch(_torch_cross_entropy)),
        Reference("optax.softmax_cross_entropy", entropy, in_jax(_optax_cross_entropy)),
        Reference("torch.nn.Sequential", _twin("feed_forward"), in_torch(_torch_feed_forward)),
        Reference(sdpa, _twin("single_head"), in_torch(_torch_single_head)),
    ]
    for name in ("attention", "attention_padded", "attention_causal"):
        listed.append(Reference(sdpa, _twin(name), in_torch(_torch_attention)))
    for name in ("multi_head", "multi_head_padded", "multi_head_causal", "cross_attention"):
        twin = _visible(name)
        listed.append(Reference(mha, twin, in_torch(_torch_multi_head)))
        listed.append(Reference("flax.linen.MultiHeadDotProductAttention", twin, in_jax(_flax_multi_head)))
    relu = {"activation": "relu", "eps": 1e-12}
    for twin in (
        _twin("block_pre"),
        _twin("block_post"),
        replace(_twin("block_pre", **relu), name="block_pre_relu"),
        replace(_twin("block_post", **relu), name="block_post_relu"),
    ):
        listed.append(Reference("torch.nn.TransformerEncoderLayer", twin, in_torch(_torch_encoder_layer)))
    decoder = _twin("block_decoder")
    for twin in (decoder, replace(_twin("block_decoder", activation="relu"), name="block_decoder_relu")):
        listed.append(Reference("torch.nn.TransformerDecoderLayer", twin, in_torch(_torch_decoder_layer)))
    whole = _twin("encoder_decoder")
    listed.append(Reference("torch.nn.Transformer", whole, in_torch(_torch_transformer)))
    return listed


REFERENCES = tuple(_references())
