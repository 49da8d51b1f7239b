"""A transformer of the parts that `flax.nnx` has."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchmarks.workloads import Workload

SMALL = nnx.initializers.normal(0.02)


class Block(nnx.Module):
    """Attention and feed-forward; the norm before each (GPT), or after each sum (BERT)."""

    def __init__(self, workload: Workload, pre: bool, rngs: nnx.Rngs) -> None:
        self.pre, embed = pre, workload.embed
        self.attention = nnx.MultiHeadAttention(workload.heads, embed, decode=False, rngs=rngs)
        self.up = nnx.Linear(embed, workload.mlp, rngs=rngs)
        self.down = nnx.Linear(workload.mlp, embed, rngs=rngs)
        self.norm1, self.norm2 = nnx.LayerNorm(embed, rngs=rngs), nnx.LayerNorm(embed, rngs=rngs)

    def __call__(self, x: jax.Array, mask: jax.Array | None, decode: bool) -> jax.Array:
        if self.pre:
            x = x + self.attention(self.norm1(x), mask=mask, decode=decode)
            return x + self.feed_forward(self.norm2(x))
        x = self.norm1(x + self.attention(x, mask=mask, decode=decode))
        return self.norm2(x + self.feed_forward(x))

    def feed_forward(self, x: jax.Array) -> jax.Array:
        return self.down(nnx.gelu(self.up(x)))


class Transformer(nnx.Module):
    """Tokens and positions, blocks, and the head that a workload asks for."""

    def __init__(self, workload: Workload, rngs: nnx.Rngs) -> None:
        embed, pre = workload.embed, workload.kind != "mlm"
        self.kind = workload.kind
        self.tokens = nnx.Embed(workload.vocab, embed, embedding_init=SMALL, rngs=rngs)
        self.positions = nnx.Embed(workload.length, embed, embedding_init=SMALL, rngs=rngs)
        self.blocks = nnx.List([Block(workload, pre, rngs) for _ in range(workload.layers)])
        self.norm = nnx.LayerNorm(embed, rngs=rngs)
        if self.kind == "mlm":
            self.transform = nnx.Linear(embed, embed, rngs=rngs)
        if self.kind in ("classifier", "inference"):
            self.head = nnx.Linear(embed, workload.classes, kernel_init=SMALL, rngs=rngs)

    def hidden(self, ids: jax.Array, mask: jax.Array | None) -> jax.Array:
        x = self.tokens(ids) + self.positions(jnp.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x, mask, False)
        return x if self.kind == "mlm" else self.norm(x)

    def loss(self, batch: Any) -> jax.Array:
        if self.kind == "gpt":
            logits = self.tokens.attend(self.hidden(batch.ids, nnx.make_causal_mask(batch.ids)))
        elif self.kind == "mlm":  # only the positions that were masked go through the head
            hidden = self.hidden(batch.ids, None)
            chosen = jnp.take_along_axis(hidden, batch.masked_positions[:, :, None], axis=1)
            logits = self.tokens.attend(self.norm(nnx.gelu(self.transform(chosen))))
        else:
            logits = self.class_logits(batch.ids, batch.mask)
        return optax.softmax_cross_entropy_with_integer_labels(logits, batch.labels).mean()

    def class_logits(self, ids: jax.Array, mask: jax.Array) -> jax.Array:
        """Of the mean over real tokens."""
        hidden = self.hidden(ids, mask[:, None, None, :])
        real = jnp.asarray(mask)[:, :, None]
        return self.head((hidden * real).sum(axis=1) / real.sum(axis=1))

    def init_caches(self, batch: int, length: int) -> None:
        for block in self.blocks:
            block.attention.init_cache((batch, length, block.attention.in_features))

    def next_logits(self, ids: jax.Array, position: jax.Array) -> jax.Array:
        """After one token a row, which the caches take in."""
        x = self.tokens(ids) + self.positions(position)
        for block in self.blocks:
            x = block(x, None, True)
        return self.tokens.attend(self.norm(x))[:, 0]
