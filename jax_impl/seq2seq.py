"""The original transformer: an encoder, and a decoder that reads what the encoder made of the source."""

import math

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.attention import MultiHeadAttention
from jax_impl.block import TransformerBlock
from jax_impl.embeddings import TokenPositionEmbedding
from jax_impl.layers import FeedForward, LayerNorm, dropout
from jax_impl.masks import causal_mask, padding_mask
from jax_impl.random import fold_in
from jax_impl.taps import Tap, no_tap, within


class DecoderBlock(nn.Module):
    """One decoder layer: self-attention, attention over the context, feed-forward.

    Each is x = norm(x + dropout(f(x))) (Vaswani et al. 2017, sections 3.1 and 5.4). The masks are True where
    a position of x may look at another (causal), and at the context.
    """

    embed: int
    heads: int
    mlp: int
    dropout: float = 0.0
    activation: str = "relu"

    def setup(self) -> None:
        self.attention = MultiHeadAttention(self.embed, self.heads, self.dropout)
        self.attention_norm = LayerNorm(self.embed)
        self.cross_attention = MultiHeadAttention(self.embed, self.heads, self.dropout)
        self.cross_attention_norm = LayerNorm(self.embed)
        self.feed_forward = FeedForward(self.embed, self.mlp, self.activation)
        self.feed_forward_norm = LayerNorm(self.embed)

    def __call__(
        self,
        x: Float[Array, "batch position embed"],
        context: Float[Array, "batch key embed"],
        mask: Bool[Array, "#batch #heads #position position"] | None = None,
        context_mask: Bool[Array, "#batch #heads #position key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch position embed"]:
        axes = "batch position embed"
        branch = self.attention(x, x, mask, fold_in(rng, 0), within(tap, "attention"))
        x = x + dropout(branch, self.dropout, fold_in(rng, 1))
        x = tap("attention_norm", self.attention_norm(x), axes)
        scope = within(tap, "cross_attention")
        branch = self.cross_attention(x, context, context_mask, fold_in(rng, 2), scope)
        x = x + dropout(branch, self.dropout, fold_in(rng, 3))
        x = tap("cross_attention_norm", self.cross_attention_norm(x), axes)
        branch = self.feed_forward(x, within(tap, "feed_forward"))
        x = x + dropout(branch, self.dropout, fold_in(rng, 4))
        x = tap("feed_forward_norm", self.feed_forward_norm(x), axes)
        return tap("output", x, axes)


class EncoderDecoder(nn.Module):
    """Logits of each target position's next token, given the source (Vaswani et al. 2017, section 3).

    One matrix embeds source and target and is the output layer (section 3.4). Its initial deviation is
    1 / sqrt(embed), as in the authors' code: the embeddings, multiplied by sqrt(embed), begin at deviation 1.

    ``source_mask`` is True at the source's real tokens. The target begins with a token that says so. Its
    padding follows its real tokens, so that none of these sees it, and needs no mask; the loss gives it
    weight 0.
    """

    vocab: int
    positions: int
    embed: int
    heads: int
    mlp: int
    layers: int
    dropout: float = 0.0

    def setup(self) -> None:
        sizes = (self.embed, self.heads, self.mlp, self.dropout)
        std = 1.0 / math.sqrt(self.embed)
        self.embeddings = TokenPositionEmbedding(
            self.vocab, self.positions, self.embed, self.dropout, "sinusoidal", std
        )
        self.encoder = [TransformerBlock(*sizes, "post", "relu") for _ in range(self.layers)]
        self.decoder = [DecoderBlock(*sizes) for _ in range(self.layers)]

    def __call__(
        self,
        source: Int[Array, "batch key"],
        target: Int[Array, "batch position"],
        source_mask: Bool[Array, "batch key"],
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch position vocab"]:
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
        for number, block in enumerate(self.encoder):
            scope = within(tap, f"encoder.{number}")
            x = block(x, padding_mask(source_mask), fold_in(rng, number + 1), scope)
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
        mask = causal_mask(target.shape[1], target.shape[1])
        for number, block in enumerate(self.decoder):
            scope = within(tap, f"decoder.{number}")
            x = block(x, context, mask, padding_mask(source_mask), fold_in(rng, number + 1), scope)
        logits = jnp.einsum("bpe,ve->bpv", x, self.embeddings.token_embedding.table())
        return tap("logits", logits, "batch position vocab")
