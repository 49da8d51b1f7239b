"""A GPT in Flax whose blocks may share their branches."""

from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.attention import MultiHeadAttention
from jax_impl.embeddings import TokenPositionEmbedding
from jax_impl.gpt import GPT
from jax_impl.layers import FeedForward, new_norm
from jax_impl.masks import causal_mask
from jax_impl.taps import Tap, no_tap, within
from study.questions.tied.settings import TiedConfig


class AttentionBranch(nn.Module):
    """x + attention(norm(x))."""

    config: TiedConfig

    def setup(self) -> None:
        self.norm = new_norm(self.config)
        self.attention = MultiHeadAttention(self.config)

    def __call__(
        self, x: Float[Array, "batch position embed"], mask: Bool[Array, "1 1 query key"], tap: Tap
    ) -> Float[Array, "batch position embed"]:
        read = tap("attention_norm", self.norm(x), "batch position embed")
        return x + self.attention.step(read, read, None, 0, mask, None, within(tap, "attention"))[0]


class FeedForwardBranch(nn.Module):
    """x + feed_forward(norm(x))."""

    config: TiedConfig

    def setup(self) -> None:
        self.norm = new_norm(self.config)
        self.feed_forward = FeedForward(self.config)

    def __call__(
        self, x: Float[Array, "batch position embed"], tap: Tap
    ) -> Float[Array, "batch position embed"]:
        read = tap("feed_forward_norm", self.norm(x), "batch position embed")
        return x + self.feed_forward(read, within(tap, "feed_forward"))


class TiedGPT(GPT):
    """GPT-2, without dropout, of as many branches as differ; where there is one, each block has it."""

    config: TiedConfig

    def setup(self) -> None:
        config = self.config
        self.embeddings = TokenPositionEmbedding(config)
        self.attentions = [AttentionBranch(config) for _ in range(config.attentions)]
        self.feed_forwards = [FeedForwardBranch(config) for _ in range(config.feed_forwards)]
        self.final_norm = new_norm(config)

    def hidden(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch position embed"]:
        x = self.embeddings(ids, None, within(tap, "embeddings"), 0)
        seen = causal_mask(ids.shape[1], ids.shape[1], 0)
        for number in range(self.config.layers):
            scope = within(tap, f"blocks.{number}")
            x = self.attentions[number % len(self.attentions)](x, seen, scope)
            x = self.feed_forwards[number % len(self.feed_forwards)](x, scope)
        return tap("final_norm", self.final_norm(x), "batch position embed")
