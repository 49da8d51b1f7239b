"""Pairs as people have them, of which the table is to be found: a reference, a port, and what is right.

``rows`` has by the candidate's name what the reference calls it, both without the layer's number: "#".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
import transformers
from flax import linen, nnx
from torch import nn

from jax_impl import config as settings
from jax_impl.bert import BertModel
from jax_impl.gpt import GPT
from parity_tests.pair import JaxModel, TorchModel

Inputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Pair:
    """Two models, and the right table by names."""

    reference: Any
    candidate: Any
    inputs: Inputs
    rows: Mapping[str, str]


def noisy(module: nn.Module, size: float = 0.1) -> nn.Module:
    """Every parameter, and every running statistic, off its initial value."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(size * torch.randn_like(parameter))
        for name, buffer in module.named_buffers():
            if "running" in name and buffer.is_floating_point():
                buffer.add_(size * torch.rand_like(buffer))
    return module


def ids(vocab: int, batch: int = 3, position: int = 6) -> Inputs:
    """Rows of different lengths."""
    rng = np.random.default_rng(0)
    lengths = np.array([position, position - 2, 1])[:batch, None]
    return {
        "ids": rng.integers(3, vocab, (batch, position)),
        "mask": np.arange(position) < lengths,
    }


def images(channels: int, side: int, batch: int = 2) -> Inputs:
    """Channels first."""
    return {"x": np.random.default_rng(0).standard_normal((batch, channels, side, side))}


BLOCK = {
    "attention/query": "attention.self.query",
    "attention/key": "attention.self.key",
    "attention/value": "attention.self.value",
    "attention/output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "feed_forward/up": "intermediate.dense",
    "feed_forward/down": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}
BERT = {
    "bert/embeddings/token_embedding/embedding": "embeddings.word_embeddings.weight",
    "bert/embeddings/position_embedding/embedding": "embeddings.position_embeddings.weight",
    "bert/embeddings/segment_embedding/embedding": "embeddings.token_type_embeddings.weight",
    "bert/embeddings/norm/scale": "embeddings.LayerNorm.weight",
    "bert/embeddings/norm/bias": "embeddings.LayerNorm.bias",
    "pooler/dense/kernel": "pooler.dense.weight",
    "pooler/dense/bias": "pooler.dense.bias",
} | {
    f"bert/blocks_#/{ours}/{leaf}": f"encoder.layer.#.{theirs}.{'bias' if leaf == 'bias' else 'weight'}"
    for ours, theirs in BLOCK.items()
    for leaf in (("scale", "bias") if "norm" in ours else ("kernel", "bias"))
}
SIZES: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 12,
    "num_attention_heads": 3,
    "num_hidden_layers": 2,
    "intermediate_size": 20,
    "max_position_embeddings": 16,
}
OURS: dict[str, Any] = {"vocab": 40, "max_positions": 16, "embed": 12, "heads": 3, "mlp": 20, "layers": 2}


GPT2: dict[str, Any] = {
    "vocab_size": 40,
    "n_embd": 12,
    "n_head": 3,
    "n_layer": 2,
    "n_inner": 20,
    "n_positions": 16,
    "bos_token_id": 0,
    "eos_token_id": 0,
}


def bert() -> Pair:
    reference = transformers.BertModel(transformers.BertConfig(**SIZES, attn_implementation="eager"))
    candidate = BertModel(settings.BertConfig(**OURS))
    return Pair(
        TorchModel(noisy(reference), lambda model, ids, mask: _features(model(ids, mask))),
        JaxModel(candidate, call=lambda model, ids, mask: tuple(model(ids, mask))),
        ids(40),
        BERT,
    )


def roberta() -> Pair:
    config = transformers.RobertaConfig(
        **SIZES | {"max_position_embeddings": 18},
        type_vocab_size=1,
        pad_token_id=1,
        attn_implementation="eager",
    )
    given = settings.BertConfig(**OURS, segments=1, position_offset=2)
    inputs = ids(40)
    return Pair(
        TorchModel(
            noisy(transformers.RobertaModel(config)),
            # Rows of padding have no gradients in the reference's tables: nothing may flow to them.
            lambda model, ids, mask: _real(*_features(model(ids.masked_fill(~mask, 1), mask)), mask),
        ),
        JaxModel(
            BertModel(given),
            call=lambda model, ids, mask: _real(*model(jnp.where(mask, ids, 1), mask), mask),
        ),
        inputs,
        BERT,
    )


