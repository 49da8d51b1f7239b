"""A GPT in PyTorch whose blocks may share their branches."""

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from study.questions.tied.settings import TiedConfig
from torch_impl.attention import MultiHeadAttention
from torch_impl.embeddings import TokenPositionEmbedding
from torch_impl.gpt import GPT
from torch_impl.layers import FeedForward, new_norm
from torch_impl.masks import causal_mask
from torch_impl.random import Key
from torch_impl.taps import Tap, no_tap, within


class AttentionBranch(nn.Module):
    """x + attention(norm(x))."""

    def __init__(self, config: TiedConfig) -> None:
        super().__init__()
        self.norm = new_norm(config)
        self.attention = MultiHeadAttention(config)

    def forward(
        self, x: Float[Tensor, "batch position embed"], mask: Bool[Tensor, "1 1 query key"], tap: Tap
    ) -> Float[Tensor, "batch position embed"]:
        read = tap("attention_norm", self.norm(x), "batch position embed")
        return x + self.attention.step(read, read, None, 0, mask, None, within(tap, "attention"))[0]


class FeedForwardBranch(nn.Module):
    """x + feed_forward(norm(x))."""

    def __init__(self, config: TiedConfig) -> None:
        super().__init__()
        self.norm = new_norm(config)
        self.feed_forward = FeedForward(config)

    def forward(
        self, x: Float[Tensor, "batch position embed"], tap: Tap
    ) -> Float[Tensor, "batch position embed"]:
        read = tap("feed_forward_norm", self.norm(x), "batch position embed")
        return x + self.feed_forward(read, within(tap, "feed_forward"))


class TiedGPT(GPT):
    """GPT-2, without dropout, of as many branches as differ; where there is one, each block has it."""

    config: TiedConfig

    def __init__(self, config: TiedConfig) -> None:
        nn.Module.__init__(self)
        self.config = config
        self.embeddings = TokenPositionEmbedding(config)
        self.attentions = nn.ModuleList(AttentionBranch(config) for _ in range(config.attentions))
        self.feed_forwards = nn.ModuleList(FeedForwardBranch(config) for _ in range(config.feed_forwards))
        self.final_norm = new_norm(config)

    def hidden(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch position embed"]:
        x = self.embeddings(ids, None, within(tap, "embeddings"), 0)
        seen = causal_mask(ids.shape[1], ids.shape[1], 0, ids.device)
        for number in range(self.config.layers):
            scope = within(tap, f"blocks.{number}")
            x = self.attentions[number % len(self.attentions)](x, seen, scope)
            x = self.feed_forwards[number % len(self.feed_forwards)](x, scope)
        return tap("final_norm", self.final_norm(x), "batch position embed")
