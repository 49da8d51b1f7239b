# %% [markdown]
# # The block
#
# Attention moves between positions, the feed-forward layer works at each alone. Both add to what comes in:
#
# x + Attention(norm(x)), then x + FeedForward(norm(x)) (pre-norm: Xiong et al. 2020, figure 1b)
#
# **Time.** Usually an hour, with the exercise, if there are heads (`multi_head.py`).
#
# **Watch for.** Do the shapes feel obvious? Here they are the quiet part: (batch position embed) goes in and
# comes out of everything. Only the feed-forward layer is wider (mlp), for a moment.

# %%
import math

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import torch
from flax.traverse_util import flatten_dict, unflatten_dict

from jax_impl.block import TransformerBlock
from jax_impl.config import BlockConfig
from torch_impl import convert

jax.config.update("jax_enable_x64", True)  # float64: what differs then is no rounding
BATCH, POSITION, EMBED, HEADS, MLP, EPS = 2, 7, 12, 3, 20, 1e-5
HEAD_DIM = EMBED // HEADS

# %% [markdown]
# ## Weights
#
# Those of our own block in Flax, and through the converter the same for PyTorch. Compare the two columns:
# which are transposed, which are merged?

# %%
config = BlockConfig(embed=EMBED, heads=HEADS, mlp=MLP, activation="relu")
rng = np.random.default_rng(0)
x = rng.standard_normal((BATCH, POSITION, EMBED))
drawn = TransformerBlock(config).init(jax.random.key(0), jnp.asarray(x, jnp.float32))["params"]
jax_params = {name: jnp.asarray(w, jnp.float64) for name, w in flatten_dict(drawn, sep="/").items()}
jax_params |= {name: jnp.asarray(rng.normal(w, 0.1)) for name, w in jax_params.items() if w.ndim == 1}

converted = convert.to_torch({name: np.asarray(w) for name, w in jax_params.items()})
torch_params = {name: torch.tensor(w) for name, w in converted.items()}
for (jax_name, jax_w), (torch_name, torch_w) in zip(jax_params.items(), torch_params.items(), strict=True):
    print(f"{jax_name:24} {jax_w.shape!s:12} {torch_name:26} {tuple(torch_w.shape)}")

# %% [markdown]
# ## The norm
#
# Each position's vector alone: less its mean, over its deviation (Ba et al. 2016, section 3). The mean is
# over embed, with `keepdims`, so that it goes with x again.


