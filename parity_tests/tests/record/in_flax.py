"""The pair's side in Flax."""

import jax
from flax import linen
from flax.traverse_util import unflatten_dict

from parity_tests.pair import JaxModel
from parity_tests.tests.record.pair import EMBED, MLP, TABLE, VOCAB, WEIGHTS
from torch_impl.convert import fit


class Port(linen.Module):
    approximate: bool = False

    @linen.compact
    def __call__(self, ids, mask, x):
        x = linen.Embed(VOCAB, EMBED, name="tokens")(ids) + x
        h = linen.Dense(MLP, name="up")(linen.LayerNorm(1e-5, name="norm")(x))
        x = x + linen.Dense(EMBED, name="down")(jax.nn.gelu(h, self.approximate))
        return x * mask[..., None]


SHAPES = {
    "tokens/embedding": (VOCAB, EMBED),
    "norm/scale": (EMBED,),
    "norm/bias": (EMBED,),
    "up/kernel": (EMBED, MLP),
    "up/bias": (MLP,),
    "down/kernel": (MLP, EMBED),
    "down/bias": (EMBED,),
}


def model(mistaken: bool = False) -> JaxModel:
    """With the pair's weights; the mistake is the other GELU."""
    return JaxModel(Port(mistaken), unflatten_dict(fit(WEIGHTS, "torch", SHAPES, TABLE), sep="/"))
