"""A twin: what exists in Flax and in PyTorch under one name; and inputs to try twins on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import numpy as np

from parity_tests.runners.arrays import Inputs
from parity_tests.twins.registry import Pair


@dataclass(frozen=True)
class Twin:
    """A pair, its arguments, and inputs to try it on.

    ``arguments`` are the settings of a module's config, or build a module, or are held fixed in a function.
    ``inputs`` are passed by name; those of floating dtype get gradients.
    """

    name: str
    pair: Pair
    inputs: Callable[[np.random.Generator], Inputs]
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    whole_model: bool = False

    def build(self, package: str) -> Any:
        """The module, or the function with its arguments held, from "jax_impl" or "torch_impl"."""
        return self.pair.build(package, self.arguments)

    @property
    def has_dropout(self) -> bool:
        """Whether training differs from evaluation: it takes a key and has a rate above zero."""
        called = self.pair.jax.__call__ if isinstance(self.pair.jax, type) else self.pair.jax
        rate = self.arguments.get("dropout") or self.arguments.get("rate")
        return bool(rate) and "rng" in signature(called).parameters


BATCH, POSITION, CONTEXT, EMBED, HEADS, MLP, VOCAB, CLASSES = 8, 7, 5, 24, 3, 40, 31, 4
BUCKETS = 13


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape)


def real_tokens(position: int) -> np.ndarray:
    """Rows with no padding, with some, with one real token, and with none."""
    lengths = np.resize([position, position // 2, 0, position - 1, 1], BATCH)
    return np.arange(position)[None, :] < lengths[:, None]


def causal(query: int, key: int) -> np.ndarray:
    return np.tri(query, key, key - query, dtype=bool)[None, None]


def self_attention(mask: np.ndarray | None = None) -> Callable[[np.random.Generator], Inputs]:
    """x attends to itself under a mask; x is passed as the context too."""

    def inputs(rng: np.random.Generator) -> Inputs:
        x = normal(rng, BATCH, POSITION, EMBED)
        return {"x": x, "context": x} | ({} if mask is None else {"mask": mask})

    return inputs


def cross_attention(rng: np.random.Generator) -> Inputs:
    return {
        "x": normal(rng, BATCH, POSITION, EMBED),
        "context": normal(rng, BATCH, CONTEXT, EMBED),
        "mask": real_tokens(CONTEXT)[:, None, None, :],
    }


def heads(mask: np.ndarray | None = None) -> Callable[[np.random.Generator], Inputs]:
    """Queries, keys and values, already split into heads."""

    def inputs(rng: np.random.Generator) -> Inputs:
        query = normal(rng, BATCH, HEADS, POSITION, 4)
        key, value = (normal(rng, BATCH, HEADS, CONTEXT, size) for size in (4, 6))
        return {"query": query, "key": key, "value": value} | ({} if mask is None else {"mask": mask})

    return inputs


def hidden(rng: np.random.Generator) -> Inputs:
    return {"x": normal(rng, BATCH, POSITION, EMBED)}


def norm(rng: np.random.Generator) -> Inputs:
    return hidden(rng) | {"scale": normal(rng, EMBED), "bias": normal(rng, EMBED)}


def block(rng: np.random.Generator) -> Inputs:
    return hidden(rng) | {"mask": real_tokens(POSITION)[:, None, None, :]}


def ids(rng: np.random.Generator) -> Inputs:
    return {"ids": rng.integers(0, VOCAB, (BATCH, POSITION), dtype=np.int32)}


def text(rng: np.random.Generator) -> Inputs:
    return ids(rng) | {"mask": real_tokens(POSITION)}


def packed(rng: np.random.Generator) -> Inputs:
    """Five texts in three rows, one of which has padding."""
    text_ids = np.array([[0] * POSITION, [1] * 4 + [2] * 3, [3] + [4] * 2 + [-1] * (POSITION - 3)], np.int32)
    begins = np.diff(text_ids, axis=1, prepend=-2) != 0
    position_ids = np.arange(POSITION) - np.maximum.accumulate(begins * np.arange(POSITION), axis=1)
    real = text_ids >= 0
    return {
        "ids": np.where(real, rng.integers(0, VOCAB, real.shape), 0).astype(np.int32),
        "mask": real,
        "position_ids": np.where(real, position_ids, 0).astype(np.int32),
        "text_ids": text_ids,
        "lengths": np.bincount(text_ids[real]).astype(np.int32),
    }


def packed_tokens(rng: np.random.Generator) -> Inputs:
    """What a sum over such texts' tokens reads."""
    return {name: array for name, array in packed(rng).items() if name != "position_ids"}


def packed_states(rng: np.random.Generator) -> Inputs:
    """What the mean of such texts reads."""
    drawn = packed(rng)
    x = normal(rng, *drawn["ids"].shape, EMBED)
    return {"x": x, "text_ids": drawn["text_ids"], "lengths": drawn["lengths"]}


def logits(rng: np.random.Generator) -> Inputs:
    return {
        "logits": normal(rng, BATCH, CLASSES),
        "labels": rng.integers(0, CLASSES, BATCH, dtype=np.int64),
    }
