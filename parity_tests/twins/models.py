"""The twins that are language models or translate, and the parts that only they use."""

from collections.abc import Callable
from typing import Any

import numpy as np

from parity_tests.twins import inputs, registry
from parity_tests.twins.inputs import (
    BATCH,
    BUCKETS,
    CONTEXT,
    EMBED,
    HEADS,
    MLP,
    POSITION,
    VOCAB,
    Inputs,
    Twin,
)
from parity_tests.twins.registry import PARTS as PAIRS

GROUPED_HEADS, KV_HEADS, MASKED = 6, 3, 3


def _segments(rng: np.random.Generator) -> Inputs:
    """Rows of two sentences, the second of which begins anywhere, or nowhere."""
    drawn = inputs.text(rng)
    begins = rng.integers(0, POSITION + 1, (len(drawn["ids"]), 1))
    return drawn | {"segment_ids": (np.arange(POSITION) >= begins).astype(np.int32)}


def _masked_words(rng: np.random.Generator) -> Inputs:
    drawn = _segments(rng)
    order = rng.permuted(np.tile(np.arange(POSITION), (len(drawn["ids"]), 1)), axis=1)
    return drawn | {"masked_positions": np.sort(order[:, :MASKED], axis=1).astype(np.int32)}


def _one_sentence(rng: np.random.Generator) -> Inputs:
    return {name: array for name, array in _masked_words(rng).items() if name != "segment_ids"}


def _weighted(rng: np.random.Generator) -> Inputs:
    """Labels of real tokens, of which some count half; -100, which is no label, at padding."""
    real = inputs.real_tokens(POSITION)
    labels = rng.integers(0, VOCAB, real.shape, dtype=np.int32)
    return {
        "labels": np.where(real, labels, np.int32(-100)),
        "weights": real * rng.choice([0.5, 1.0], real.shape),
    }


def _weighted_logits(rng: np.random.Generator) -> Inputs:
    return _weighted(rng) | {"logits": inputs.normal(rng, BATCH, POSITION, VOCAB)}


def _chunked(rng: np.random.Generator) -> Inputs:
    table, bias = inputs.normal(rng, VOCAB, EMBED), inputs.normal(rng, VOCAB)
    return _weighted(rng) | {"hidden": inputs.hidden(rng)["x"], "table": table, "bias": bias}


