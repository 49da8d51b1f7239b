"""Decoders that predict the next token: GPT-2 by default; GPT, GPT-3 and Llama by their arguments."""

import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.block import TransformerBlock
from jax_impl.cache import Cache, empty_cache
from jax_impl.config import GPTClassifierConfig, GPTConfig
from jax_impl.embeddings import TokenPositionEmbedding, check_length
from jax_impl.layers import Embedding, Linear, at_least_float32, dropout, new_norm, rotary_angles
from jax_impl.masks import banded_mask, causal_mask, padding_mask
from jax_impl.ngrams import NGramRatios
from jax_impl.random import fold_in
from jax_impl.shapes import check_shapes
from jax_impl.taps import Tap, no_tap, within


class GPT(nn.Module):
    """Logits of each position's next token.

    The defaults are GPT-2 (Radford et al. 2019, section 2.3): pre-norm, a final norm, the tanh GELU, and an
    output layer tied to the token embeddings. ``norm_position="post"`` is GPT (Radford et al. 2018). With
    ``window`` every other block, from the second on, sees only that many tokens back, as in GPT-3 (Brown et
    al. 2020, section 2.1); with ``window_every=1`` every one, as in Mistral (Jiang et al. 2023, section 2).
    Llama (Touvron et al. 2023, section 2.2) has rotary positions with base ``theta``, ``norm="rms"``, a
    ``gated`` "silu", ``use_bias=False``, ``kv_heads``; Qwen2 ``qkv_bias`` beside that, Qwen3 ``qk_norm``.
    """

    config: GPTConfig

    def setup(self) -> None:
        config = self.config
        self.embeddings = TokenPositionEmbedding(config)
        self.blocks = [TransformerBlock(config) for _ in range(config.layers)]
        if config.norm_position == "pre":
            self.final_norm = new_norm(config)
        if not config.tied:
            self.output_embedding = Embedding(config.vocab, config.embed, config.embedding_std)

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
        mask: Bool[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch position embed"]:
        """What the output layer reads. A loss can put it through `table` a few tokens at a time.

        ``mask`` is False at padding.
        """
        return self.read(ids, None, mask, rng, tap)[0]

    def read(
        self,
        ids: Int[Array, "batch position"],
        cache: Cache | None,
        mask: Bool[Array, "batch key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> tuple[Float[Array, "batch position embed"], Cache]:
        """`hidden` of tokens that follow those in the cache, and the cache with them."""
        config, length = self.config, ids.shape[1]
        start = 0 if cache is None else cache.length
        capacity = length if cache is None else cache.layers[0].key.shape[2]
        check_shapes({"key": capacity}, ids=(ids, "batch position"), mask=(mask, "batch key"))
        x = self.embeddings(ids, fold_in(rng, 0), within(tap, "embeddings"), start)
        angles = self.angles(x, start) if config.position_encoding == "rotary" else None
        attention_mask = local_mask = causal_mask(length, capacity, start)
        if config.window is not None:
            local_mask = banded_mask(length, capacity, config.window, start)
        if mask is not None:
            attention_mask, local_mask = (each & padding_mask(mask) for each in (attention_mask, local_mask))
        memories = []
        for number, block in enumerate(self.blocks):
            memory = None if cache is None else cache.layers[number]
            seen = local_mask if config.is_local(number) else attention_mask
            scope = within(tap, f"blocks.{number}")
            x, memory = block.step(x, memory, start, seen, fold_in(rng, number + 1), scope, angles)
            memories.append(memory)
        if config.norm_position == "pre":
            x = tap("final_norm", self.final_norm(x), "batch position embed")
        return x, Cache(jnp.asarray(start + length, jnp.int32), tuple(memories))

    def angles(
        self, x: Float[Array, "batch position embed"], start: int | Int[Array, ""]
    ) -> Float[Array, "position half"]:
        """By how much rotary positions turn the heads at each position of x."""
        config = self.config
        table = rotary_angles(config.max_positions, config.width, config.theta, config.rope_scaling)
        wide = jnp.asarray(table, at_least_float32(x).dtype)
        return jnp.take(wide, start + jnp.arange(x.shape[1], dtype=jnp.int32), axis=0)

    def table(self) -> Float[Array, "vocab embed"]:
        """The output layer's matrix, one row a token."""
        return (self.embeddings.token_embedding if self.config.tied else self.output_embedding).table()

    def logits(self, hidden: Float[Array, "batch position embed"]) -> Float[Array, "batch position vocab"]:
        """The output layer, without bias."""
        return jnp.einsum("bpe,ve->bpv", hidden, self.table())

    def empty_cache(self, batch: int, capacity: int, dtype: DTypeLike = jnp.float32) -> Cache:
        """A cache for `step` of that many tokens a row."""
        config = self.config
        check_length(capacity, config)
        return empty_cache(config.layers, (batch, config.key_heads, capacity, config.width), dtype)

    def step(
        self, ids: Int[Array, "batch position"], cache: Cache, tap: Tap = no_tap
    ) -> tuple[Float[Array, "batch position vocab"], Cache]:
        """`__call__` for tokens that follow those in the cache: many at first (the prompt), then one by one.

        More tokens than the cache has capacity for must be caught before: the last would be overwritten.
        """
        hidden, new_cache = self.read(ids, cache, None, None, tap)
        return tap("logits", self.logits(hidden), "batch position vocab"), new_cache


class GPTClassifier(nn.Module):
    """GPT to classify sequences (Radford et al. 2018, section 3.2): a linear layer on the last real token.

    Of a row without real tokens the layer reads zeros.
    """

    config: GPTClassifierConfig

    def setup(self) -> None:
        config = self.config
        self.gpt = GPT(config)
        self.head = Linear(config.embed, config.classes, std=config.kernel_std)
        if config.ngram_buckets:
            self.ngrams = NGramRatios(config)

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
        pooled = dropout(pooled, self.config.dropout, fold_in(rng, self.config.layers + 1))
        logits = self.head(pooled)
        if self.config.ngram_buckets:
            own_rng = fold_in(rng, self.config.layers + 2)
            logits = logits + self.ngrams(ids, mask, own_rng, within(tap, "ngrams"))
        return tap("logits", logits, "batch classes")
