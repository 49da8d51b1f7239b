# %% [markdown]
# # Many heads
#
# Several attentions side by side, each in its own few numbers of the vector:
#
# MultiHead(Q, K, V) = Concat(head₁, …, headₕ) Wᴼ, headᵢ = Attention(Q Wᵢᵠ, K Wᵢᴷ, V Wᵢⱽ)
# (Vaswani et al. 2017, section 3.2.2)
#
# **Time.** Usually an hour to two hours, with the exercise.
#
# **Watch for.** Do the shapes feel obvious? All that is new here is one axis, heads. Say where it stands
# before each cell, and where it stands behind it.

# %%
import math

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import torch

jax.config.update("jax_enable_x64", True)  # float64: what differs then is no rounding
BATCH, POSITION, EMBED, HEADS = 2, 7, 12, 3
HEAD_DIM = EMBED // HEADS

# %% [markdown]
# ## Weights
#
# Wᵢᵠ of all heads are one array with an axis for the heads: (embed heads head_dim) as Flax keeps it.
# PyTorch's Linear keeps a matrix (out in), with both of these merged in one: ((heads head_dim) embed).
#
# **Question.** Which einops pattern leads from the one to the other?

# %% [markdown]
# **Answer.** `embed heads head_dim -> (heads head_dim) embed`. In plain arrays: merge the last two axes, then
# transpose. In PyTorch's order of axes the heads are the slower one of the two that are merged.

# %%
rng = np.random.default_rng(0)
x = rng.standard_normal((BATCH, POSITION, EMBED))
names = ("query", "key", "value")
kernels = {name: rng.standard_normal((EMBED, HEADS, HEAD_DIM)) / math.sqrt(EMBED) for name in names}
output_kernel = rng.standard_normal((HEADS, HEAD_DIM, EMBED)) / math.sqrt(EMBED)

jax_x = jnp.asarray(x)
jax_kernels = {name: jnp.asarray(kernel) for name, kernel in kernels.items()}
torch_x = torch.tensor(x)
torch_weights = {
    name: torch.tensor(kernel.reshape(EMBED, HEADS * HEAD_DIM).T) for name, kernel in kernels.items()
}
print("JAX: embed heads head_dim", jax_kernels["query"].shape)
print("PyTorch: (heads head_dim) embed", tuple(torch_weights["query"].shape))

# %% [markdown]
# ## Into the heads
#
# JAX: one einsum does it all. PyTorch: multiply by the matrix, **split** what was merged, then **transpose**,
# so that (position head_dim) are the last two axes, as attention wants them. Letters: **b**atch,
# **p**osition, **e**mbed, **h**eads, head_**d**im.

# %%
jax_heads = {name: jnp.einsum("bpe,ehd->bhpd", jax_x, kernel) for name, kernel in jax_kernels.items()}
torch_heads = {
    name: (torch_x @ weight.T).reshape(BATCH, POSITION, HEADS, HEAD_DIM).transpose(1, 2)
    for name, weight in torch_weights.items()
}
print("batch heads position head_dim", jax_heads["query"].shape, tuple(torch_heads["query"].shape))
for name in names:
    np.testing.assert_allclose(jax_heads[name], torch_heads[name], rtol=1e-12, atol=1e-12)

# %% [markdown]
# ## Attention, in each head alone
#
# The formula of `attention.py`, with one letter more, which is on both sides of every arrow: no head sees
# another. The mask is (batch 1 query key) or less; its axis of size 1 is the same for all heads.

# %%
causal = np.tri(POSITION, dtype=bool)[None, None]

jax_scores = jnp.einsum("bhqd,bhkd->bhqk", jax_heads["query"], jax_heads["key"]) / math.sqrt(HEAD_DIM)
jax_attention = jax.nn.softmax(jnp.where(causal, jax_scores, -jnp.inf), axis=-1)
jax_read = jnp.einsum("bhqk,bhkd->bhqd", jax_attention, jax_heads["value"])

