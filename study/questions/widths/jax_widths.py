"""Attention in Flax whose values are wider or narrower than its queries and keys."""

from typing import Any

from jaxtyping import Array, Float

from jax_impl.attention import InProjection, MultiHeadAttention
from jax_impl.cache import KeyValue
from jax_impl.layers import Linear
from jax_impl.taps import Tap, no_tap
from study.questions.jax_decoder import GPTOf


class TwoWidths(MultiHeadAttention):
    """Queries and keys of head_dim, values of value_dim (Vaswani et al. 2017, section 3.2.2: d_k and d_v).

    The values' matrices have one axis for all heads, as the converter knows one head_dim a model.
    """

    config: Any

    def setup(self) -> None:
        config = self.config
        width = config.heads * config.value_dim
        self.query = InProjection(config.embed, config.heads, config.width, True, config.kernel_std)
        self.key = InProjection(config.embed, config.heads, config.width, True, config.kernel_std)
        self.value_dense = Linear(config.embed, width, True, config.kernel_std)
        self.output_dense = Linear(width, config.embed, True, config.residual_std)

    def value(  # type: ignore[override]
        self, context: Float[Array, "batch key embed"]
    ) -> Float[Array, "batch heads key value_dim"]:
        """What is read at each position, head by head."""
        rows = self.value_dense(context)
        return rows.reshape(*rows.shape[:2], self.config.heads, -1).transpose(0, 2, 1, 3)

    def output(  # type: ignore[override]
        self, read: Float[Array, "batch heads query value_dim"]
    ) -> Float[Array, "batch query embed"]:
        """All heads back onto embed."""
        rows = read.transpose(0, 2, 1, 3)
        return self.output_dense(rows.reshape(*rows.shape[:2], -1))

    def keys_values(
        self,
        context: Float[Array, "batch key embed"],
        tap: Tap = no_tap,
        angles: Float[Array, "key half"] | None = None,
    ) -> Any:
        """Whose values may have a width of their own."""
        key = tap("key", self.key(context), "batch heads key head_dim")
        return KeyValue(key, tap("value", self.value(context), "batch heads key value_dim"))


class TwoWidthsGPT(GPTOf):
    """A GPT of such attention."""

    kind = TwoWidths
