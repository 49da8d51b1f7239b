"""The transformer block: attention, then feed-forward, each with a residual connection."""

from jaxtyping import Bool, Float
from torch import Tensor, nn

from torch_impl.attention import MultiHeadAttention
from torch_impl.layers import FeedForward, LayerNorm, RMSNorm, dropout
from torch_impl.random import Key, fold_in
from torch_impl.taps import Tap, no_tap, within


class TransformerBlock(nn.Module):
    """One encoder layer.

    ``norm="post"`` normalises each sum, x = norm(x + f(x)) (Vaswani et al. 2017, section 3.1);
    ``norm="pre"`` each branch's input, x = x + f(norm(x)) (Xiong et al. 2020, figure 1b).
    ``rms`` normalises by `RMSNorm`. ``residual_std`` is the initial deviation of the two projections whose
    output is added to x, ``std`` of the others; None: Xavier.
    """

    def __init__(
        self,
        embed: int,
        heads: int,
        mlp: int,
        dropout: float = 0.0,
        norm: str = "pre",
        activation: str = "gelu",
        epsilon: float = 1e-5,
        kv_heads: int | None = None,
        gated: bool = False,
        rms: bool = False,
        biased: bool = True,
        std: float | None = None,
        residual_std: float | None = None,
    ) -> None:
        super().__init__()
        if norm not in ("pre", "post"):
            raise ValueError(f"norm={norm!r}: choose 'pre' or 'post'")
        self.dropout = dropout
        self.norm = norm
        normalise = RMSNorm if rms else LayerNorm
        drawn = (biased, std, residual_std)
        self.attention = MultiHeadAttention(embed, heads, dropout, kv_heads, *drawn)
        self.attention_norm = normalise(embed, epsilon)
        self.feed_forward = FeedForward(embed, mlp, activation, gated, *drawn)
        self.feed_forward_norm = normalise(embed, epsilon)

    def forward(
        self,
        x: Float[Tensor, "batch position embed"],
        mask: Bool[Tensor, "#batch #heads #query key"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
        angles: Float[Tensor, "position half"] | None = None,
    ) -> Float[Tensor, "batch position embed"]:
        axes = "batch position embed"

        def attend(x: Float[Tensor, "batch position embed"]) -> Float[Tensor, "batch position embed"]:
            x = self.attention(x, x, mask, fold_in(rng, 0), within(tap, "attention"), angles)
            return dropout(x, self.dropout, fold_in(rng, 1))

        def transform(
            x: Float[Tensor, "batch position embed"],
        ) -> Float[Tensor, "batch position embed"]:
            x = self.feed_forward(x, within(tap, "feed_forward"))
            return dropout(x, self.dropout, fold_in(rng, 2))

        if self.norm == "pre":
            x = x + attend(tap("attention_norm", self.attention_norm(x), axes))
            x = x + transform(tap("feed_forward_norm", self.feed_forward_norm(x), axes))
        else:
            x = tap("attention_norm", self.attention_norm(x + attend(x)), axes)
            x = tap("feed_forward_norm", self.feed_forward_norm(x + transform(x)), axes)
        return tap("output", x, axes)
