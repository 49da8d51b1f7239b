"""Decoders that predict the next token: GPT-2 by default; GPT, GPT-3 and Llama by their arguments."""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from torch_impl.block import TransformerBlock
from torch_impl.cache import Cache, empty_cache, remember
from torch_impl.embeddings import TokenPositionEmbedding
from torch_impl.layers import (
    Embedding,
    LayerNorm,
    Linear,
    RMSNorm,
    at_least_float32,
    dropout,
    rotary_angles,
)
from torch_impl.masks import banded_mask, causal_mask, padding_mask
from torch_impl.random import Key, fold_in
from torch_impl.taps import Tap, no_tap, within

STD = 0.02  # of all initial matrices (Radford et al. 2018, section 4.1)


class GPT(nn.Module):
    """Logits of each position's next token.

    The defaults are GPT-2 (Radford et al. 2019, section 2.3): pre-norm, a final norm, the tanh GELU, and an
    output layer tied to the token embeddings. ``norm="post"`` is GPT (Radford et al. 2018). With ``window``
    every other block, from the second on, sees only that many tokens back, as in GPT-3 (Brown et al. 2020,
    section 2.1). Llama (Touvron et al. 2023, section 2.2) is ``position="rotary"`` with base ``theta``,
    ``rms``, ``gated`` with the activation "silu", ``biased=False``, ``kv_heads``.
    """

    def __init__(
        self,
        vocab: int,
        positions: int,
        embed: int,
        heads: int,
        mlp: int,
        layers: int,
        dropout: float = 0.0,
        norm: str = "pre",
        activation: str = "gelu_tanh",
        position: str = "learned",
        epsilon: float = 1e-5,
        tied: bool = True,
        window: int | None = None,
        kv_heads: int | None = None,
        gated: bool = False,
        rms: bool = False,
        biased: bool = True,
        theta: float = 10000.0,
    ) -> None:
        super().__init__()
        self.positions = positions
        self.embed = embed
        self.layers = layers
        self.dropout = dropout
        self.norm = norm
        self.position = position
        self.tied = tied
        self.window = window
        self.theta = theta
        self.kv_heads = heads if kv_heads is None else kv_heads
        self.head_dim = embed // heads
        added = "none" if position == "rotary" else position
        self.embeddings = TokenPositionEmbedding(vocab, positions, embed, dropout, added)
        self.blocks = nn.ModuleList(
            TransformerBlock(
                embed,
                heads,
                mlp,
                dropout,
                norm,
                activation,
                epsilon,
                kv_heads,
                gated,
                rms,
                biased,
                STD,
                STD / math.sqrt(2 * layers),  # two branches a layer are summed (Radford et al. 2019)
            )
            for _ in range(layers)
        )
        if norm == "pre":
            self.final_norm = (RMSNorm if rms else LayerNorm)(embed, epsilon)
        if not tied:
            self.output_embedding = Embedding(vocab, embed, STD)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch position vocab"]:
        return tap("logits", self.logits(self.hidden(ids, mask, rng, tap)), "batch position vocab")

    def hidden(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch key"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
        start: int | Int[Tensor, ""] = 0,
        keys: int | None = None,
    ) -> Float[Tensor, "batch position embed"]:
        """What the output layer reads. A loss can put it through `table` a few tokens at a time.

        ``mask`` is False at padding. ``start`` is the position of the first token, ``keys`` how many tokens
        attention has before it: with a cache, other than the ones that are given.
        """
        x = self.embeddings(ids, fold_in(rng, 0), within(tap, "embeddings"), start)
        angles = self.angles(x, start) if self.position == "rotary" else None
        for number, block in enumerate(self.blocks):
            scope = within(tap, f"blocks.{number}")
            sees = self.sees(number, ids.shape[1], keys, start).to(ids.device)
            if mask is not None:
                sees = sees & padding_mask(mask)
            x = block(x, sees, fold_in(rng, number + 1), scope, angles)
        if self.norm == "pre":
            x = tap("final_norm", self.final_norm(x), "batch position embed")
        return x

    def sees(
        self, number: int, query: int, key: int | None, start: int | Int[Tensor, ""]
    ) -> Bool[Tensor, "1 1 query key"]:
        """Which keys the queries of block ``number`` see, padding aside."""
        key = query if key is None else key
        if self.window is not None and number % 2:
            return banded_mask(query, key, self.window, start)
        return causal_mask(query, key, start)

    def angles(
        self, x: Float[Tensor, "batch position embed"], start: int | Int[Tensor, ""]
    ) -> Float[Tensor, "position half"]:
        """By how much rotary positions turn the heads at each position of x."""
        table = rotary_angles(self.positions, self.head_dim, self.theta)
        wide = torch.as_tensor(table).to(at_least_float32(x))
        return wide[start + torch.arange(x.shape[1], device=x.device)]

    def table(self) -> Float[Tensor, "vocab embed"]:
        """The output layer's matrix, one row a token."""
        return (self.embeddings.token_embedding if self.tied else self.output_embedding).table()

    def logits(self, hidden: Float[Tensor, "batch position embed"]) -> Float[Tensor, "batch position vocab"]:
        """The output layer, without bias."""
        return torch.einsum("bpe,ve->bpv", hidden, self.table())

    def empty_cache(self, batch: int, room: int, dtype: torch.dtype = torch.float32) -> Cache:
        """A cache for `step`, with room for that many tokens a row."""
        if room > self.positions:
            raise ValueError(f"room={room} for tokens, but the model has positions={self.positions}")
        cache = empty_cache(self.layers, (batch, self.kv_heads, room, self.head_dim), dtype)
        return {name: array.to(self.table().device) for name, array in cache.items()}

    @torch.no_grad()
    def step(
        self, ids: Int[Tensor, "batch position"], cache: Cache, tap: Tap = no_tap
    ) -> tuple[Float[Tensor, "batch position vocab"], Cache]:
        """`forward` for tokens that follow those in the cache: many at first (the prompt), then one by one.

        More tokens than the cache has room for must be caught before: the last would be overwritten.
        """
        keeping, grown = remember(cache, tap)
        room = cache["blocks.0/attention/key"].shape[2]
        hidden = self.hidden(ids, None, None, keeping, cache["length"], room)
        grown["length"] = cache["length"] + ids.shape[1]
        return tap("logits", self.logits(hidden), "batch position vocab"), grown


class GPTClassifier(nn.Module):
    """GPT to classify sequences (Radford et al. 2018, section 3.2): a linear layer on the last real token.

    Of a row without real tokens the layer reads zeros.
    """

    def __init__(self, gpt: GPT, classes: int) -> None:
        super().__init__()
        self.gpt = gpt
        self.head = Linear(gpt.embed, classes, std=STD)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch classes"]:
        x = self.gpt.hidden(ids, mask, rng, within(tap, "gpt"))
        last = (mask.sum(dim=1) - 1).clamp(min=0)
        rows = torch.arange(x.shape[0], device=x.device)
        pooled = torch.where(mask.any(dim=1)[:, None], x[rows, last], 0.0)
        pooled = tap("pooled", pooled, "batch embed")
        pooled = dropout(pooled, self.gpt.dropout, fold_in(rng, self.gpt.layers + 1))
        return tap("logits", self.head(pooled), "batch classes")