def _grouped(rng: np.random.Generator, head_dim: int = EMBED // GROUPED_HEADS) -> Inputs:
    angles = inputs.normal(rng, POSITION, head_dim // 2)
    return inputs.self_attention(inputs.causal(POSITION, POSITION))(rng) | {"angles": angles}


def _decoded(rng: np.random.Generator) -> Inputs:
    """What a decoder block reads: its own sequence up to each position, and the source's real tokens."""
    drawn = inputs.cross_attention(rng)
    return {
        "x": drawn["x"],
        "context": drawn["context"],
        "mask": inputs.causal(POSITION, POSITION),
        "context_mask": drawn["mask"],
    }


def _translated(rng: np.random.Generator) -> Inputs:
    """Sources with and without padding, some of which are nothing else, and their targets."""
    return {
        "source": rng.integers(0, VOCAB, (BATCH, CONTEXT), dtype=np.int32),
        "target": inputs.ids(rng)["ids"],
        "source_mask": inputs.real_tokens(CONTEXT),
    }


_SIZES: dict[str, Any] = {"vocab": VOCAB, "max_positions": POSITION + 2, "embed": EMBED, "dropout": 0.2}
_MODEL = _SIZES | {"heads": HEADS, "mlp": MLP, "layers": 2}
_SHALLOW = _MODEL | {"layers": 1}
_LLAMA: dict[str, Any] = {
    "heads": GROUPED_HEADS,
    "kv_heads": KV_HEADS,
    "norm": "rms",
    "eps": 1e-6,
    "activation": "silu",
    "gated": True,
    "use_bias": False,
    "position_encoding": "rotary",
    "tied": False,
}
# So that of the few pairs of a head one is slow, and one between slow and fast.
_SCALING: dict[str, Any] = {
    "kind": "llama3",
    "factor": 4.0,
    "low_freq_factor": 0.25,
    "high_freq_factor": 2.0,
    "original_max_positions": 8,
}
_LINEAR = {"kind": "linear", "factor": 2.0}

PARTS = (
    Twin("silu", PAIRS["silu"], inputs.hidden),
    Twin(
        "rms_norm",
        PAIRS["rms_norm"],
        lambda rng: {"x": inputs.hidden(rng)["x"], "scale": inputs.normal(rng, EMBED)},
        {"eps": 1e-5},
    ),
    Twin("banded_mask", PAIRS["banded_mask"], lambda rng: {}, {"query": POSITION, "key": 9, "window": 3}),
    Twin(
        "grouped_query_rotary",
        PAIRS["MultiHeadAttention"],
        _grouped,
        {"embed": EMBED, "heads": GROUPED_HEADS, "dropout": 0.2, "kv_heads": KV_HEADS, "use_bias": False},
    ),
    Twin(
        "feed_forward_gated",
        PAIRS["FeedForward"],
        inputs.hidden,
        {"embed": EMBED, "mlp": MLP, "activation": "silu", "gated": True},
    ),
    Twin(
        "attention_qk_norm",
        PAIRS["MultiHeadAttention"],
        lambda rng: _grouped(rng, 2 * EMBED // GROUPED_HEADS),
        {
            "embed": EMBED,
            "heads": GROUPED_HEADS,
            "head_dim": 2 * EMBED // GROUPED_HEADS,
            "kv_heads": KV_HEADS,
            "use_bias": False,
            "qkv_bias": True,
            "qk_norm": True,
        },
    ),
    Twin(
        "embeddings_segment",
        PAIRS["SegmentEmbedding"],
        lambda rng: _without_mask(_segments(rng)),
        _SHALLOW,
    ),
    Twin("pooler", PAIRS["Pooler"], inputs.hidden, _SHALLOW),
    Twin("pooler_relu", PAIRS["Pooler"], inputs.hidden, _SHALLOW | {"pooler_activation": "relu"}),
    Twin(
        "masked_words",
        PAIRS["MLMHead"],
        lambda rng: inputs.hidden(rng) | {"table": inputs.normal(rng, VOCAB, EMBED)},
        _SHALLOW,
    ),
    Twin(
        "block_decoder",
        PAIRS["DecoderBlock"],
        _decoded,
        {"embed": EMBED, "heads": HEADS, "mlp": MLP, "dropout": 0.2, "activation": "gelu"},
    ),
    Twin("weighted_cross_entropy", PAIRS["weighted_cross_entropy"], _weighted_logits),
    Twin(
        "weighted_cross_entropy_smooth",
        PAIRS["weighted_cross_entropy"],
        _weighted_logits,
        {"smoothing": 0.1},
    ),
    Twin("chunked_cross_entropy", PAIRS["chunked_cross_entropy"], _chunked, {"chunk": 5}),
)


def _without_mask(drawn: Inputs) -> Inputs:
    return {name: array for name, array in drawn.items() if name != "mask"}


def _whole(name: str, model: str, draw: Callable[[np.random.Generator], Inputs], **settings: Any) -> Twin:
    return Twin(name, registry.MODELS[model], draw, _MODEL | settings, whole_model=True)


def _shallow(name: str, model: str, draw: Callable[[np.random.Generator], Inputs], **settings: Any) -> Twin:
    """The same blocks as in the deeper models, compiled in half the time."""
    return _whole(name, model, draw, **{"layers": 1} | settings)


MODELS = (
    _shallow("bert", "bert", _segments),
    _shallow("bert_model", "bert_model", _segments),
    _shallow("bert_for_masked_lm", "bert_for_masked_lm", _masked_words),
    _whole("bert_pretraining", "bert_pretraining", _masked_words),
    _whole("bert_pretraining_lean", "bert_pretraining", _masked_words, lean=True),
    _shallow("bert_classifier", "bert_classifier", _segments, classes=4),
    _shallow("bert_classifier_mean", "bert_classifier", _segments, classes=4, pooling="mean"),
    _shallow(
        "bert_classifier_ngrams", "bert_classifier", inputs.text, classes=4, ngram_buckets=inputs.BUCKETS
    ),
    _shallow("roberta", "bert_for_masked_lm", _one_sentence, segments=1, position_offset=2),
    _shallow("distilbert", "bert_classifier", inputs.text, classes=4, segments=0, pooler_activation="relu"),
    _whole("gpt", "gpt", inputs.text),
    _shallow("gpt1", "gpt", inputs.text, norm_position="post"),
    _whole("gpt3", "gpt", inputs.text, window=3, tied=False),
    _shallow("gpt_classifier", "gpt_classifier", inputs.text, classes=4),
    _shallow("gpt_classifier_ngrams", "gpt_classifier", inputs.text, classes=4, ngram_buckets=BUCKETS),
    _shallow("llama", "gpt", inputs.text, **_LLAMA),
    _shallow("llama_scaled", "gpt", inputs.text, **_LLAMA, rope_scaling=_SCALING),
    _shallow("mistral", "gpt", inputs.text, **_LLAMA, window=3, window_every=1),
    _shallow("qwen2", "gpt", inputs.text, **_LLAMA, qkv_bias=True, rope_scaling=_LINEAR),
    _shallow("qwen3", "gpt", inputs.text, **_LLAMA, qk_norm=True, head_dim=6),
    _whole("encoder_decoder", "encoder_decoder", _translated),
)
