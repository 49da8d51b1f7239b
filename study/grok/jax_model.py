"""The model of "a b =" in Flax: one block without norms, read at its last position."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from jax_impl.attention import MultiHeadAttention
from jax_impl.cache import KeyValue
from jax_impl.embeddings import TokenPositionEmbedding
from jax_impl.layers import FeedForward, Linear
from jax_impl.taps import Tap, no_tap, within
from study.grok.settings import ModelConfig


class ArithmeticTransformer(nn.Module):
    """Attention and feed-forward, each added to the residual stream (Nanda et al. 2023, section 3).

    In the first block queries, keys and values follow from a token and its position alone: they are computed
    once for each token of the vocabulary, and rows look them up. The result is read at the last position, so
    all else is computed there alone.
    """

    config: ModelConfig

    def setup(self) -> None:
        config = self.config
        self.embeddings = TokenPositionEmbedding(config)
        self.attention = MultiHeadAttention(config)
        self.feed_forward = FeedForward(config)
        self.head = Linear(config.embed, config.classes, config.use_bias, config.head_std)

    def __call__(self, ids: Int[Array, "batch position"], tap: Tap = no_tap) -> Float[Array, "batch classes"]:
        vocab, places = self.config.vocab, jnp.arange(ids.shape[1], dtype=ids.dtype)
        every = jnp.broadcast_to(jnp.arange(vocab, dtype=ids.dtype)[:, None], (vocab, ids.shape[1]))
        x, scope = self.embeddings(every, None, within(tap, "embeddings")), within(tap, "attention")
        query = self.attention.queries(x[:, -1:], scope)[ids[:, -1]]
        tables = self.attention.keys_values(x, scope)
        memory = KeyValue(*(table[ids, :, places].transpose(0, 2, 1, 3) for table in tables))
        x = x[ids[:, -1:], -1] + self.attention.attend(query, memory, None, None, scope)
        x = x + self.feed_forward(x, within(tap, "feed_forward"))
        x = tap("output", x[:, 0], "batch embed")
        return tap("logits", self.head(x), "batch classes")
