"""The original transformer: an encoder, and a decoder that reads what the encoder made of the source."""

import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.attention import MultiHeadAttention
from jax_impl.block import TransformerBlock
from jax_impl.cache import DecoderCache, KeyValue, empty_cache
from jax_impl.config import BlockConfig, Seq2SeqConfig
from jax_impl.embeddings import TokenPositionEmbedding, check_length
from jax_impl.layers import FeedForward, dropout, new_norm
from jax_impl.masks import causal_mask, padding_mask
from jax_impl.random import fold_in
from jax_impl.shapes import check_shapes
from jax_impl.taps import Tap, no_tap, within


class DecoderBlock(nn.Module):
    """One decoder layer: self-attention, attention over the context, feed-forward.

    Each is x = norm(x + dropout(f(x))) (Vaswani et al. 2017, sections 3.1 and 5.4). The masks are True where
    a position of x may look at another (causal), and at the context.
    """

    config: BlockConfig

    def setup(self) -> None:
        self.attention = MultiHeadAttention(self.config)
        self.attention_norm = new_norm(self.config)
        self.cross_attention = MultiHeadAttention(self.config)
        self.cross_attention_norm = new_norm(self.config)
        self.feed_forward = FeedForward(self.config)
        self.feed_forward_norm = new_norm(self.config)

    def __call__(
        self,
        x: Float[Array, "batch position embed"],
        context: Float[Array, "batch key embed"],
        mask: Bool[Array, "#batch #heads #position position"] | None = None,
        context_mask: Bool[Array, "#batch #heads #position key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch position embed"]:
        scope = within(tap, "attention")
        branch = self.attention(x, x, mask, fold_in(rng, 0), scope)
        x = self.add(self.attention_norm, x, branch, fold_in(rng, 1), tap, "attention_norm")
        scope = within(tap, "cross_attention")
        branch = self.cross_attention(x, context, context_mask, fold_in(rng, 2), scope)
        return self.finish(x, branch, rng, tap)

    def step(
        self,
        x: Float[Array, "batch position embed"],
        cache: KeyValue,
        start: int | Int[Array, ""],
        source: KeyValue,
        mask: Bool[Array, "#batch #heads #position capacity"],
        context_mask: Bool[Array, "#batch #heads #position key"] | None = None,
        tap: Tap = no_tap,
    ) -> tuple[Float[Array, "batch position embed"], KeyValue]:
        """`__call__` for positions from ``start`` on, after those in the cache; and the cache with them.

        ``source`` has the context's keys and values: `MultiHeadAttention.keys_values`.
        """
        scope = within(tap, "attention")
        branch, memory = self.attention.step(x, x, cache, start, mask, None, scope)
        x = self.add(self.attention_norm, x, branch, None, tap, "attention_norm")
        scope = within(tap, "cross_attention")
        query = self.cross_attention.queries(x, scope)
        branch = self.cross_attention.attend(query, source, context_mask, None, scope)
        return self.finish(x, branch, None, tap), memory

    def finish(
        self,
        x: Float[Array, "batch position embed"],
        branch: Float[Array, "batch position embed"],
        rng: Key[Array, ""] | None,
        tap: Tap,
    ) -> Float[Array, "batch position embed"]:
        """What follows what cross-attention read: its sum, then the feed-forward layer."""
        x = self.add(self.cross_attention_norm, x, branch, fold_in(rng, 3), tap, "cross_attention_norm")
        branch = self.feed_forward(x, within(tap, "feed_forward"))
        x = self.add(self.feed_forward_norm, x, branch, fold_in(rng, 4), tap, "feed_forward_norm")
        return tap("output", x, "batch position embed")

    def add(
        self,
        norm: nn.Module,
        x: Float[Array, "batch position embed"],
        branch: Float[Array, "batch position embed"],
        rng: Key[Array, ""] | None,
        tap: Tap,
        name: str,
    ) -> Float[Array, "batch position embed"]:
        """norm(x + dropout(branch))."""
        return tap(name, norm(x + dropout(branch, self.config.dropout, rng)), "batch position embed")


class EncoderDecoder(nn.Module):
    """Logits of each target position's next token, given the source (Vaswani et al. 2017, section 3).

    One matrix embeds source and target and is the output layer (section 3.4).

    ``source_mask`` is True at the source's real tokens. The target begins with a token that says so. Its
    padding follows its real tokens, so that none of these sees it, and needs no mask; the loss gives it
    weight 0.
    """

    config: Seq2SeqConfig

    def setup(self) -> None:
        self.embeddings = TokenPositionEmbedding(self.config)
        self.encoder = [TransformerBlock(self.config) for _ in range(self.config.layers)]
        self.decoder = [DecoderBlock(self.config) for _ in range(self.config.layers)]

    def __call__(
        self,
        source: Int[Array, "batch key"],
        target: Int[Array, "batch position"],
        source_mask: Bool[Array, "batch key"],
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch position vocab"]:
        axes = "batch key", "batch position"
        check_shapes(
            {}, source=(source, axes[0]), target=(target, axes[1]), source_mask=(source_mask, axes[0])
        )
        context = self.encode(source, source_mask, fold_in(rng, 0), tap)
        return self.decode(target, context, source_mask, fold_in(rng, 1), tap)

    def encode(
        self,
        source: Int[Array, "batch key"],
        source_mask: Bool[Array, "batch key"],
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch key embed"]:
        """The context for `decode`: once a source, however many tokens are decoded from it."""
        x = self.embeddings(source, fold_in(rng, 0), within(tap, "source_embeddings"))
        attention_mask = padding_mask(source_mask)
        for number, block in enumerate(self.encoder):
            x = block(x, attention_mask, fold_in(rng, number + 1), within(tap, f"encoder.{number}"))
        return x

    def decode(
        self,
        target: Int[Array, "batch position"],
        context: Float[Array, "batch key embed"],
        source_mask: Bool[Array, "batch key"],
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch position vocab"]:
        """Logits of each target position's next token, given the context that `encode` made."""
        x = self.embeddings(target, fold_in(rng, 0), within(tap, "target_embeddings"))
        mask, context_mask = causal_mask(target.shape[1], target.shape[1]), padding_mask(source_mask)
        for number, block in enumerate(self.decoder):
            scope = within(tap, f"decoder.{number}")
            x = block(x, context, mask, context_mask, fold_in(rng, number + 1), scope)
        return tap("logits", self.logits(x), "batch position vocab")

    def logits(self, x: Float[Array, "batch position embed"]) -> Float[Array, "batch position vocab"]:
        """The output layer, without bias."""
        return jnp.einsum("bpe,ve->bpv", x, self.embeddings.token_embedding.table())

    def empty_cache(
        self, context: Float[Array, "batch key embed"], capacity: int, dtype: DTypeLike = jnp.float32
    ) -> DecoderCache:
        """A cache for `step` of that many target tokens a row, with the context's keys and values."""
        config = self.config
        check_length(capacity, config)
        shape = (context.shape[0], config.key_heads, capacity, config.width)
        sources = tuple(block.cross_attention.keys_values(context) for block in self.decoder)
        return DecoderCache(*empty_cache(config.layers, shape, dtype), sources)

    def step(
        self,
        target: Int[Array, "batch position"],
        cache: DecoderCache,
        source_mask: Bool[Array, "batch key"],
        tap: Tap = no_tap,
    ) -> tuple[Float[Array, "batch position vocab"], DecoderCache]:
        """`decode` for target tokens that follow those in the cache.

        More tokens than the cache has capacity for must be caught before: the last would be overwritten.
        """
        start, capacity = cache.length, cache.layers[0].key.shape[2]
        x = self.embeddings(target, None, within(tap, "target_embeddings"), start)
        mask, context_mask = causal_mask(target.shape[1], capacity, start), padding_mask(source_mask)
        memories = []
        for number, block in enumerate(self.decoder):
            memory, source = cache.layers[number], cache.sources[number]
            scope = within(tap, f"decoder.{number}")
            x, memory = block.step(x, memory, start, source, mask, context_mask, scope)
            memories.append(memory)
        new_cache = DecoderCache(start + target.shape[1], tuple(memories), cache.sources)
        return tap("logits", self.logits(x), "batch position vocab"), new_cache
