"""The transformer block: attention, then feed-forward, each with a residual connection."""

from flax import linen as nn
from jaxtyping import Array, Bool, Float, Key

from jax_impl.attention import MultiHeadAttention
from jax_impl.layers import FeedForward, LayerNorm, RMSNorm, dropout
from jax_impl.random import fold_in
from jax_impl.taps import Tap, no_tap, within


class TransformerBlock(nn.Module):
    """One encoder layer.

    ``norm="post"`` normalises each sum, x = norm(x + f(x)) (Vaswani et al. 2017, section 3.1);
    ``norm="pre"`` each branch's input, x = x + f(norm(x)) (Xiong et al. 2020, figure 1b).
    ``rms`` normalises by `RMSNorm`. ``residual_std`` is the initial deviation of the two projections whose
    output is added to x, ``std`` of the others; None: Xavier.
    """

    embed: int
    heads: int
    mlp: int
    dropout: float = 0.0
    norm: str = "pre"
    activation: str = "gelu"
    epsilon: float = 1e-5
    kv_heads: int | None = None
    gated: bool = False
    rms: bool = False
    biased: bool = True
    std: float | None = None
    residual_std: float | None = None

    def setup(self) -> None:
        if self.norm not in ("pre", "post"):
            raise ValueError(f"norm={self.norm!r}: choose 'pre' or 'post'")
        normalise = RMSNorm if self.rms else LayerNorm
        drawn = (self.biased, self.std, self.residual_std)
        self.attention = MultiHeadAttention(self.embed, self.heads, self.dropout, self.kv_heads, *drawn)
        self.attention_norm = normalise(self.embed, self.epsilon)
        self.feed_forward = FeedForward(self.embed, self.mlp, self.activation, self.gated, *drawn)
        self.feed_forward_norm = normalise(self.embed, self.epsilon)

    def __call__(
        self,
        x: Float[Array, "batch position embed"],
        mask: Bool[Array, "#batch #heads #query key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        angles: Float[Array, "position half"] | None = None,
    ) -> Float[Array, "batch position embed"]:
        axes = "batch position embed"

        def attend(x: Float[Array, "batch position embed"]) -> Float[Array, "batch position embed"]:
            x = self.attention(x, x, mask, fold_in(rng, 0), within(tap, "attention"), angles)
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
