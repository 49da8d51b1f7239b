"""The transformer block: attention, then feed-forward, each with a norm and a residual connection."""

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from torch_impl.attention import MultiHeadAttention
from torch_impl.cache import KeyValue
from torch_impl.config import BlockConfig
from torch_impl.layers import FeedForward, dropout, gather_positions, new_norm
from torch_impl.random import Key, fold_in
from torch_impl.taps import Tap, no_tap, within


class TransformerBlock(nn.Module):
    """One encoder layer.

    ``norm_position="post"`` normalises each sum, x = norm(x + f(x)) (Vaswani et al. 2017, section 3.1);
    "pre" each branch's input, x = x + f(norm(x)) (Xiong et al. 2020, figure 1b).
    """

    def __init__(self, config: BlockConfig) -> None:
        super().__init__()
        self.config = config
        self.attention = MultiHeadAttention(config)
        self.attention_norm = new_norm(config)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = new_norm(config)

    def forward(
        self,
        x: Float[Tensor, "batch position embed"],
        mask: Bool[Tensor, "#batch #heads #query key"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
        angles: Float[Tensor, "position half"] | None = None,
        positions: Int[Tensor, "batch read"] | None = None,
    ) -> Float[Tensor, "batch read embed"]:
        """``positions`` are those that the block is computed at, if not all; all are attended to.

        The mask is then the same for all queries, and there are no ``angles``.
        """
        return self.step(x, None, 0, mask, rng, tap, angles, positions)[0]

    def step(
        self,
        x: Float[Tensor, "batch position embed"],
        cache: KeyValue | None,
        start: int | Int[Tensor, ""],
        mask: Bool[Tensor, "#batch #heads #query key"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
        angles: Float[Tensor, "position half"] | None = None,
        positions: Int[Tensor, "batch read"] | None = None,
    ) -> tuple[Float[Tensor, "batch read embed"], KeyValue]:
        """`forward` for positions from ``start`` on, after those in the cache; and the cache with them."""
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
