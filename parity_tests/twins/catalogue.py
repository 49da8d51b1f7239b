"""Our twins: the functions and modules that exist in Flax and in PyTorch, and inputs to try them on."""

from typing import Any

from parity_tests.twins import inputs, registry
from parity_tests.twins.inputs import BUCKETS, CLASSES, CONTEXT, EMBED, HEADS, MLP, POSITION, VOCAB, Twin
from parity_tests.twins.models import MODELS, PARTS
from parity_tests.twins.registry import PARTS as PAIRS

_PADDED = inputs.real_tokens(POSITION)[:, None, None, :]
_ATTENTION: dict[str, Any] = {"embed": EMBED, "heads": HEADS, "dropout": 0.2}
_BLOCK = _ATTENTION | {"mlp": MLP}
_EMBEDDING: dict[str, Any] = {"vocab": VOCAB, "max_positions": POSITION + 2, "embed": EMBED, "dropout": 0.2}
_CLASSIFIER = _EMBEDDING | {"classes": CLASSES, "heads": HEADS, "mlp": MLP, "layers": 2}
_NGRAMS = _EMBEDDING | {"classes": CLASSES, "ngram_buckets": BUCKETS}
_SDPA, _MULTI = PAIRS["scaled_dot_product_attention"], PAIRS["MultiHeadAttention"]

TWINS = (
    Twin("gelu", PAIRS["gelu"], inputs.hidden),
    Twin("gelu_tanh", PAIRS["gelu_tanh"], inputs.hidden),
    Twin("relu", PAIRS["relu"], inputs.hidden),
    Twin("layer_norm", PAIRS["layer_norm"], inputs.norm, {"eps": 1e-5}),
    Twin("dropout", PAIRS["dropout"], inputs.hidden, {"rate": 0.3}),
    Twin("causal_mask", PAIRS["causal_mask"], lambda rng: {}, {"query": POSITION, "key": CONTEXT}),
    Twin("same_text_mask", PAIRS["same_text_mask"], lambda rng: {"text_ids": inputs.packed(rng)["text_ids"]}),
    Twin("attention", _SDPA, inputs.heads(), {"rate": 0.2}),
    Twin(
        "attention_padded", _SDPA, inputs.heads(inputs.real_tokens(CONTEXT)[:, None, None, :]), {"rate": 0.2}
    ),
    Twin("attention_causal", _SDPA, inputs.heads(inputs.causal(POSITION, CONTEXT)), {"rate": 0.2}),
    Twin(
        "single_head",
        PAIRS["SingleHeadAttention"],
        inputs.self_attention(inputs.real_tokens(POSITION)[:, None, :]),
        {"embed": EMBED, "head_dim": 4, "dropout": 0.2},
    ),
    Twin("multi_head", _MULTI, inputs.self_attention(), _ATTENTION),
    Twin("multi_head_padded", _MULTI, inputs.self_attention(_PADDED), _ATTENTION),
    Twin("multi_head_causal", _MULTI, inputs.self_attention(inputs.causal(POSITION, POSITION)), _ATTENTION),
    Twin("cross_attention", _MULTI, inputs.cross_attention, _ATTENTION),
    Twin("feed_forward", PAIRS["FeedForward"], inputs.hidden, {"embed": EMBED, "mlp": MLP}),
    Twin("embeddings", PAIRS["TokenPositionEmbedding"], inputs.ids, _EMBEDDING),
    Twin(
        "embeddings_sinusoidal",
        PAIRS["TokenPositionEmbedding"],
        inputs.ids,
        _EMBEDDING | {"position_encoding": "sinusoidal"},
    ),
    Twin("block_pre", PAIRS["TransformerBlock"], inputs.block, _BLOCK),
    Twin(
        "block_post",
        PAIRS["TransformerBlock"],
        inputs.block,
        _BLOCK | {"norm_position": "post", "activation": "gelu_tanh"},
    ),
    Twin(
        "masked_mean",
        PAIRS["masked_mean"],
        lambda rng: inputs.hidden(rng) | {"mask": inputs.real_tokens(POSITION)},
    ),
    Twin("packed_mean", PAIRS["packed_mean"], inputs.packed_states),
    Twin("ngram_ratios", PAIRS["NGramRatios"], inputs.text, _NGRAMS),
    Twin("ngram_ratios_packed", PAIRS["NGramRatios"], inputs.packed_tokens, _NGRAMS),
    Twin("cross_entropy", PAIRS["cross_entropy"], inputs.logits, {"smoothing": 0.1}),
    *PARTS,
    *MODELS,
    Twin("classifier", registry.MODELS["classifier"], inputs.text, _CLASSIFIER, whole_model=True),
    Twin("classifier_packed", registry.MODELS["classifier"], inputs.packed, _CLASSIFIER, whole_model=True),
    Twin(
        "classifier_ngrams",
        registry.MODELS["classifier"],
        inputs.packed,
        _CLASSIFIER | {"layers": 1, "ngram_buckets": BUCKETS},
        whole_model=True,
    ),
    Twin(
        "classifier_post",
        registry.MODELS["classifier"],
        inputs.text,
        _CLASSIFIER | {"norm_position": "post", "position_encoding": "sinusoidal"},
        whole_model=True,
    ),
)
