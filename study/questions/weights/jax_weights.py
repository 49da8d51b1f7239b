"""Other functions of queries and keys that give weights, in Flax."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Key

from jax_impl.attention import MultiHeadAttention, masked_softmax
from jax_impl.cache import KeyValue
from jax_impl.initializers import ones
from jax_impl.layers import Linear, at_least_float32, dropout
from jax_impl.taps import Tap, no_tap
from study.questions.jax_decoder import GPTOf

START = 10.0  # by which a cosine is multiplied at first
EPS = 1e-12  # added to a squared length
Weights = Float[Array, "batch heads query key"]


class OtherWeights(MultiHeadAttention):
    """What is read is a sum of values, by ``weights``, which a subclass gives."""

    def weights(
        self,
        query: Float[Array, "batch heads query head_dim"],
        key: Float[Array, "batch heads key head_dim"],
        mask: Bool[Array, "..."],
    ) -> Weights:
        """How much each query takes of each key's value; 0 where the mask hides it."""
        raise NotImplementedError

    def attend(
        self,
        query: Float[Array, "batch heads query head_dim"],
        memory: KeyValue,
        mask: Bool[Array, "#batch #heads #query key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch query embed"]:
        """What the queries read in the memory, all heads projected onto embed."""
        seen = jnp.ones((1, 1, 1, memory.key.shape[2]), bool) if mask is None else mask
        weights = tap("weights", self.weights(query, memory.key, seen), "batch heads query key")
        weights = dropout(weights, self.config.dropout, rng)
        read = jnp.einsum("bhqk,bhkd->bhqd", weights, memory.value)
        read = tap("heads_output", read, "batch heads query head_dim")
        return tap("output", self.output(read), "batch query embed")


class Additive(OtherWeights):
    """softmax(v . tanh(q + k)), v a head's own (Bahdanau et al. 2015, appendix A.1.2)."""

    def setup(self) -> None:
        super().setup()
        self.score_head = Linear(self.config.width, self.config.heads, use_bias=False)

    def weights(
        self,
        query: Float[Array, "batch heads query head_dim"],
        key: Float[Array, "batch heads key head_dim"],
        mask: Bool[Array, "..."],
    ) -> Weights:
        hidden = jnp.tanh(query[:, :, :, None, :] + key[:, :, None, :, :])
        return masked_softmax(jnp.einsum("bhqkd,dh->bhqk", hidden, self.score_head.kernel), mask)


class Temperature(nn.Module):
    """A number for each head: scale (heads), one."""

    heads: int

    def setup(self) -> None:
        self.scale = self.param("scale", ones, (self.heads,))

    def __call__(self, scores: Weights) -> Weights:
        return scores * START * self.scale[None, :, None, None]


class Cosine(OtherWeights):
    """softmax(t cos(q, k)), t a head's own and learned (Luo et al. 2018; Henry et al. 2020)."""

    def setup(self) -> None:
        super().setup()
        self.cosine_norm = Temperature(self.config.heads)

    def weights(
        self,
        query: Float[Array, "batch heads query head_dim"],
        key: Float[Array, "batch heads key head_dim"],
        mask: Bool[Array, "..."],
    ) -> Weights:
        unit_query, unit_key = (
            x / jnp.sqrt(jnp.square(x).sum(axis=-1, keepdims=True) + EPS) for x in (query, key)
        )
        scores = jnp.einsum("bhqd,bhkd->bhqk", unit_query, unit_key)
        return masked_softmax(self.cosine_norm(scores), mask)


class Bilinear(OtherWeights):
    """q . k / sqrt(head_dim), without a softmax, divided by how many keys are seen; it may be negative."""

    def weights(
        self,
        query: Float[Array, "batch heads query head_dim"],
        key: Float[Array, "batch heads key head_dim"],
        mask: Bool[Array, "..."],
    ) -> Weights:
        scores = jnp.einsum("bhqd,bhkd->bhqk", query, key) / self.config.width**0.5
        count = jnp.maximum(mask.sum(axis=-1, keepdims=True, dtype=jnp.int32), 1).astype(scores.dtype)
        return jnp.where(mask, scores / count, 0.0)


class LinearAttention(OtherWeights):
    """f(q) . f(k) over its sum, f = elu + 1 (Katharopoulos et al. 2020, section 3.2)."""

    def weights(
        self,
        query: Float[Array, "batch heads query head_dim"],
        key: Float[Array, "batch heads key head_dim"],
        mask: Bool[Array, "..."],
    ) -> Weights:
        scores = jnp.einsum("bhqd,bhkd->bhqk", features(query), features(key))
        wide = at_least_float32(jnp.where(mask, scores, 0.0))
        total = wide.sum(axis=-1, keepdims=True)
        return (wide / jnp.where(total == 0.0, 1.0, total)).astype(scores.dtype)


def features(x: Float[Array, "*axes"]) -> Float[Array, "*axes"]:
    """elu(x) + 1, which is above zero."""
    return jnp.where(x > 0.0, x + 1.0, jnp.exp(jnp.minimum(x, 0.0)))


class AdditiveGPT(GPTOf):
    """A GPT of additive attention."""

    kind = Additive


class CosineGPT(GPTOf):
    """A GPT of cosines."""

    kind = Cosine


class BilinearGPT(GPTOf):
    """A GPT whose scores are its weights."""

    kind = Bilinear


class LinearGPT(GPTOf):
    """A GPT of linear attention."""

    kind = LinearAttention