def _real(hidden: Any, pooled: Any, mask: Any) -> tuple[Any, Any]:
    return hidden * mask[..., None], pooled


def _features(output: Any) -> tuple[Any, Any]:
    return output.last_hidden_state, output.pooler_output


def _language_model(reference: nn.Module, rows: Mapping[str, str], **config: Any) -> Pair:
    return Pair(
        TorchModel(noisy(reference), lambda model, ids: model(input_ids=ids).logits),
        JaxModel(GPT(settings.GPTConfig(**OURS | config))),
        {"ids": ids(40)["ids"]},
        rows,
    )


def gpt2() -> Pair:
    config = transformers.GPT2Config(**GPT2, attn_implementation="eager")
    parts = {
        "attention/output": "attn.c_proj",
        "attention_norm": "ln_1",
        "feed_forward_norm": "ln_2",
        "feed_forward/up": "mlp.c_fc",
        "feed_forward/down": "mlp.c_proj",
    }
    rows = {
        "embeddings/token_embedding/embedding": "transformer.wte.weight",
        "embeddings/position_embedding/embedding": "transformer.wpe.weight",
        "final_norm/scale": "transformer.ln_f.weight",
        "final_norm/bias": "transformer.ln_f.bias",
    }
    for ours, theirs in parts.items():
        first = "scale" if "norm" in ours else "kernel"
        rows[f"blocks_#/{ours}/{first}"] = f"transformer.h.#.{theirs}.weight"
        rows[f"blocks_#/{ours}/bias"] = f"transformer.h.#.{theirs}.bias"
    for part in ("query", "key", "value"):
        rows[f"blocks_#/attention/{part}/kernel"] = "transformer.h.#.attn.c_attn.weight"
        rows[f"blocks_#/attention/{part}/bias"] = "transformer.h.#.attn.c_attn.bias"
    return _language_model(transformers.GPT2LMHeadModel(config), rows)


LLAMA = {
    "attention/query/kernel": "self_attn.q_proj.weight",
    "attention/key/kernel": "self_attn.k_proj.weight",
    "attention/value/kernel": "self_attn.v_proj.weight",
    "attention/output/kernel": "self_attn.o_proj.weight",
    "attention_norm/scale": "input_layernorm.weight",
    "feed_forward_norm/scale": "post_attention_layernorm.weight",
    "feed_forward/gate/kernel": "mlp.gate_proj.weight",
    "feed_forward/up/kernel": "mlp.up_proj.weight",
    "feed_forward/down/kernel": "mlp.down_proj.weight",
}
ROTARY: dict[str, Any] = {
    "norm": "rms",
    "gated": True,
    "activation": "silu",
    "use_bias": False,
    "position_encoding": "rotary",
    "eps": 1e-6,
    "kv_heads": 1,
    "head_dim": 4,
}


def _llama_rows(tied: bool, more: Mapping[str, str]) -> dict[str, str]:
    rows = {
        "embeddings/token_embedding/embedding": "model.embed_tokens.weight",
        "final_norm/scale": "model.norm.weight",
    } | {f"blocks_#/{ours}": f"model.layers.#.{theirs}" for ours, theirs in {**LLAMA, **more}.items()}
    return rows if tied else rows | {"output_embedding/embedding": "lm_head.weight"}


def llama() -> Pair:
    config = transformers.LlamaConfig(
        **SIZES, num_key_value_heads=1, attn_implementation="eager", tie_word_embeddings=False
    )
    return _language_model(
        transformers.LlamaForCausalLM(config), _llama_rows(False, {}), tied=False, **ROTARY
    )


def qwen3() -> Pair:
    config = transformers.Qwen3Config(
        **SIZES, num_key_value_heads=1, head_dim=4, attn_implementation="eager", tie_word_embeddings=True
    )
    more = {
        "attention/query_norm/scale": "self_attn.q_norm.weight",
        "attention/key_norm/scale": "self_attn.k_norm.weight",
    }
    return _language_model(
        transformers.Qwen3ForCausalLM(config), _llama_rows(True, more), tied=True, qk_norm=True, **ROTARY
    )


