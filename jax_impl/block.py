"""The transformer block: attention, then feed-forward, each with a residual connection."""

from flax import linen as nn
from jaxtyping import Array, Bool, Float, Key

from jax_impl.attention import MultiHeadAttention
from jax_impl.layers import FeedForward, LayerNorm, dropout
from jax_impl.random import fold_in
from jax_impl.taps import Tap, no_tap, within


class TransformerBlock(nn.Module):
    """One encoder layer.

    ``norm="post"`` normalises each sum, x = norm(x + f(x)) (Vaswani et al. 2017, section 3.1);
    ``norm="pre"`` each branch's input, x = x + f(norm(x)) (Xiong et al. 2020, figure 1b).
    """

    embed: int
    heads: int
    mlp: int
    dropout: float = 0.0
    norm: str = "pre"
    activation: str = "gelu"
    epsilon: float = 1e-5

    def setup(self) -> None:
        if self.norm not in ("pre", "post"):
            raise ValueError(f"norm={self.norm!r}: choose 'pre' or 'post'")
        self.attention = MultiHeadAttention(self.embed, self.heads, self.dropout)
        self.attention_norm = LayerNorm(self.embed, self.epsilon)
        self.feed_forward = FeedForward(self.embed, self.mlp, self.activation)
        self.feed_forward_norm = LayerNorm(self.embed, self.epsilon)

    def __call__(
        self,
        x: Float[Array, "batch position embed"],
        mask: Bool[Array, "#batch #heads #query key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch position embed"]:
        axes = "batch position embed"

        def attend(x: Float[Array, "batch position embed"]) -> Float[Array, "batch position embed"]:
            x = self.attention(x, x, mask, fold_in(rng, 0), within(tap, "attention"))
            return dropout(x, self.dropout, fold_in(rng, 1))

        def transform(
            x: Float[Array, "batch position embed"],
        ) -> Float[Array, "batch position embed"]:
            x = self.feed_forward(x, within(tap, "feed_forward"))
            return dropout(x, self.dropout, fold_in(rng, 2))

        if self.norm == "pre":
            x = x + attend(tap("attention_norm", self.attention_norm(x), axes))
            x = x + transform(tap("feed_forward_norm", self.feed_forward_norm(x), axes))
        else:
            x = tap("attention_norm", self.attention_norm(x + attend(x)), axes)
            x = tap("feed_forward_norm", self.feed_forward_norm(x + transform(x)), axes)
        return tap("output", x, axes)
