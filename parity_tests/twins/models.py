"""The twins that are language models or translate, and the parts that only they use."""

from typing import Any

import numpy as np

from parity_tests.twins import inputs
from parity_tests.twins.architecture import Architecture
from parity_tests.twins.inputs import BATCH, CONTEXT, EMBED, HEADS, MLP, POSITION, VOCAB, Inputs, Twin

GROUPED_HEADS, KV_HEADS, MASKED = 6, 3, 3


def _segments(rng: np.random.Generator) -> Inputs:
    """Rows of two sentences, the second of which begins anywhere, or nowhere."""
    drawn = inputs.text(rng)
    begins = rng.integers(0, POSITION + 1, (len(drawn["ids"]), 1))
    return drawn | {"segment_ids": (np.arange(POSITION) >= begins).astype(np.int32)}


def _masked_words(rng: np.random.Generator) -> Inputs:
    drawn = _segments(rng)
    order = rng.permuted(np.tile(np.arange(POSITION), (len(drawn["ids"]), 1)), axis=1)
    return drawn | {"positions": np.sort(order[:, :MASKED], axis=1).astype(np.int32)}


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


def _grouped(rng: np.random.Generator) -> Inputs:
    angles = inputs.normal(rng, POSITION, EMBED // GROUPED_HEADS // 2)
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


_SIZES: dict[str, Any] = {"vocab": VOCAB, "positions": POSITION + 2, "embed": EMBED, "dropout": 0.2}
_MODEL = _SIZES | {"heads": HEADS, "mlp": MLP, "layers": 2}
_SHALLOW = _MODEL | {"layers": 1}  # the same blocks as in the deeper models, compiled in half the time
_BERT: dict[str, Any] = {"bert": Architecture("bert.Bert", _SHALLOW)}
_DEEP_BERT: dict[str, Any] = {"bert": Architecture("bert.Bert", _MODEL)}
_LLAMA: dict[str, Any] = {
    "norm": "pre",
    "activation": "silu",
    "position": "rotary",
    "epsilon": 1e-6,
    "tied": False,
    "kv_heads": KV_HEADS,
    "gated": True,
    "rms": True,
    "biased": False,
}

PARTS = (
    Twin("silu", "layers.silu", inputs.hidden),
    Twin(
        "rms_norm",
        "layers.rms_norm",
        lambda rng: {"x": inputs.hidden(rng)["x"], "scale": inputs.normal(rng, EMBED)},
        {"epsilon": 1e-5},
    ),
    Twin("banded_mask", "masks.banded_mask", lambda rng: {}, {"query": POSITION, "key": 9, "window": 3}),
    Twin(
        "grouped_query_rotary",
        "attention.MultiHeadAttention",
        _grouped,
        {"embed": EMBED, "heads": GROUPED_HEADS, "dropout": 0.2, "kv_heads": KV_HEADS, "biased": False},
    ),
    Twin(
        "feed_forward_gated",
        "layers.FeedForward",
        inputs.hidden,
        {"embed": EMBED, "mlp": MLP, "activation": "silu", "gated": True},
    ),
    Twin(
        "embeddings_segment", "embeddings.SegmentEmbedding", lambda rng: _without_mask(_segments(rng)), _SIZES
    ),
    Twin("pooler", "bert.Pooler", inputs.hidden, {"embed": EMBED}),
    Twin(
        "masked_words",
        "bert.MLMHead",
        lambda rng: inputs.hidden(rng) | {"table": inputs.normal(rng, VOCAB, EMBED)},
        {"vocab": VOCAB, "embed": EMBED},
    ),
    Twin(
        "block_decoder",
        "seq2seq.DecoderBlock",
        _decoded,
        {"embed": EMBED, "heads": HEADS, "mlp": MLP, "dropout": 0.2, "activation": "gelu"},
    ),
    Twin("weighted_cross_entropy", "losses.weighted_cross_entropy", _weighted_logits),
    Twin(
        "weighted_cross_entropy_smooth",
        "losses.weighted_cross_entropy",
        _weighted_logits,
        {"smoothing": 0.1},
    ),
    Twin("chunked_cross_entropy", "losses.chunked_cross_entropy", _chunked, {"chunk": 5}),
)


def _without_mask(drawn: Inputs) -> Inputs:
    return {name: array for name, array in drawn.items() if name != "mask"}


MODELS = (
    Twin("bert", "bert.Bert", _segments, _SHALLOW, whole_model=True),
    Twin("bert_features", "bert.BertModel", _segments, _BERT, whole_model=True),
    Twin("bert_masked_words", "bert.BertForMaskedLM", _masked_words, _BERT, whole_model=True),
    Twin("bert_pretraining", "bert.BertPretraining", _masked_words, _DEEP_BERT, whole_model=True),
    Twin("bert_classifier", "bert.BertClassifier", _segments, _BERT | {"classes": 4}, whole_model=True),
    Twin(
        "bert_classifier_mean",
        "bert.BertClassifier",
        _segments,
        _BERT | {"classes": 4, "pooling": "mean"},
        whole_model=True,
    ),
    Twin("gpt", "gpt.GPT", inputs.text, _MODEL, whole_model=True),
    Twin("gpt1", "gpt.GPT", inputs.text, _SHALLOW | {"norm": "post"}, whole_model=True),
    Twin("gpt3", "gpt.GPT", inputs.text, _MODEL | {"window": 3, "tied": False}, whole_model=True),
    Twin(
        "gpt_classifier",
        "gpt.GPTClassifier",
        inputs.text,
        {"gpt": Architecture("gpt.GPT", _SHALLOW), "classes": 4},
        whole_model=True,
    ),
    Twin("llama", "gpt.GPT", inputs.text, _SHALLOW | {"heads": GROUPED_HEADS} | _LLAMA, whole_model=True),
    Twin("encoder_decoder", "seq2seq.EncoderDecoder", _translated, _MODEL, whole_model=True),
)
