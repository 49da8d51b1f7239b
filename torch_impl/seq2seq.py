"""The original transformer: an encoder, and a decoder that reads what the encoder made of the source."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from torch_impl.attention import MultiHeadAttention
from torch_impl.block import TransformerBlock
from torch_impl.cache import DecoderCache, KeyValue, empty_cache
from torch_impl.config import BlockConfig, Seq2SeqConfig
from torch_impl.embeddings import TokenPositionEmbedding, check_length
from torch_impl.layers import FeedForward, dropout, new_norm
from torch_impl.masks import causal_mask, padding_mask
from torch_impl.random import Key, fold_in
from torch_impl.shapes import check_shapes
from torch_impl.taps import Tap, no_tap, within


class DecoderBlock(nn.Module):
    """One decoder layer: self-attention, attention over the context, feed-forward.

    Each is x = norm(x + dropout(f(x))) (Vaswani et al. 2017, sections 3.1 and 5.4). The masks are True where
    a position of x may look at another (causal), and at the context.
    """

    def __init__(self, config: BlockConfig) -> None:
        super().__init__()
        self.config = config
        self.attention = MultiHeadAttention(config)
        self.attention_norm = new_norm(config)
        self.cross_attention = MultiHeadAttention(config)
        self.cross_attention_norm = new_norm(config)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = new_norm(config)

    def forward(
        self,
        x: Float[Tensor, "batch position embed"],
        context: Float[Tensor, "batch key embed"],
        mask: Bool[Tensor, "#batch #heads #position position"] | None = None,
        context_mask: Bool[Tensor, "#batch #heads #position key"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch position embed"]:
        scope = within(tap, "attention")
        branch = self.attention(x, x, mask, fold_in(rng, 0), scope)
        x = self.add(self.attention_norm, x, branch, fold_in(rng, 1), tap, "attention_norm")
        scope = within(tap, "cross_attention")
        branch = self.cross_attention(x, context, context_mask, fold_in(rng, 2), scope)
        return self.finish(x, branch, rng, tap)

    def step(
        self,
        x: Float[Tensor, "batch position embed"],
        cache: KeyValue,
        start: int | Int[Tensor, ""],
        source: KeyValue,
        mask: Bool[Tensor, "#batch #heads #position capacity"],
        context_mask: Bool[Tensor, "#batch #heads #position key"] | None = None,
        tap: Tap = no_tap,
    ) -> tuple[Float[Tensor, "batch position embed"], KeyValue]:
        """`forward` for positions from ``start`` on, after those in the cache; and the cache with them.

        ``source`` has the context's keys and values: `MultiHeadAttention.keys_values`.
        """
        scope = within(tap, "attention")
        branch, memory = self.attention.step(x, x, cache, start, mask, None, scope)
        x = self.add(self.attention_norm, x, branch, None, tap, "attention_norm")
        scope = within(tap, "cross_attention")
        query = self.cross_attention.queries(x, scope)
        branch = self.cross_attention.attend(query, source, context_mask, None, scope)
        return self.finish(x, branch, None, tap), memory

    def finish(
        self,
        x: Float[Tensor, "batch position embed"],
        branch: Float[Tensor, "batch position embed"],
        rng: Key | None,
        tap: Tap,
    ) -> Float[Tensor, "batch position embed"]:
        """What follows what cross-attention read: its sum, then the feed-forward layer."""
        x = self.add(self.cross_attention_norm, x, branch, fold_in(rng, 3), tap, "cross_attention_norm")
        branch = self.feed_forward(x, within(tap, "feed_forward"))
        x = self.add(self.feed_forward_norm, x, branch, fold_in(rng, 4), tap, "feed_forward_norm")
        return tap("output", x, "batch position embed")

    def add(
        self,
        norm: nn.Module,
        x: Float[Tensor, "batch position embed"],
        branch: Float[Tensor, "batch position embed"],
        rng: Key | None,
        tap: Tap,
        name: str,
    ) -> Float[Tensor, "batch position embed"]:
        """norm(x + dropout(branch))."""
        return tap(name, norm(x + dropout(branch, self.config.dropout, rng)), "batch position embed")


class EncoderDecoder(nn.Module):
    """Logits of each target position's next token, given the source (Vaswani et al. 2017, section 3).

    One matrix embeds source and target and is the output layer (section 3.4).

    ``source_mask`` is True at the source's real tokens. The target begins with a token that says so. Its
    padding follows its real tokens, so that none of these sees it, and needs no mask; the loss gives it
    weight 0.
    """

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = TokenPositionEmbedding(config)
        self.encoder: Any = nn.ModuleList(TransformerBlock(config) for _ in range(config.layers))
        self.decoder: Any = nn.ModuleList(DecoderBlock(config) for _ in range(config.layers))

    def forward(
        self,
        source: Int[Tensor, "batch key"],
        target: Int[Tensor, "batch position"],
        source_mask: Bool[Tensor, "batch key"],
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch position vocab"]:
        axes = "batch key", "batch position"
        check_shapes(
            {}, source=(source, axes[0]), target=(target, axes[1]), source_mask=(source_mask, axes[0])
        )
        context = self.encode(source, source_mask, fold_in(rng, 0), tap)
        return self.decode(target, context, source_mask, fold_in(rng, 1), tap)

    def encode(
        self,
        source: Int[Tensor, "batch key"],
        source_mask: Bool[Tensor, "batch key"],
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch key embed"]:
        """The context for `decode`: once a source, however many tokens are decoded from it."""
        x = self.embeddings(source, fold_in(rng, 0), within(tap, "source_embeddings"))
        attention_mask = padding_mask(source_mask)
        for number, block in enumerate(self.encoder):
            x = block(x, attention_mask, fold_in(rng, number + 1), within(tap, f"encoder.{number}"))
        return x

    def decode(
        self,
        target: Int[Tensor, "batch position"],
        context: Float[Tensor, "batch key embed"],
        source_mask: Bool[Tensor, "batch key"],
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch position vocab"]:
        """Logits of each target position's next token, given the context that `encode` made."""
        x = self.embeddings(target, fold_in(rng, 0), within(tap, "target_embeddings"))
        length, context_mask = target.shape[1], padding_mask(source_mask)
        mask = causal_mask(length, length, device=target.device)
        for number, block in enumerate(self.decoder):
            scope = within(tap, f"decoder.{number}")
            x = block(x, context, mask, context_mask, fold_in(rng, number + 1), scope)
        return tap("logits", self.logits(x), "batch position vocab")

    def logits(self, x: Float[Tensor, "batch position embed"]) -> Float[Tensor, "batch position vocab"]:
        """The output layer, without bias."""
        return torch.einsum("bpe,ve->bpv", x, self.embeddings.token_embedding.table())

    @torch.no_grad()
    def empty_cache(
        self, context: Float[Tensor, "batch key embed"], capacity: int, dtype: torch.dtype = torch.float32
    ) -> DecoderCache:
        """A cache for `step` of that many target tokens a row, with the context's keys and values."""
        config = self.config
        check_length(capacity, config)
        shape = (context.shape[0], config.key_heads, capacity, config.width)
        sources = tuple(block.cross_attention.keys_values(context) for block in self.decoder)
        return DecoderCache(*empty_cache(config.layers, shape, dtype, context.device), sources)

    @torch.no_grad()
    def step(
        self,
        target: Int[Tensor, "batch position"],
        cache: DecoderCache,
        source_mask: Bool[Tensor, "batch key"],
        tap: Tap = no_tap,
    ) -> tuple[Float[Tensor, "batch position vocab"], DecoderCache]:
        """`decode` for target tokens that follow those in the cache.

        More tokens than the cache has capacity for must be caught before: the last would be overwritten.
        """
        start, capacity = cache.length, cache.layers[0].key.shape[2]
        x = self.embeddings(target, None, within(tap, "target_embeddings"), start)
        mask = causal_mask(target.shape[1], capacity, start, target.device)
        context_mask = padding_mask(source_mask)
        memories = []
        for number, block in enumerate(self.decoder):
            memory, source = cache.layers[number], cache.sources[number]
            scope = within(tap, f"decoder.{number}")
            x, memory = block.step(x, memory, start, source, mask, context_mask, scope)
            memories.append(memory)
        new_cache = DecoderCache(start + target.shape[1], tuple(memories), cache.sources)
        return tap("logits", self.logits(x), "batch position vocab"), new_cache
