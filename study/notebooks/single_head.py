# %% [markdown]
# # One head
#
# A sequence looks at itself. Three matrices make of each vector what it asks for, what it is found by, and
# what is read there:
#
# Attention(X Wᵠ, X Wᴷ, X Wⱽ) (Vaswani et al. 2017, section 3.2.2, one of its heads)
#
# **Time.** Usually half an hour, with the exercise, if there is attention (`attention.py`).
#
# **Watch for.** Do the shapes feel obvious? Which axes does a matrix W touch, and which does attention?

# %%
import math

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import torch

jax.config.update("jax_enable_x64", True)  # float64: what differs then is no rounding
BATCH, POSITION, EMBED, HEAD_DIM = 2, 7, 12, 4

# %% [markdown]
# ## Projections
#
# Flax keeps a matrix as (embed head_dim), PyTorch's Linear as (head_dim embed). The letters of the einsum say
# it: **e**mbed is summed over, wherever it stands.

# %%
rng = np.random.default_rng(0)
x = rng.standard_normal((BATCH, POSITION, EMBED))
kernels = rng.standard_normal((3, EMBED, HEAD_DIM)) / math.sqrt(EMBED)

jax_x, torch_x = jnp.asarray(x), torch.tensor(x)
jax_query, jax_key, jax_value = (jnp.einsum("bpe,ed->bpd", jax_x, jnp.asarray(w)) for w in kernels)
torch_query, torch_key, torch_value = (
    torch.einsum("bpe,de->bpd", torch_x, torch.tensor(w.T)) for w in kernels
)
print("query: batch position head_dim", jax_query.shape, tuple(torch_query.shape))
np.testing.assert_allclose(jax_query, torch_query, rtol=1e-12, atol=1e-12)

# %% [markdown]
# ## The position has two names
#
# Queries and keys are of the same positions, but in the scores they are two axes: who looks, and where.
#
# **Question.** The sequence becomes twice as long. How many scores are there then? How many weights in W?

# %% [markdown]
# **Answer.** Four times as many scores, and not one weight more: no W has an axis position.

# %%
jax_scores = jnp.einsum("bqd,bkd->bqk", jax_query, jax_key) / math.sqrt(HEAD_DIM)
jax_weights = jax.nn.softmax(jax_scores, axis=-1)
jax_output = jnp.einsum("bqk,bkd->bqd", jax_weights, jax_value)

torch_scores = torch.einsum("bqd,bkd->bqk", torch_query, torch_key) / math.sqrt(HEAD_DIM)
torch_weights = torch.softmax(torch_scores, dim=-1)
torch_output = torch.einsum("bqk,bkd->bqd", torch_weights, torch_value)

print("weights: batch query key", jax_weights.shape, tuple(torch_weights.shape))
print("output: batch query head_dim", jax_output.shape, tuple(torch_output.shape))
np.testing.assert_allclose(jax_output, torch_output, rtol=1e-12, atol=1e-12)

# %% [markdown]
# ## Break it
#
# Give queries and keys one matrix. The scores are symmetric then: a looks at b as b looks at a, before the
# softmax; and each position matches itself, as a vector with itself.

# %%
torch_shared = torch.einsum("bqd,bkd->bqk", torch_query, torch_query) / math.sqrt(HEAD_DIM)
jax_shared = jnp.einsum("bqd,bkd->bqk", jax_query, jax_query) / math.sqrt(HEAD_DIM)
np.testing.assert_allclose(jax_shared, torch_shared, rtol=1e-12, atol=1e-12)
np.testing.assert_allclose(torch_shared, torch_shared.transpose(1, 2), rtol=1e-12, atol=1e-12)
assert not np.allclose(torch_scores, torch_scores.transpose(1, 2))

figure, panels = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained", sharey=True)
largest = float(max(abs(torch_scores[0]).max(), abs(torch_shared[0]).max()))
for panel, name, scores in zip(panels, ("two matrices", "one matrix"), (jax_scores, jax_shared), strict=True):
    image = panel.imshow(scores[0], cmap="PuOr", vmin=-largest, vmax=largest)
    panel.set(title=name, xlabel="key")
panels[0].set_ylabel("query")
figure.colorbar(image, ax=panels, label="score")
plt.show()

# %% [markdown]
# ## The order is not seen
#
# Turn the sequence round: the outputs are turned round, and are the same. What comes first, attention does
# not know; a model has to be told by its embeddings (section 3.5).


# %%
def jax_head(tokens: jax.Array) -> jax.Array:
    """(batch position embed) to (batch position head_dim): all of the above."""
    query, key, value = (jnp.einsum("bpe,ed->bpd", tokens, jnp.asarray(w)) for w in kernels)
    scores = jnp.einsum("bqd,bkd->bqk", query, key) / math.sqrt(HEAD_DIM)
    return jnp.einsum("bqk,bkd->bqd", jax.nn.softmax(scores, axis=-1), value)


np.testing.assert_allclose(jax_head(jax_x[:, ::-1]), jax_output[:, ::-1], rtol=1e-12, atol=1e-12)

# %% [markdown]
# ## Exercise
#
# Write it yourself, with biases and a mask, in either framework or in both:
#
# ```
# twinformer grade --start single_head --framework jax
# twinformer grade single_head_jax.py
# ```
#
# The first command writes `single_head_jax.py` without the answer; `--framework torch` writes
# `single_head_torch.py`.