# %%
def jax_norm(x: jax.Array, name: str) -> jax.Array:
    """(batch position embed) to the same."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / jnp.sqrt(variance + EPS) * jax_params[f"{name}/scale"] + jax_params[f"{name}/bias"]


def torch_norm(x: torch.Tensor, name: str) -> torch.Tensor:
    """(batch position embed) to the same."""
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred**2).mean(dim=-1, keepdim=True)
    return (
        centred / torch.sqrt(variance + EPS) * torch_params[f"{name}.weight"] + torch_params[f"{name}.bias"]
    )


jax_x, torch_x = jnp.asarray(x), torch.tensor(x)
jax_normal, torch_normal = jax_norm(jax_x, "attention_norm"), torch_norm(torch_x, "attention_norm")
print("norm: batch position embed", jax_normal.shape, tuple(torch_normal.shape))
np.testing.assert_allclose(jax_normal, torch_normal, rtol=1e-12, atol=1e-12)

# %% [markdown]
# ## Attention, and the first sum
#
# As in `multi_head.py`, with biases.


# %%
def jax_attention(x: jax.Array) -> jax.Array:
    """(batch position embed) to the same."""
    query, key, value = (
        jnp.einsum("bpe,ehd->bhpd", x, jax_params[f"attention/{name}/kernel"])
        + jax_params[f"attention/{name}/bias"][None, :, None, :]
        for name in ("query", "key", "value")
    )
    weights = jax.nn.softmax(jnp.einsum("bhqd,bhkd->bhqk", query, key) / math.sqrt(HEAD_DIM), axis=-1)
    read = jnp.einsum("bhqk,bhkd->bhqd", weights, value)
    out = jnp.einsum("bhpd,hde->bpe", read, jax_params["attention/output/kernel"])
    return out + jax_params["attention/output/bias"]


def torch_attention(x: torch.Tensor) -> torch.Tensor:
    """(batch position embed) to the same."""
    split = (BATCH, POSITION, HEADS, HEAD_DIM)
    query, key, value = (
        (x @ torch_params[f"attention.{name}.weight"].T + torch_params[f"attention.{name}.bias"])
        .reshape(split)
        .transpose(1, 2)
        for name in ("query", "key", "value")
    )
    weights = torch.softmax(torch.einsum("bhqd,bhkd->bhqk", query, key) / math.sqrt(HEAD_DIM), dim=-1)
    read = torch.einsum("bhqk,bhkd->bhqd", weights, value).transpose(1, 2).reshape(BATCH, POSITION, EMBED)
    return read @ torch_params["attention.output.weight"].T + torch_params["attention.output.bias"]


jax_middle, torch_middle = jax_x + jax_attention(jax_normal), torch_x + torch_attention(torch_normal)
print("after attention: batch position embed", jax_middle.shape, tuple(torch_middle.shape))
np.testing.assert_allclose(jax_middle, torch_middle, rtol=1e-12, atol=1e-12)

# %% [markdown]
# ## Feed-forward, and the second sum
#
# max(0, x W₁ + b₁) W₂ + b₂ (Vaswani et al. 2017, section 3.3, eq. 2).
#
# **Question.** Which of the two parts of a block could be computed for each position on another machine?

# %% [markdown]
# **Answer.** This one: p stands on both sides of both arrows, so no position sees another.

# %%
jax_read = jax_norm(jax_middle, "feed_forward_norm")
jax_hidden = jnp.einsum("bpe,em->bpm", jax_read, jax_params["feed_forward/up/kernel"])
jax_active = jnp.maximum(0.0, jax_hidden + jax_params["feed_forward/up/bias"])
jax_down = jnp.einsum("bpm,me->bpe", jax_active, jax_params["feed_forward/down/kernel"])
jax_output = jax_middle + jax_down + jax_params["feed_forward/down/bias"]

torch_read = torch_norm(torch_middle, "feed_forward_norm")
torch_hidden = torch.einsum("bpe,me->bpm", torch_read, torch_params["feed_forward.up.weight"])
torch_active = torch.clamp(torch_hidden + torch_params["feed_forward.up.bias"], min=0.0)
torch_down = torch.einsum("bpm,em->bpe", torch_active, torch_params["feed_forward.down.weight"])
torch_output = torch_middle + torch_down + torch_params["feed_forward.down.bias"]

print("hidden: batch position mlp", jax_active.shape, tuple(torch_active.shape))
np.testing.assert_allclose(jax_output, torch_output, rtol=1e-12, atol=1e-12)

# %% [markdown]
# The same numbers as our block in Flax, which is built of the same lines:

# %%
ours = TransformerBlock(config).apply({"params": unflatten_dict(jax_params, sep="/")}, jax_x)
np.testing.assert_allclose(np.asarray(ours), jax_output, rtol=1e-12, atol=1e-12)

# %% [markdown]
# ## Break it
#
# Leave out the two sums, and put the block behind itself twelve times. Attention takes means, and nothing
# brings back what a position had of its own: the positions become alike (Dong et al. 2021, section 2). With
# the sums they stay apart for longer.


# %%
def alike(residual: bool, depth: int = 12) -> list[float]:
    """The mean cosine between the vectors of different positions after so many blocks."""
    stream, found = torch_x, []
    for _ in range(depth + 1):
        unit = stream / stream.norm(dim=-1, keepdim=True)
        cosines = torch.einsum("bqe,bke->bqk", unit, unit)
        found.append(float(cosines[:, ~torch.eye(POSITION, dtype=torch.bool)].mean()))
        branch = torch_attention(torch_norm(stream, "attention_norm"))
        stream = stream + branch if residual else branch
        hidden = torch_norm(stream, "feed_forward_norm") @ torch_params["feed_forward.up.weight"].T
        active = torch.clamp(hidden + torch_params["feed_forward.up.bias"], min=0.0)
        branch = active @ torch_params["feed_forward.down.weight"].T + torch_params["feed_forward.down.bias"]
        stream = stream + branch if residual else branch
    return found


figure, panel = plt.subplots(figsize=(6, 3.2), layout="constrained")
for residual, style in ((True, "-"), (False, "--")):
    panel.plot(alike(residual), style, label="with sums" if residual else "without")
panel.set(xlabel="blocks", ylabel="cosine between positions", ylim=(-0.2, 1.05))
panel.legend()
plt.show()

# %% [markdown]
# ## Exercise
#
# Write it yourself, with a mask, dropout, and the exact GELU in place of the ReLU:
#
# ```
# twinformer grade --start block --framework jax
# twinformer grade block_jax.py
# ```
#
# The first command writes `block_jax.py` without the answer; `--framework torch` writes `block_torch.py`.
