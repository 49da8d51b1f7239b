"""The transformer block: attention, then feed-forward, each with a norm and a residual connection."""

from jaxtyping import Bool, Float
from torch import Tensor, nn

from torch_impl.attention import MultiHeadAttention
from torch_impl.cache import KeyValue
from torch_impl.config import BlockConfig
from torch_impl.layers import FeedForward, dropout, new_norm
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
    ) -> Float[Tensor, "batch position embed"]:
        return self.step(x, None, 0, mask, rng, tap, angles)[0]

    def step(
        self,
        x: Float[Tensor, "batch position embed"],
        cache: KeyValue | None,
        start: int,
        mask: Bool[Tensor, "#batch #heads #query key"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
        angles: Float[Tensor, "position half"] | None = None,
    ) -> tuple[Float[Tensor, "batch position embed"], KeyValue]:
        """`forward` for positions from ``start`` on, after those in the cache; and the cache with them."""
        axes = "batch position embed"
        pre, rate = self.config.norm_position == "pre", self.config.dropout
        read = tap("attention_norm", self.attention_norm(x), axes) if pre else x
        scope = within(tap, "attention")
        branch, memory = self.attention.step(read, read, cache, start, mask, fold_in(rng, 0), scope, angles)
        x = x + dropout(branch, rate, fold_in(rng, 1))
        if not pre:
            x = tap("attention_norm", self.attention_norm(x), axes)
        read = tap("feed_forward_norm", self.feed_forward_norm(x), axes) if pre else x
        branch = self.feed_forward(read, within(tap, "feed_forward"))
        x = x + dropout(branch, rate, fold_in(rng, 2))
        if not pre:
            x = tap("feed_forward_norm", self.feed_forward_norm(x), axes)
        return tap("output", x, axes), memory
