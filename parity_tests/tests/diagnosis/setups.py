"""What the small models do that mistakes are planted in: each other value of a field is a mistake."""

from dataclasses import dataclass

import numpy as np

EMBED, HEADS, MLP, VOCAB, POSITIONS = 12, 3, 20, 30, 9
BATCH, LENGTH = 4, 6


@dataclass(frozen=True)
class Encoder:
    """A layer of an encoder behind embeddings, with stock attention."""

    eps: float = 1e-5
    activation: str = "gelu"
    norm: str = "layer"
    """Or "rms", "unbiased", "1 + scale"."""
    skip: str = "x"
    """What attention is added to: "x", "normed", "none"."""
    post_norm: bool = False
    mask: str = "padding"
    """Or "inverted", "none"."""
    first: int = 0
    scaled: bool = False
    """Whether the embedded tokens are multiplied by the root of their width."""
    float32: bool = False
    """The linear layer behind the activation."""


@dataclass(frozen=True)
class Heads:
    """Causal attention with rotary positions, written by hand."""

    scale: float = 0.5
    """1 / sqrt(head_dim)."""
    rotary: str = "halves"
    """Or "interleaved", "none"."""
    first: int = 0
    base: float = 10_000.0
    split: str = "heads head_dim"
    merged: str = "heads head_dim"
    softmax: int = -1
    mask: str = "causal"
    """Or "none", "one ahead"."""
    taken: str = "qkv"
    float32: bool = False
    """The softmax."""


@dataclass(frozen=True)
class Convolutions:
    """Two convolutions, batch norm, pooling, and a linear layer on all pixels."""

    padding: tuple[int, int] = (1, 1)
    stride: int = 2
    eps: float = 1e-5
    statistics: str = "running"
    """Or "new", "batch"."""
    activation: str = "relu"
    pooling: str = "mean, padding counted"
    """Or "mean", "max"."""
    flatten: str = "c h w"


RNG = np.random.default_rng(0)
TEXT = {
    "ids": RNG.integers(0, VOCAB, (BATCH, LENGTH)),
    "mask": np.arange(LENGTH) < np.array([6, 4, 2, 1])[:, None],
}
VECTORS = {"x": RNG.standard_normal((BATCH, LENGTH, EMBED))}
IMAGES = {"x": RNG.standard_normal((3, 2, 8, 8))}
