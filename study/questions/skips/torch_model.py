"""A GPT in PyTorch whose blocks may lack their skip connections."""

from jaxtyping import Bool, Float, Int
from torch import Tensor

from study.questions.skips.settings import SkipConfig
from study.questions.torch_decoder import Decoder
from torch_impl.block import TransformerBlock
from torch_impl.cache import KeyValue
from torch_impl.random import Key
from torch_impl.taps import Tap, no_tap, within


class SkipBlock(TransformerBlock):
    """`TransformerBlock` without dropout: what has no skip connection hands on its branch alone."""

    config: SkipConfig

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
    ) -> tuple[Float[Tensor, "batch position embed"], KeyValue]:
        assert positions is None, "the decoder reads all positions"
        axes, pre = "batch position embed", self.config.norm_position == "pre"
        read = tap("attention_norm", self.attention_norm(x), axes) if pre else x
        branch, memory = self.attention.step(read, read, cache, start, mask, None, within(tap, "attention"))
        x = x + branch if self.config.skips in ("both", "attention's") else branch
        if not pre:
            x = tap("attention_norm", self.attention_norm(x), axes)
        read = tap("feed_forward_norm", self.feed_forward_norm(x), axes) if pre else x
        branch = self.feed_forward(read, within(tap, "feed_forward"))
        x = x + branch if self.config.skips in ("both", "feed-forward's") else branch
        if not pre:
            x = tap("feed_forward_norm", self.feed_forward_norm(x), axes)
        return tap("output", x, axes), memory


class SkipGPT(Decoder):
    """`GPT` of such blocks."""

    config: SkipConfig

    def make_blocks(self) -> list[SkipBlock]:
        return [SkipBlock(self.config) for _ in range(self.config.layers)]
