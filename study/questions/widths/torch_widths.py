"""Attention in PyTorch whose values are wider or narrower than its queries and keys."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from study.questions.torch_decoder import GPTOf
from torch_impl.attention import InProjection, MultiHeadAttention
from torch_impl.cache import KeyValue
from torch_impl.layers import Linear
from torch_impl.taps import Tap, no_tap


class TwoWidths(MultiHeadAttention):
    """Queries and keys of head_dim, values of value_dim (Vaswani et al. 2017, section 3.2.2: d_k and d_v).

    The values' matrices have one axis for all heads, as the converter knows one head_dim a model.
    """

    def __init__(self, config: Any) -> None:
        nn.Module.__init__(self)
        self.config = config
        width = config.heads * config.value_dim
        self.query = InProjection(config.embed, config.heads, config.width, True, config.kernel_std)
        self.key = InProjection(config.embed, config.heads, config.width, True, config.kernel_std)
        self.value_dense = Linear(config.embed, width, True, config.kernel_std)
        self.output_dense = Linear(width, config.embed, True, config.residual_std)

    def value(  # type: ignore[override]
        self, context: Float[Tensor, "batch key embed"]
    ) -> Float[Tensor, "batch heads key value_dim"]:
        """What is read at each position, head by head."""
        return self.value_dense(context).unflatten(-1, (self.config.heads, -1)).transpose(1, 2)

    def output(  # type: ignore[override]
        self, read: Float[Tensor, "batch heads query value_dim"]
    ) -> Float[Tensor, "batch query embed"]:
        """All heads back onto embed."""
        return self.output_dense(read.transpose(1, 2).flatten(-2))

    def keys_values(
        self,
        context: Float[Tensor, "batch key embed"],
        tap: Tap = no_tap,
        angles: Float[Tensor, "key half"] | None = None,
    ) -> Any:
        """Whose values may have a width of their own."""
        key = tap("key", self.key(context), "batch heads key head_dim")
        return KeyValue(key, tap("value", self.value(context), "batch heads key value_dim"))


class TwoWidthsGPT(GPTOf):
    """A GPT of such attention."""

    kind = TwoWidths
