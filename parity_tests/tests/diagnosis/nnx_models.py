"""The small models in nnx; functions are linen's."""

import jax.numpy as jnp
from flax import linen, nnx

from parity_tests.tests.diagnosis import setups
from parity_tests.tests.diagnosis.linen_models import ACTIVATIONS, attend, flat, normed, pooled
from parity_tests.tests.diagnosis.torch_models import MEAN, VARIANCE


class Norm(nnx.Module):
    def __init__(self, kind, eps):
        self.kind, self.eps, self.scale = kind, eps, nnx.Param(jnp.ones(setups.EMBED))
        self.bias = None if kind == "rms" else nnx.Param(jnp.zeros(setups.EMBED))

    def __call__(self, x):
        bias = None if self.bias is None else self.bias[...]
        return normed(x, self.scale[...], bias, self.kind, self.eps)


def attention_fn(*arrays, is_causal=False, **settings):
    """Linen's, as nnx's own takes its softmax in float32."""
    return linen.dot_product_attention(*arrays, **settings)


class Encoder(nnx.Module):
    def __init__(self, setup, rngs):
        s, width = setup, setups.EMBED
        self.setup = setup
        # Without its dtype, nnx's embedding is float32's for ever.
        self.tokens = nnx.Embed(setups.VOCAB, width, dtype=jnp.float64, rngs=rngs)
        self.positions = nnx.Embed(setups.POSITIONS, width, dtype=jnp.float64, rngs=rngs)
        make = (
            (lambda: nnx.LayerNorm(width, epsilon=s.eps, rngs=rngs))
            if s.norm == "layer"
            else lambda: Norm(s.norm, s.eps)
        )
        self.norm1, self.norm2, self.norm = make(), make(), make()
        self.attention = nnx.MultiHeadAttention(
            setups.HEADS, width, decode=False, attention_fn=attention_fn, rngs=rngs
        )
        self.up, self.down = (
            nnx.Linear(*sizes, rngs=rngs) for sizes in ((width, setups.MLP), (setups.MLP, width))
        )

    def __call__(self, ids, mask):
        s = self.setup
        seen = {"padding": mask, "inverted": ~mask, "none": mask | True}[s.mask][:, None, None]
        x = self.tokens(ids) * (setups.EMBED**0.5 if s.scaled else 1)
        x = x + self.positions(s.first + jnp.arange(ids.shape[1]))
        h = x if s.post_norm else self.norm1(x)
        x = {"x": x, "normed": h, "none": 0}[s.skip] + self.attention(h, mask=seen)
        x = self.norm1(x) if s.post_norm else x
        u = ACTIVATIONS[s.activation](self.up(x if s.post_norm else self.norm2(x)))
        x = x + self.down(u.astype(jnp.float32).astype(u.dtype) if s.float32 else u)
        return self.norm(self.norm2(x) if s.post_norm else x)


class Heads(nnx.Module):
    def __init__(self, setup, rngs):
        self.setup, width = setup, setups.EMBED
        self.query, self.key, self.value, self.out = (nnx.Linear(width, width, rngs=rngs) for _ in range(4))

    def __call__(self, x):
        made = {"q": self.query(x), "k": self.key(x), "v": self.value(x)}
        return self.out(attend(made, self.setup))


class Convolutions(nnx.Module):
    def __init__(self, setup, rngs):
        s = self.setup = setup
        self.stem = nnx.Conv(2, 6, (3, 3), s.stride, padding=[s.padding] * 2, rngs=rngs)
        self.norm = nnx.BatchNorm(6, epsilon=s.eps, rngs=rngs)
        if s.statistics != "new":
            self.norm.mean[...], self.norm.var[...] = jnp.asarray(MEAN), jnp.asarray(VARIANCE)
        self.conv, self.head = nnx.Conv(6, 6, (3, 3), rngs=rngs), nnx.Linear(54, 5, rngs=rngs)

    def __call__(self, x):
        s = self.setup
        x = self.stem(jnp.moveaxis(x, 1, -1))
        x = self.norm(x, use_running_average=s.statistics != "batch")
        x = ACTIVATIONS[s.activation](self.conv(x))
        return self.head(flat(pooled(x, s.pooling), s.flatten))


def candidate(kind, setup):
    return globals()[kind](setup, nnx.Rngs(0))
