"""Our twins: the functions and modules that exist in Flax and in PyTorch, and inputs to try them on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

Inputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Twin:
    """One name in one file of both implementations, its arguments, and inputs to try it on.

    ``target`` is "file.name"; ``arguments`` build a module, or are held fixed in a function. ``inputs`` are
    passed by name; those of floating dtype get gradients.
    """

    name: str
    target: str
    inputs: Callable[[np.random.Generator], Inputs]
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    whole_model: bool = False

    def build(self, package: str) -> Any:
        """The module, or the function with its arguments held, from "jax_impl" or "torch_impl"."""
        file, name = self.target.split(".")
        found = getattr(import_module(f"{package}.{file}"), name)
        return found(**self.arguments) if isinstance(found, type) else partial(found, **self.arguments)

    @property
    def has_dropout(self) -> bool:
        """Whether training differs from evaluation: it takes a key and has a rate above zero."""
        return bool(self.arguments.get("dropout") or self.arguments.get("rate"))


BATCH, POSITION, CONTEXT, EMBED, HEADS, MLP, VOCAB, CLASSES = 8, 7, 5, 24, 3, 40, 31, 4


def _normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape)


def _real_tokens(position: int) -> np.ndarray:
    """Rows with no padding, with some, with one real token, and with none."""
    lengths = np.resize([position, position // 2, 0, position - 1, 1], BATCH)
    return np.arange(position)[None, :] < lengths[:, None]


def _causal(query: int, key: int) -> np.ndarray:
    return np.tri(query, key, key - query, dtype=bool)[None, None]


def _self(mask: np.ndarray | None = None) -> Callable[[np.random.Generator], Inputs]:
    """x attends to itself under a mask; x is passed as the context too."""

    def inputs(rng: np.random.Generator) -> Inputs:
        x = _normal(rng, BATCH, POSITION, EMBED)
        return {"x": x, "context": x} | ({} if mask is None else {"mask": mask})

    return inputs


def _cross(rng: np.random.Generator) -> Inputs:
    return {
        "x": _normal(rng, BATCH, POSITION, EMBED),
        "context": _normal(rng, BATCH, CONTEXT, EMBED),
        "mask": _real_tokens(CONTEXT)[:, None, None, :],
    }


def _heads(mask: np.ndarray | None = None) -> Callable[[np.random.Generator], Inputs]:
    """Queries, keys and values, already split into heads."""

    def inputs(rng: np.random.Generator) -> Inputs:
        query = _normal(rng, BATCH, HEADS, POSITION, 4)
        key, value = (_normal(rng, BATCH, HEADS, CONTEXT, size) for size in (4, 6))
        return {"query": query, "key": key, "value": value} | ({} if mask is None else {"mask": mask})

    return inputs


def _hidden(rng: np.random.Generator) -> Inputs:
    return {"x": _normal(rng, BATCH, POSITION, EMBED)}


def _norm(rng: np.random.Generator) -> Inputs:
    return _hidden(rng) | {"scale": _normal(rng, EMBED), "bias": _normal(rng, EMBED)}


def _block(rng: np.random.Generator) -> Inputs:
    return _hidden(rng) | {"mask": _real_tokens(POSITION)[:, None, None, :]}


def _ids(rng: np.random.Generator) -> Inputs:
    return {"ids": rng.integers(0, VOCAB, (BATCH, POSITION), dtype=np.int32)}


def _text(rng: np.random.Generator) -> Inputs:
    return _ids(rng) | {"mask": _real_tokens(POSITION)}


def _logits(rng: np.random.Generator) -> Inputs:
    return {
        "logits": _normal(rng, BATCH, CLASSES),
        "labels": rng.integers(0, CLASSES, BATCH, dtype=np.int64),
    }


_PADDED = _real_tokens(POSITION)[:, None, None, :]
_ATTENTION: dict[str, Any] = {"embed": EMBED, "heads": HEADS, "dropout": 0.2}
_BLOCK = _ATTENTION | {"mlp": MLP}
_EMBEDDING: dict[str, Any] = {"vocab": VOCAB, "positions": POSITION + 2, "embed": EMBED, "dropout": 0.2}
_CLASSIFIER = _EMBEDDING | {"classes": CLASSES, "heads": HEADS, "mlp": MLP, "layers": 2}
_SDPA, _MULTI = "attention.scaled_dot_product_attention", "attention.MultiHeadAttention"

TWINS = (
    Twin("gelu", "layers.gelu", _hidden),
    Twin("gelu_tanh", "layers.gelu_tanh", _hidden),
    Twin("relu", "layers.relu", _hidden),
    Twin("layer_norm", "layers.layer_norm", _norm, {"epsilon": 1e-5}),
    Twin("dropout", "layers.dropout", _hidden, {"rate": 0.3}),
    Twin("causal_mask", "masks.causal_mask", lambda rng: {}, {"query": POSITION, "key": CONTEXT}),
    Twin("attention", _SDPA, _heads(), {"rate": 0.2}),
    Twin("attention_padded", _SDPA, _heads(_real_tokens(CONTEXT)[:, None, None, :]), {"rate": 0.2}),
    Twin("attention_causal", _SDPA, _heads(_causal(POSITION, CONTEXT)), {"rate": 0.2}),
    Twin(
        "single_head",
        "attention.SingleHeadAttention",
        _self(_real_tokens(POSITION)[:, None, :]),
        {"embed": EMBED, "head_dim": 4, "dropout": 0.2},
    ),
    Twin("multi_head", _MULTI, _self(), _ATTENTION),
    Twin("multi_head_padded", _MULTI, _self(_PADDED), _ATTENTION),
    Twin("multi_head_causal", _MULTI, _self(_causal(POSITION, POSITION)), _ATTENTION),
    Twin("cross_attention", _MULTI, _cross, _ATTENTION),
    Twin("feed_forward", "layers.FeedForward", _hidden, {"embed": EMBED, "mlp": MLP}),
    Twin("embeddings", "embeddings.TokenPositionEmbedding", _ids, _EMBEDDING),
    Twin(
        "embeddings_sinusoidal",
        "embeddings.TokenPositionEmbedding",
        _ids,
        _EMBEDDING | {"position": "sinusoidal"},
    ),
    Twin("block_pre", "block.TransformerBlock", _block, _BLOCK),
    Twin(
        "block_post",
        "block.TransformerBlock",
        _block,
        _BLOCK | {"norm": "post", "activation": "gelu_tanh"},
    ),
    Twin(
        "masked_mean",
        "classifier.masked_mean",
        lambda rng: _hidden(rng) | {"mask": _real_tokens(POSITION)},
    ),
    Twin("cross_entropy", "losses.cross_entropy", _logits, {"smoothing": 0.1}),
    Twin("classifier", "classifier.TextClassifier", _text, _CLASSIFIER, whole_model=True),
    Twin(
        "classifier_post",
        "classifier.TextClassifier",
        _text,
        _CLASSIFIER | {"norm": "post", "position": "sinusoidal"},
        whole_model=True,
    ),
)
