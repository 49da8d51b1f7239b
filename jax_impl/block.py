"""The transformer block: attention, then feed-forward, each with a norm and a residual connection."""

from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.attention import MultiHeadAttention
from jax_impl.cache import KeyValue
from jax_impl.config import BlockConfig
from jax_impl.layers import FeedForward, dropout, gather_positions, new_norm
from jax_impl.random import fold_in
from jax_impl.taps import Tap, no_tap, within


class TransformerBlock(nn.Module):
    """One encoder layer.

    ``norm_position="post"`` normalises each sum, x = norm(x + f(x)) (Vaswani et al. 2017, section 3.1);
    "pre" each branch's input, x = x + f(norm(x)) (Xiong et al. 2020, figure 1b).
    """

    config: BlockConfig

    def setup(self) -> None:
        self.attention = MultiHeadAttention(self.config)
        self.attention_norm = new_norm(self.config)
        self.feed_forward = FeedForward(self.config)
        self.feed_forward_norm = new_norm(self.config)

    def __call__(
        self,
        x: Float[Array, "batch position embed"],
        mask: Bool[Array, "#batch #heads #query key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        angles: Float[Array, "position half"] | None = None,
        positions: Int[Array, "batch read"] | None = None,
    ) -> Float[Array, "batch read embed"]:
        """``positions`` are those that the block is computed at, if not all; all are attended to.

        The mask is then the same for all queries, and there are no ``angles``.
        """
        return self.step(x, None, 0, mask, rng, tap, angles, positions)[0]

    def step(
        self,
        x: Float[Array, "batch position embed"],
        cache: KeyValue | None,
        start: int | Int[Array, ""],
        mask: Bool[Array, "#batch #heads #query key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        angles: Float[Array, "position half"] | None = None,
        positions: Int[Array, "batch read"] | None = None,
    ) -> tuple[Float[Array, "batch read embed"], KeyValue]:
        """`__call__` for positions from ``start`` on, after those in the cache; and the cache with them."""
        axes = "batch position embed"
        pre, rate = self.config.norm_position == "pre", self.config.dropout
        read = tap("attention_norm", self.attention_norm(x), axes) if pre else x
        context = read
        if positions is not None:
            x, read = gather_positions(x, positions), gather_positions(read, positions)
        scope = within(tap, "attention")
        branch, memory = self.attention.step(
            read, context, cache, start, mask, fold_in(rng, 0), scope, angles
        )
        x = x + dropout(branch, rate, fold_in(rng, 1))
        if not pre:
            x = tap("attention_norm", self.attention_norm(x), axes)
        read = tap("feed_forward_norm", self.feed_forward_norm(x), axes) if pre else x
        branch = self.feed_forward(read, within(tap, "feed_forward"))
        x = x + dropout(branch, rate, fold_in(rng, 2))
        if not pre:
            x = tap("feed_forward_norm", self.feed_forward_norm(x), axes)
        return tap("output", x, axes), memory
