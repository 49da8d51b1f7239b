"""The model of "a b =" in PyTorch: one block without norms, read at its last position."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from study.grok.settings import ModelConfig
from torch_impl.attention import MultiHeadAttention
from torch_impl.cache import KeyValue
from torch_impl.embeddings import TokenPositionEmbedding
from torch_impl.layers import FeedForward, Linear
from torch_impl.taps import Tap, no_tap, within


class ArithmeticTransformer(nn.Module):
    """Attention and feed-forward, each added to the residual stream (Nanda et al. 2023, section 3).

    In the first block queries, keys and values follow from a token and its position alone: they are computed
    once for each token of the vocabulary, and rows look them up. The result is read at the last position, so
    all else is computed there alone.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = TokenPositionEmbedding(config)
        self.attention = MultiHeadAttention(config)
        self.feed_forward = FeedForward(config)
        self.head = Linear(config.embed, config.classes, config.use_bias, config.head_std)

    def forward(
        self, ids: Int[Tensor, "batch position"], tap: Tap = no_tap
    ) -> Float[Tensor, "batch classes"]:
        vocab, places = self.config.vocab, torch.arange(ids.shape[1], dtype=ids.dtype, device=ids.device)
        every = torch.arange(vocab, dtype=ids.dtype, device=ids.device)[:, None].expand(vocab, ids.shape[1])
        x, scope = self.embeddings(every, None, within(tap, "embeddings")), within(tap, "attention")
        query = self.attention.queries(x[:, -1:], scope)[ids[:, -1]]
        tables = self.attention.keys_values(x, scope)
        memory = KeyValue(*(table[ids, :, places].transpose(1, 2) for table in tables))
        x = x[ids[:, -1:], -1] + self.attention.attend(query, memory, None, None, scope)
        x = x + self.feed_forward(x, within(tap, "feed_forward"))
        x = tap("output", x[:, 0], "batch embed")
        return tap("logits", self.head(x), "batch classes")