torch_scores = torch.einsum("bhqd,bhkd->bhqk", torch_heads["query"], torch_heads["key"]) / math.sqrt(HEAD_DIM)
torch_attention = torch.softmax(torch.where(torch.tensor(causal), torch_scores, -torch.inf), dim=-1)
torch_read = torch.einsum("bhqk,bhkd->bhqd", torch_attention, torch_heads["value"])

print("weights: batch heads query key", jax_attention.shape, tuple(torch_attention.shape))
print("read: batch heads query head_dim", jax_read.shape, tuple(torch_read.shape))
np.testing.assert_allclose(jax_attention, torch_attention, rtol=1e-12, atol=1e-12)

# %%
figure, panels = plt.subplots(1, HEADS, figsize=(9, 3.2), layout="constrained", sharey=True)
colours = plt.get_cmap("viridis").with_extremes(bad="#d4d4d4")
for number, panel in enumerate(panels):
    shown = np.ma.masked_array(jax_attention[0, number], ~causal[0, 0])
    image = panel.imshow(shown, cmap=colours, vmin=0, vmax=1)
    panel.set(title=f"head {number}", xlabel="key")
panels[0].set_ylabel("query")
figure.colorbar(image, ax=panels, label="weight (hidden keys are grey)")
plt.show()

# %% [markdown]
# ## Out of the heads
#
# Concat, then Wᴼ. The einsum sums over heads and head_dim at once; the other way transposes **back** before
# it merges.

# %%
jax_output = jnp.einsum("bhpd,hde->bpe", jax_read, jnp.asarray(output_kernel))

torch_output_weight = torch.tensor(output_kernel.reshape(HEADS * HEAD_DIM, EMBED).T)
torch_merged = torch_read.transpose(1, 2).reshape(BATCH, POSITION, HEADS * HEAD_DIM)
torch_output = torch_merged @ torch_output_weight.T

print("output: batch position embed", jax_output.shape, tuple(torch_output.shape))
np.testing.assert_allclose(jax_output, torch_output, rtol=1e-12, atol=1e-12)

# %% [markdown]
# ## Break it
#
# Reshape straight to (batch heads position head_dim), and back, without the transposes. The shape is right
# and nothing complains, but a "head" is now a stretch of positions. Change the first token, and see
# who notices.


# %%
def attended(tokens: torch.Tensor, transposes: bool) -> torch.Tensor:
    """(batch position embed) to the same, all of the above but for the output's matrix."""
    query, key, value = (tokens @ weight.T for weight in torch_weights.values())
    if transposes:
        split = (BATCH, POSITION, HEADS, HEAD_DIM)
        query, key, value = (each.reshape(split).transpose(1, 2) for each in (query, key, value))
    else:
        split = (BATCH, HEADS, POSITION, HEAD_DIM)
        query, key, value = (each.reshape(split) for each in (query, key, value))
    scores = torch.einsum("bhqd,bhkd->bhqk", query, key) / math.sqrt(HEAD_DIM)
    weights = torch.softmax(torch.where(torch.tensor(causal), scores, -torch.inf), dim=-1)
    read = torch.einsum("bhqk,bhkd->bhqd", weights, value)
    return (read.transpose(1, 2) if transposes else read).reshape(BATCH, POSITION, EMBED)


changed = torch_x.clone()
changed[:, 0] += 1.0
for transposes in (True, False):
    differs = attended(torch_x, transposes) != attended(changed, transposes)
    noticing = differs.any(dim=2).any(dim=0).nonzero()[:, 0].tolist()
    print("with transposes:   " if transposes else "without transposes:", "noticed at positions", noticing)

# %% [markdown]
# **Question.** Why do the last positions not notice any more?

# %% [markdown]
# **Answer.** The first "head" is the first third of all numbers: the first positions, with all that they
# have. No head sees another, so nothing gets from the first positions to the last.

# %% [markdown]
# ## Exercise
#
# Write it yourself, as a module, in either framework or in both:
#
# ```
# twinformer grade --start multi_head --framework torch
# twinformer grade multi_head_torch.py
# ```
#
# The first command writes `multi_head_torch.py` without the answer; `--framework jax` writes
# `multi_head_jax.py`. Given both files at once, `grade` says whether the two agree too.
