"""Our twins: the functions and modules that exist in Flax and in PyTorch, and inputs to try them on."""

from typing import Any

from parity_tests.twins import inputs
from parity_tests.twins.inputs import (
    BATCH,
    CLASSES,
    CONTEXT,
    EMBED,
    HEADS,
    MLP,
    POSITION,
    VOCAB,
    Inputs,
    Twin,
)
from parity_tests.twins.models import MODELS, PARTS

__all__ = [
    "BATCH",
    "CLASSES",
    "CONTEXT",
    "EMBED",
    "HEADS",
    "MLP",
    "POSITION",
    "TWINS",
    "VOCAB",
    "Inputs",
    "Twin",
]

_PADDED = inputs.real_tokens(POSITION)[:, None, None, :]
_ATTENTION: dict[str, Any] = {"embed": EMBED, "heads": HEADS, "dropout": 0.2}
_BLOCK = _ATTENTION | {"mlp": MLP}
_EMBEDDING: dict[str, Any] = {"vocab": VOCAB, "positions": POSITION + 2, "embed": EMBED, "dropout": 0.2}
_CLASSIFIER = _EMBEDDING | {"classes": CLASSES, "heads": HEADS, "mlp": MLP, "layers": 2}
_SDPA, _MULTI = "attention.scaled_dot_product_attention", "attention.MultiHeadAttention"

TWINS = (
    Twin("gelu", "layers.gelu", inputs.hidden),
    Twin("gelu_tanh", "layers.gelu_tanh", inputs.hidden),
    Twin("relu", "layers.relu", inputs.hidden),
    Twin("layer_norm", "layers.layer_norm", inputs.norm, {"epsilon": 1e-5}),
    Twin("dropout", "layers.dropout", inputs.hidden, {"rate": 0.3}),
    Twin("causal_mask", "masks.causal_mask", lambda rng: {}, {"query": POSITION, "key": CONTEXT}),
    Twin("attention", _SDPA, inputs.heads(), {"rate": 0.2}),
    Twin(
        "attention_padded", _SDPA, inputs.heads(inputs.real_tokens(CONTEXT)[:, None, None, :]), {"rate": 0.2}
    ),
    Twin("attention_causal", _SDPA, inputs.heads(inputs.causal(POSITION, CONTEXT)), {"rate": 0.2}),
    Twin(
        "single_head",
        "attention.SingleHeadAttention",
        inputs.self_attention(inputs.real_tokens(POSITION)[:, None, :]),
        {"embed": EMBED, "head_dim": 4, "dropout": 0.2},
    ),
    Twin("multi_head", _MULTI, inputs.self_attention(), _ATTENTION),
    Twin("multi_head_padded", _MULTI, inputs.self_attention(_PADDED), _ATTENTION),
    Twin("multi_head_causal", _MULTI, inputs.self_attention(inputs.causal(POSITION, POSITION)), _ATTENTION),
    Twin("cross_attention", _MULTI, inputs.cross_attention, _ATTENTION),
    Twin("feed_forward", "layers.FeedForward", inputs.hidden, {"embed": EMBED, "mlp": MLP}),
    Twin("embeddings", "embeddings.TokenPositionEmbedding", inputs.ids, _EMBEDDING),
    Twin(
        "embeddings_sinusoidal",
        "embeddings.TokenPositionEmbedding",
        inputs.ids,
        _EMBEDDING | {"position": "sinusoidal"},
    ),
    Twin("block_pre", "block.TransformerBlock", inputs.block, _BLOCK),
    Twin(
        "block_post",
        "block.TransformerBlock",
        inputs.block,
        _BLOCK | {"norm": "post", "activation": "gelu_tanh"},
    ),
    Twin(
        "masked_mean",
        "classifier.masked_mean",
        lambda rng: inputs.hidden(rng) | {"mask": inputs.real_tokens(POSITION)},
    ),
    Twin("cross_entropy", "losses.cross_entropy", inputs.logits, {"smoothing": 0.1}),
    *PARTS,
    *MODELS,
    Twin("classifier", "classifier.TextClassifier", inputs.text, _CLASSIFIER, whole_model=True),
    Twin(
        "classifier_post",
        "classifier.TextClassifier",
        inputs.text,
        _CLASSIFIER | {"norm": "post", "position": "sinusoidal"},
        whole_model=True,
    ),
)
