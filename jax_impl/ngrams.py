"""What naive Bayes says of a text, to be added to a classifier's logits.

Each token and each pair of neighbours has a log-ratio a class (Wang and Manning 2012, eq. 2), which says
something of words that are too rare to learn a vector from. A linear model beside a deep one is "wide and
deep" (Cheng et al. 2016).
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Int32, Key

from jax_impl.config import NGramConfig
from jax_impl.initializers import zeros
from jax_impl.layers import dropout
from jax_impl.pooling import packed_sum
from jax_impl.shapes import check_shapes
from jax_impl.taps import Tap, no_tap

FIRST, SECOND = 0x9E3779B1, 0x85EBCA77  # odd: two tokens with one neighbour share no word


def pair_buckets(ids: Int[Array, "row position"], buckets: int) -> Int32[Array, "row position"]:
    """The bucket of each token with the one after it: a sum of products modulo 2^32, mixed; its remainder.

    The last of a row is taken with the first, which is no pair: so one token is a row like another.
    """
    first, second = ids.astype(jnp.uint32), jnp.roll(ids, -1, axis=1).astype(jnp.uint32)
    word = first * jnp.uint32(FIRST) + second * jnp.uint32(SECOND)
    mixed = word ^ (word >> 15)
    return (mixed % jnp.uint32(buckets)).astype(jnp.int32)


class NGramRatios(nn.Module):
    """The sum of the log-ratios of a text's tokens and of its pairs of neighbours.

    Pairs share ``ngram_buckets`` rows by a hash, as fastText's do (Joulin et al. 2016). The ratios were
    counted and are not trained: they have no gradient. In training a text goes without its sum with
    probability ``ngram_dropout``, so that the rest of the model learns from every text, and not from those
    alone that counting gets wrong.

    Parameters: token_ratios (vocab classes), pair_ratios (buckets classes), zero until they are counted.
    """

    config: NGramConfig

    def setup(self) -> None:
        config = self.config
        self.token_ratios = self.param("token_ratios", zeros, (config.vocab, config.classes))
        self.pair_ratios = self.param("pair_ratios", zeros, (config.ngram_buckets, config.classes))

    def __call__(
        self,
        ids: Int[Array, "row position"],
        mask: Bool[Array, "row position"],
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        text_ids: Int[Array, "row position"] | None = None,
        lengths: Int[Array, "batch"] | None = None,
    ) -> Float[Array, "batch classes"]:
        axes = "batch position"
        check_shapes({}, ids=(ids, axes), mask=(mask, axes), text_ids=(text_ids, axes))
        places = jnp.arange(ids.shape[1], dtype=jnp.int32)
        neighbours = mask & jnp.roll(mask, -1, axis=1) & (places < ids.shape[1] - 1)[None]
        if text_ids is not None:
            neighbours = neighbours & (text_ids == jnp.roll(text_ids, -1, axis=1))
        buckets = pair_buckets(ids, self.config.ngram_buckets)
        tokens = jnp.take(jax.lax.stop_gradient(self.token_ratios), ids, axis=0)
        pairs = jnp.take(jax.lax.stop_gradient(self.pair_ratios), buckets, axis=0)
        tokens = tap("tokens", jnp.where(mask[:, :, None], tokens, 0.0), "batch position classes")
        pairs = tap("pairs", jnp.where(neighbours[:, :, None], pairs, 0.0), "batch position classes")
        if text_ids is None or lengths is None:
            total = (tokens + pairs).sum(axis=1)
        else:
            total = packed_sum(tokens + pairs, text_ids, lengths.shape[0])
        total = tap("sum", total, "batch classes")
        kept = dropout(jnp.ones_like(total[:, :1]), self.config.ngram_dropout, rng) > 0.0
        return jnp.where(kept, total, 0.0)
