"""Decoders that predict the next token: GPT-2 by default; GPT, GPT-3 and Llama by their arguments."""

import math

import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.block import TransformerBlock
from jax_impl.cache import Cache, empty_cache, remember
from jax_impl.embeddings import TokenPositionEmbedding
from jax_impl.layers import (
    Embedding,
    LayerNorm,
    Linear,
    RMSNorm,
    at_least_float32,
    dropout,
    rotary_angles,
)
from jax_impl.masks import banded_mask, causal_mask, padding_mask
from jax_impl.random import fold_in
from jax_impl.taps import Tap, no_tap, within

STD = 0.02  # of all initial matrices (Radford et al. 2018, section 4.1)


class GPT(nn.Module):
    """Logits of each position's next token.

    The defaults are GPT-2 (Radford et al. 2019, section 2.3): pre-norm, a final norm, the tanh GELU, and an
    output layer tied to the token embeddings. ``norm="post"`` is GPT (Radford et al. 2018). With ``window``
    every other block, from the second on, sees only that many tokens back, as in GPT-3 (Brown et al. 2020,
    section 2.1). Llama (Touvron et al. 2023, section 2.2) is ``position="rotary"`` with base ``theta``,
    ``rms``, ``gated`` with the activation "silu", ``biased=False``, ``kv_heads``.
    """

    vocab: int
    positions: int
    embed: int
    heads: int
    mlp: int
    layers: int
    dropout: float = 0.0
    norm: str = "pre"
    activation: str = "gelu_tanh"
    position: str = "learned"
    epsilon: float = 1e-5
    tied: bool = True
    window: int | None = None
    kv_heads: int | None = None
    gated: bool = False
    rms: bool = False
    biased: bool = True
    theta: float = 10000.0

    def setup(self) -> None:
        added = "none" if self.position == "rotary" else self.position
        self.embeddings = TokenPositionEmbedding(self.vocab, self.positions, self.embed, self.dropout, added)
        self.blocks = [
            TransformerBlock(
                self.embed,
                self.heads,
                self.mlp,
                self.dropout,
                self.norm,
                self.activation,
                self.epsilon,
                self.kv_heads,
                self.gated,
                self.rms,
                self.biased,
                STD,
                STD / math.sqrt(2 * self.layers),  # two branches a layer are summed (Radford et al. 2019)
            )
            for _ in range(self.layers)
        ]
        if self.norm == "pre":
            self.final_norm = (RMSNorm if self.rms else LayerNorm)(self.embed, self.epsilon)
        if not self.tied:
            self.output_embedding = Embedding(self.vocab, self.embed, STD)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch position vocab"]:
        return tap("logits", self.logits(self.hidden(ids, mask, rng, tap)), "batch position vocab")

    def hidden(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        start: int | Int[Array, ""] = 0,
        keys: int | None = None,
    ) -> Float[Array, "batch position embed"]:
        """What the output layer reads. A loss can put it through `table` a few tokens at a time.

        ``mask`` is False at padding. ``start`` is the position of the first token, ``keys`` how many tokens
        attention has before it: with a cache, other than the ones that are given.
        """
        x = self.embeddings(ids, fold_in(rng, 0), within(tap, "embeddings"), start)
        angles = self.angles(x, start) if self.position == "rotary" else None
        for number, block in enumerate(self.blocks):
            scope = within(tap, f"blocks.{number}")
            sees = self.sees(number, ids.shape[1], keys, start)
            if mask is not None:
                sees = sees & padding_mask(mask)
            x = block(x, sees, fold_in(rng, number + 1), scope, angles)
        if self.norm == "pre":
            x = tap("final_norm", self.final_norm(x), "batch position embed")
        return x

    def sees(
        self, number: int, query: int, key: int | None, start: int | Int[Array, ""]
    ) -> Bool[Array, "1 1 query key"]:
        """Which keys the queries of block ``number`` see, padding aside."""
        key = query if key is None else key
        if self.window is not None and number % 2:
            return banded_mask(query, key, self.window, start)
        return causal_mask(query, key, start)

    def angles(
        self, x: Float[Array, "batch position embed"], start: int | Int[Array, ""]
    ) -> Float[Array, "position half"]:
        """By how much rotary positions turn the heads at each position of x."""
        table = rotary_angles(self.positions, self.embed // self.heads, self.theta)
        wide = jnp.asarray(table, at_least_float32(x).dtype)
        return jnp.take(wide, start + jnp.arange(x.shape[1], dtype=jnp.int32), axis=0)

    def table(self) -> Float[Array, "vocab embed"]:
        """The output layer's matrix, one row a token."""
        return (self.embeddings.token_embedding if self.tied else self.output_embedding).table()

    def logits(self, hidden: Float[Array, "batch position embed"]) -> Float[Array, "batch position vocab"]:
        """The output layer, without bias."""
        return jnp.einsum("bpe,ve->bpv", hidden, self.table())

    def empty_cache(self, batch: int, room: int, dtype: DTypeLike = jnp.float32) -> Cache:
        """A cache for `step`, with room for that many tokens a row."""
        if room > self.positions:
            raise ValueError(f"room={room} for tokens, but the model has positions={self.positions}")
        heads = self.heads if self.kv_heads is None else self.kv_heads
        return empty_cache(self.layers, (batch, heads, room, self.embed // self.heads), dtype)

    def step(
        self, ids: Int[Array, "batch position"], cache: Cache, tap: Tap = no_tap
    ) -> tuple[Float[Array, "batch position vocab"], Cache]:
        """`__call__` for tokens that follow those in the cache: many at first (the prompt), then one by one.

        More tokens than the cache has room for must be caught before: the last would be overwritten.
        """
        keeping, grown = remember(cache, tap)
        room = cache["blocks.0/attention/key"].shape[2]
        hidden = self.hidden(ids, None, None, keeping, cache["length"], room)
        grown["length"] = cache["length"] + ids.shape[1]
        return tap("logits", self.logits(hidden), "batch position vocab"), grown


class GPTClassifier(nn.Module):
    """GPT to classify sequences (Radford et al. 2018, section 3.2): a linear layer on the last real token.

    Of a row without real tokens the layer reads zeros.
    """

    gpt: GPT
    classes: int

    def setup(self) -> None:
        self.head = Linear(self.gpt.embed, self.classes, std=STD)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"],
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch classes"]:
        x = self.gpt.hidden(ids, mask, rng, within(tap, "gpt"))
        last = jnp.maximum(mask.sum(axis=1, dtype=jnp.int32) - 1, 0)
        pooled = jnp.where(mask.any(axis=1)[:, None], x[jnp.arange(x.shape[0]), last], 0.0)
        pooled = tap("pooled", pooled, "batch embed")
        pooled = dropout(pooled, self.gpt.dropout, fold_in(rng, self.gpt.layers + 1))
        return tap("logits", self.head(pooled), "batch classes")
