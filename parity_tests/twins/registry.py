"""The pairs: a function or module in Flax, its mirror in PyTorch, and the settings that build both."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import jax_impl.attention
import jax_impl.bert
import jax_impl.block
import jax_impl.embeddings
import jax_impl.fused_loss
import jax_impl.layers
import jax_impl.losses
import jax_impl.masks
import jax_impl.models
import jax_impl.ngrams
import jax_impl.pooling
import jax_impl.seq2seq
import torch_impl.attention
import torch_impl.bert
import torch_impl.block
import torch_impl.embeddings
import torch_impl.fused_loss
import torch_impl.layers
import torch_impl.losses
import torch_impl.masks
import torch_impl.models
import torch_impl.ngrams
import torch_impl.pooling
import torch_impl.seq2seq
from jax_impl import config
from jax_impl.config import (
    AttentionConfig,
    BertConfig,
    BlockConfig,
    EmbeddingConfig,
    FeedForwardConfig,
    NGramConfig,
)

CONFIGS = {"jax_impl": jax_impl.config, "torch_impl": torch_impl.config}


@dataclass(frozen=True)
class Pair:
    """What is compared. A module may be built from a dataclass of `jax_impl.config`."""

    jax: Any
    torch: Any
    config: type | None = None

    def build(self, package: str, arguments: Mapping[str, Any]) -> Any:
        """The module, or the function with its arguments held, from "jax_impl" or "torch_impl".

        Its file is asked for it again, so that a defect that was injected there is met.
        """
        target = self.jax if package == "jax_impl" else self.torch
        found = getattr(sys.modules[target.__module__], target.__name__)
        if self.config is not None:
            configs = CONFIGS[package]
            return found(configs.from_json(getattr(configs, self.config.__name__), arguments))
        return found(**arguments) if isinstance(found, type) else partial(found, **arguments)


def _pairs(jax: ModuleType, torch: ModuleType, *plain: str, **configs: type) -> dict[str, Pair]:
    """By name, those of one file: what takes arguments of its own, and what takes a config."""
    kinds = dict.fromkeys(plain) | configs
    return {name: Pair(getattr(jax, name), getattr(torch, name), kind) for name, kind in kinds.items()}


PARTS = {
    **_pairs(
        jax_impl.layers,
        torch_impl.layers,
        "gelu",
        "gelu_tanh",
        "relu",
        "silu",
        "layer_norm",
        "rms_norm",
        "dropout",
        FeedForward=FeedForwardConfig,
    ),
    **_pairs(jax_impl.masks, torch_impl.masks, "causal_mask", "banded_mask", "same_text_mask"),
    **_pairs(
        jax_impl.attention,
        torch_impl.attention,
        "scaled_dot_product_attention",
        "SingleHeadAttention",
        MultiHeadAttention=AttentionConfig,
    ),
    **_pairs(
        jax_impl.embeddings,
        torch_impl.embeddings,
        TokenPositionEmbedding=EmbeddingConfig,
        SegmentEmbedding=BertConfig,
    ),
    **_pairs(jax_impl.block, torch_impl.block, TransformerBlock=BlockConfig),
    **_pairs(jax_impl.seq2seq, torch_impl.seq2seq, DecoderBlock=BlockConfig),
    **_pairs(jax_impl.bert, torch_impl.bert, Pooler=BertConfig, MLMHead=BertConfig),
    **_pairs(jax_impl.ngrams, torch_impl.ngrams, NGramRatios=NGramConfig),
    **_pairs(jax_impl.pooling, torch_impl.pooling, "masked_mean", "packed_mean"),
    **_pairs(jax_impl.losses, torch_impl.losses, "cross_entropy", "weighted_cross_entropy"),
    **_pairs(jax_impl.fused_loss, torch_impl.fused_loss, "chunked_cross_entropy"),
}
MODELS = {
    name: Pair(module, torch_impl.models.MODELS[name], config.CONFIGS[name])
    for name, module in jax_impl.models.MODELS.items()
}
