"""A learner's transformer in JAX, from the attention up: what `grade` is tried on."""

import jax
import jax.numpy as jnp
from flax import linen as nn


def attention(q, k, v, mask=None):
    scores = jnp.einsum("bqd,bkd->bqk", q, k) / jnp.sqrt(q.shape[-1])
    if mask is not None:
        scores = jnp.where(mask, scores, -jnp.inf)
    weights = jax.nn.softmax(scores, axis=-1)
    return jnp.einsum("bqk,bkd->bqd", weights, v)


class Head(nn.Module):
    head_dim: int
    dropout: float = 0.0

    @nn.compact
    def __call__(self, x, mask=None, deterministic=True):
        q = nn.Dense(self.head_dim, name="q")(x)
        k = nn.Dense(self.head_dim, name="k")(x)
        v = nn.Dense(self.head_dim, name="v")(x)
        scores = jnp.einsum("bqd,bkd->bqk", q, k) / jnp.sqrt(q.shape[-1])
        if mask is not None:
            scores = jnp.where(mask, scores, -jnp.inf)
        weights = jax.nn.softmax(scores, axis=-1)
        weights = nn.Dropout(self.dropout)(weights, deterministic=deterministic)
        return jnp.einsum("bqk,bkd->bqd", weights, v)


class MultiHeadAttention(nn.Module):
    num_heads: int
    dropout: float = 0.0

    @nn.compact
    def __call__(self, x, mask=None, deterministic=True):
        b, n, d = x.shape

        def split(t):
            return t.reshape(b, n, self.num_heads, d // self.num_heads).transpose(0, 2, 1, 3)

        q = split(nn.Dense(d, name="query")(x))
        k = split(nn.Dense(d, name="key")(x))
        v = split(nn.Dense(d, name="value")(x))
        scores = jnp.einsum("bhqd,bhkd->bhqk", q, k) / jnp.sqrt(q.shape[-1])
        if mask is not None:
            scores = jnp.where(mask, scores, -jnp.inf)
        weights = jax.nn.softmax(scores, axis=-1)
        weights = nn.Dropout(self.dropout)(weights, deterministic=deterministic)
        heads = jnp.einsum("bhqk,bhkd->bhqd", weights, v)
        merged = heads.transpose(0, 2, 1, 3).reshape(b, n, d)
        return nn.Dense(d, name="out")(merged)


class MLP(nn.Module):
    mlp_dim: int
    act: callable

    @nn.compact
    def __call__(self, x):
        hidden = self.act(nn.Dense(self.mlp_dim, name="up")(x))
        return nn.Dense(x.shape[-1], name="down")(hidden)


def exact_gelu(x):
    return nn.gelu(x, approximate=False)


class Block(nn.Module):
    num_heads: int
    mlp_dim: int
    dropout: float = 0.0
    act: callable = exact_gelu

    @nn.compact
    def __call__(self, x, mask=None, deterministic=True):
        y = nn.LayerNorm(epsilon=1e-5, name="ln1")(x)
        y = MultiHeadAttention(self.num_heads, self.dropout, name="attn")(y, mask, deterministic)
        x = x + nn.Dropout(self.dropout)(y, deterministic=deterministic)
        y = nn.LayerNorm(epsilon=1e-5, name="ln2")(x)
        y = MLP(self.mlp_dim, self.act, name="mlp")(y)
        return x + nn.Dropout(self.dropout)(y, deterministic=deterministic)


class Classifier(nn.Module):
    vocab_size: int
    max_len: int
    d_model: int
    num_heads: int
    mlp_dim: int
    num_layers: int
    num_classes: int
    dropout: float = 0.0

    @nn.compact
    def __call__(self, ids, mask, deterministic=True):
        x = nn.Embed(self.vocab_size, self.d_model, name="tok")(ids)
        x = x + nn.Embed(self.max_len, self.d_model, name="pos")(jnp.arange(ids.shape[1]))
        x = nn.Dropout(self.dropout)(x, deterministic=deterministic)
        numbers = range(self.num_layers)
        blocks = [Block(self.num_heads, self.mlp_dim, self.dropout, name=f"block_{i}") for i in numbers]
        for block in blocks:
            x = block(x, mask[:, None, None, :], deterministic)
        x = nn.LayerNorm(epsilon=1e-5, name="ln_f")(x)
        pooled = (x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        return nn.Dense(self.num_classes, name="head")(pooled)


class PostBlock(nn.Module):
    num_heads: int
    mlp_dim: int
    dropout: float

    @nn.compact
    def __call__(self, x, mask, deterministic):
        y = MultiHeadAttention(self.num_heads, self.dropout, name="attn")(x, mask, deterministic)
        x = nn.LayerNorm(epsilon=1e-12, name="ln1")(x + y)
        y = MLP(self.mlp_dim, exact_gelu, name="mlp")(x)
        return nn.LayerNorm(epsilon=1e-12, name="ln2")(x + y)


class BERT(nn.Module):
    vocab_size: int
    max_len: int
    type_vocab_size: int
    d_model: int
    num_heads: int
    mlp_dim: int
    num_layers: int
    dropout: float = 0.0

    @nn.compact
    def __call__(self, ids, segment_ids, mask, deterministic=True):
        tok = nn.Embed(self.vocab_size, self.d_model, name="tok")
        x = tok(ids)
        x = x + nn.Embed(self.max_len, self.d_model, name="pos")(jnp.arange(ids.shape[1]))
        x = x + nn.Embed(self.type_vocab_size, self.d_model, name="seg")(segment_ids)
        x = nn.LayerNorm(epsilon=1e-12, name="ln_emb")(x)
        x = nn.Dropout(self.dropout)(x, deterministic=deterministic)
        numbers = range(self.num_layers)
        blocks = [PostBlock(self.num_heads, self.mlp_dim, self.dropout, name=f"block_{i}") for i in numbers]
        for block in blocks:
            x = block(x, mask[:, None, None, :], deterministic)
        x = exact_gelu(nn.Dense(self.d_model, name="mlm_dense")(x))
        x = nn.LayerNorm(epsilon=1e-12, name="mlm_ln")(x)
        return tok.attend(x) + self.param("mlm_bias", nn.initializers.zeros, (self.vocab_size,))


class GPT(nn.Module):
    vocab_size: int
    block_size: int
    n_embd: int
    num_heads: int
    mlp_dim: int
    num_layers: int
    dropout: float = 0.0

    @nn.compact
    def __call__(self, ids, deterministic=True):
        n = ids.shape[1]
        mask = jnp.tril(jnp.ones((n, n), bool))
        wte = nn.Embed(self.vocab_size, self.n_embd, name="wte")
        x = wte(ids)
        x = x + nn.Embed(self.block_size, self.n_embd, name="wpe")(jnp.arange(n))
        x = nn.Dropout(self.dropout)(x, deterministic=deterministic)
        numbers = range(self.num_layers)
        blocks = [Block(self.num_heads, self.mlp_dim, self.dropout, nn.gelu, name=f"h_{i}") for i in numbers]
        for block in blocks:
            x = block(x, mask, deterministic)
        x = nn.LayerNorm(epsilon=1e-5, name="ln_f")(x)
        return wte.attend(x)