class VitBlock(linen.Module):
    heads: int
    mlp: int

    @linen.compact
    def __call__(self, x: Any) -> Any:
        h = linen.LayerNorm(1e-12, name="before")(x)
        x = x + linen.MultiHeadDotProductAttention(self.heads, name="mixer")(h)
        h = linen.LayerNorm(1e-12, name="after")(x)
        h = jax.nn.gelu(linen.Dense(self.mlp, name="wide")(h), approximate=False)
        return x + linen.Dense(x.shape[-1], name="narrow")(h)


class Vit(linen.Module):
    """Patches by a convolution over channels-last images."""

    embed: int = 12

    @linen.compact
    def __call__(self, x: Any) -> Any:
        x = x.transpose(0, 2, 3, 1)
        x = linen.Conv(self.embed, (4, 4), (4, 4), padding="VALID", name="patches")(x)
        x = x.reshape(x.shape[0], -1, self.embed)
        first = self.param("cls", linen.initializers.normal(), (1, 1, self.embed))
        x = jnp.concatenate([jnp.broadcast_to(first, (x.shape[0], 1, self.embed)), x], 1)
        x = x + self.param("places", linen.initializers.normal(), (1, x.shape[1], self.embed))
        for n in range(2):
            x = VitBlock(3, 20, name=f"block{n}")(x)
        return linen.LayerNorm(1e-12, name="norm")(x)


def vit() -> Pair:
    config = transformers.ViTConfig(
        hidden_size=12,
        num_attention_heads=3,
        num_hidden_layers=2,
        intermediate_size=20,
        image_size=8,
        patch_size=4,
        num_channels=3,
        attn_implementation="eager",
    )
    rows = {
        "cls": "embeddings.cls_token",
        "places": "embeddings.position_embeddings",
        "patches/kernel": "embeddings.patch_embeddings.projection.weight",
        "patches/bias": "embeddings.patch_embeddings.projection.bias",
        "norm/scale": "layernorm.weight",
        "norm/bias": "layernorm.bias",
    }
    parts = {
        "before": "layers.#.layernorm_before",
        "after": "layers.#.layernorm_after",
        "mixer/query": "layers.#.attention.q_proj",
        "mixer/key": "layers.#.attention.k_proj",
        "mixer/value": "layers.#.attention.v_proj",
        "mixer/out": "layers.#.attention.o_proj",
        "wide": "layers.#.mlp.fc1",
        "narrow": "layers.#.mlp.fc2",
    }
    for ours, theirs in parts.items():
        first = "scale" if ours in ("before", "after") else "kernel"
        rows |= {f"block#/{ours}/{first}": f"{theirs}.weight", f"block#/{ours}/bias": f"{theirs}.bias"}
    reference = transformers.ViTModel(config, add_pooling_layer=False)
    return Pair(
        TorchModel(noisy(reference), lambda model, x: model(x).last_hidden_state), Vit(), images(3, 8), rows
    )


class TorchResidual(nn.Module):
    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.downsample = (
            nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))
            if stride != 1
            else nn.Identity()
        )

    def forward(self, x: Any) -> Any:
        h = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(h)) + self.downsample(x))


class TorchResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3, 1, 1, bias=False), nn.BatchNorm2d(6)
        self.layer1 = nn.Sequential(TorchResidual(6, 6, 1))
        self.layer2 = nn.Sequential(TorchResidual(6, 8, 2), TorchResidual(8, 8, 1))
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Any) -> Any:
        x = self.layer2(self.layer1(torch.relu(self.bn1(self.conv1(x)))))
        return self.fc(x.mean((2, 3)))


class Residual(nnx.Module):
    def __init__(self, inner: int, outer: int, stride: int, rngs: nnx.Rngs) -> None:
        conv: Any = {"use_bias": False, "rngs": rngs}
        self.conv_a = nnx.Conv(inner, outer, (3, 3), stride, padding=1, **conv)
        self.norm_a = nnx.BatchNorm(outer, rngs=rngs)
        self.conv_b = nnx.Conv(outer, outer, (3, 3), padding=1, **conv)
        self.norm_b = nnx.BatchNorm(outer, rngs=rngs)
        self.short = nnx.Conv(inner, outer, (1, 1), stride, **conv) if stride != 1 else None
        self.norm_short = nnx.BatchNorm(outer, rngs=rngs) if stride != 1 else None

    def __call__(self, x: Any) -> Any:
        h = jax.nn.relu(self.norm_a(self.conv_a(x)))
        if self.short is not None and self.norm_short is not None:
            x = self.norm_short(self.short(x))
        return jax.nn.relu(self.norm_b(self.conv_b(h)) + x)


class ResNet(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem = nnx.Conv(3, 6, (3, 3), padding=1, use_bias=False, rngs=rngs)
        self.stem_norm = nnx.BatchNorm(6, rngs=rngs)
        sizes = ((6, 6, 1), (6, 8, 2), (8, 8, 1))
        self.blocks = nnx.List([Residual(*size, rngs) for size in sizes])
        self.head = nnx.Linear(8, 5, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = jax.nn.relu(self.stem_norm(self.stem(x.transpose(0, 2, 3, 1))))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((1, 2)))


def resnet() -> Pair:
    rows = {"head/kernel": "fc.weight", "head/bias": "fc.bias", "stem/kernel": "conv1.weight"}
    norms = {"stem_norm": "bn1"}
    for number, block in enumerate(("layer1.0", "layer2.0", "layer2.1")):
        for ours, theirs in (("a", "1"), ("b", "2")):
            rows[f"blocks/{number}/conv_{ours}/kernel"] = f"{block}.conv{theirs}.weight"
            norms[f"blocks/{number}/norm_{ours}"] = f"{block}.bn{theirs}"
    rows["blocks/1/short/kernel"] = "layer2.0.downsample.0.weight"
    norms["blocks/1/norm_short"] = "layer2.0.downsample.1"
    for ours, theirs in norms.items():
        rows |= {f"{ours}/scale": f"{theirs}.weight", f"{ours}/bias": f"{theirs}.bias"}
        rows |= {f"{ours}/mean": f"{theirs}.running_mean", f"{ours}/var": f"{theirs}.running_var"}
    return Pair(noisy(TorchResNet()), ResNet(nnx.Rngs(0)), images(3, 8), rows)


class FlaxLSTM(linen.Module):
    @linen.compact
    def __call__(self, x: Any) -> Any:
        return linen.RNN(linen.LSTMCell(6, param_dtype=jnp.float64, name="cell"))(x)


def lstm() -> Pair:
    rows = {}
    for gate in "ifgo":
        rows[f"cell/i{gate}/kernel"] = "weight_ih_l0"
        rows[f"cell/h{gate}/kernel"] = "weight_hh_l0"
        rows[f"cell/h{gate}/bias"] = "bias_ih_l0 + bias_hh_l0"
    reference = TorchModel(noisy(nn.LSTM(4, 6, batch_first=True)), lambda model, x: model(x)[0])
    return Pair(reference, FlaxLSTM(), {"x": np.random.default_rng(0).standard_normal((3, 5, 4))}, rows)


class Relative(linen.Module):
    """T5's attention: no scale, and a bias by how far a key is."""

    heads: int = 3
    head_dim: int = 4

    @linen.compact
    def __call__(self, x: Any) -> Any:
        shape = (self.heads, self.head_dim)
        q, k, v = (linen.DenseGeneral(shape, use_bias=False, name=name)(x) for name in ("q", "k", "v"))
        steps = jnp.arange(x.shape[1])
        far = steps[None, :] - steps[:, None]
        bias = linen.Embed(32, self.heads, name="distance")(jnp.where(far > 0, 16 + far, -far))
        weights = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", q, k) + bias.transpose(2, 0, 1))
        read = jnp.einsum("bhqk,bkhd->bqhd", weights, v)
        return linen.DenseGeneral(x.shape[-1], axis=(-2, -1), use_bias=False, name="o")(read)


def t5_attention() -> Pair:
    from transformers.models.t5.modeling_t5 import T5Attention

    config = transformers.T5Config(d_model=12, d_kv=4, num_heads=3)
    reference = T5Attention(config, has_relative_attention_bias=True, layer_idx=0)
    rows = {f"{name}/kernel": f"{name}.weight" for name in "qkvo"}
    rows["distance/embedding"] = "relative_attention_bias.weight"
    return Pair(
        TorchModel(noisy(reference), lambda model, x: model(x)[0]),
        Relative(),
        {"x": np.random.default_rng(0).standard_normal((2, 5, 12))},
        rows,
    )


PAIRS: dict[str, Callable[[], Pair]] = {
    make.__name__: make for make in (bert, roberta, gpt2, llama, qwen3, vit, resnet, lstm, t5_attention)
}
