# %% [markdown]
# # Attention
#
# Each query looks at every key, and takes home a mean of their values, weighted by how well they match:
#
# softmax(Q Kᵀ / √head_dim) V (Vaswani et al. 2017, section 3.2.1, eq. 1)
#
# **Time.** Usually half an hour to an hour, with the exercise.
#
# **Watch for.** Do the shapes feel obvious? Say the shape that comes out before you run a cell. Where you
# have to look, stay with that cell.

# %%
import math

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import torch

jax.config.update("jax_enable_x64", True)  # float64: what differs then is no rounding
BATCH, QUERY, KEY, HEAD_DIM = 2, 5, 7, 64

# %% [markdown]
# ## The scores
#
# One number for each query and each key: their product, summed over head_dim. The letters of the einsum are
# the axes: **b**atch, **q**uery, **k**ey, head_**d**im. A letter that is missing on the right is summed over.

# %%
rng = np.random.default_rng(0)
query = rng.standard_normal((BATCH, QUERY, HEAD_DIM))
key = rng.standard_normal((BATCH, KEY, HEAD_DIM))
value = rng.standard_normal((BATCH, KEY, HEAD_DIM))

jax_query, jax_key, jax_value = jnp.asarray(query), jnp.asarray(key), jnp.asarray(value)
jax_scores = jnp.einsum("bqd,bkd->bqk", jax_query, jax_key) / math.sqrt(HEAD_DIM)

torch_query, torch_key, torch_value = torch.tensor(query), torch.tensor(key), torch.tensor(value)
torch_scores = torch.einsum("bqd,bkd->bqk", torch_query, torch_key) / math.sqrt(HEAD_DIM)

print("scores: batch query key", jax_scores.shape, tuple(torch_scores.shape))
np.testing.assert_allclose(jax_scores, torch_scores, rtol=1e-12, atol=1e-12)

# %% [markdown]
# **Question.** Each query shares out one whole among the keys. Over which axis does the softmax run?

# %% [markdown]
# **Answer.** Over the keys, the last axis, so that each query's weights sum to 1. Over the queries they would
# have the same shape: no error would tell.

# %%
jax_exponentials = jnp.exp(jax_scores - jax_scores.max(axis=-1, keepdims=True))
jax_weights = jax_exponentials / jax_exponentials.sum(axis=-1, keepdims=True)
jax_output = jnp.einsum("bqk,bkd->bqd", jax_weights, jax_value)

torch_exponentials = torch.exp(torch_scores - torch_scores.amax(dim=-1, keepdim=True))
torch_weights = torch_exponentials / torch_exponentials.sum(dim=-1, keepdim=True)
torch_output = torch.einsum("bqk,bkd->bqd", torch_weights, torch_value)

print("output: batch query head_dim", jax_output.shape, tuple(torch_output.shape))
np.testing.assert_allclose(jax_weights.sum(axis=-1), 1.0, rtol=1e-12)
np.testing.assert_allclose(jax_output, torch_output, rtol=1e-12, atol=1e-12)

# %% [markdown]
# ## Masks
#
# A mask is True where a query may look at a key. Elsewhere the score becomes -∞, and so the weight exactly 0.
# Here a sequence looks at itself, so there are as many keys as queries.

# %%
positions = np.arange(KEY)
masks = {
    "no mask": np.ones((KEY, KEY), bool),
    "padding: five real tokens": np.broadcast_to(positions[None, :] < 5, (KEY, KEY)),
    "causal: nothing that follows": positions[None, :] <= positions[:, None],
}
asking = rng.standard_normal((KEY, HEAD_DIM))
jax_own = jnp.einsum("qd,kd->qk", jnp.asarray(asking), jax_key[0]) / math.sqrt(HEAD_DIM)
torch_own = torch.einsum("qd,kd->qk", torch.tensor(asking), torch_key[0]) / math.sqrt(HEAD_DIM)

figure, panels = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained", sharey=True)
for panel, (name, mask) in zip(panels, masks.items(), strict=True):
    jax_masked = jax.nn.softmax(jnp.where(mask, jax_own, -jnp.inf), axis=-1)
    torch_masked = torch.softmax(torch.where(torch.tensor(mask), torch_own, -torch.inf), dim=-1)
    np.testing.assert_allclose(jax_masked, torch_masked, rtol=1e-12, atol=1e-12)
    assert not np.asarray(jax_masked)[~mask].any()
    colours = plt.get_cmap("viridis").with_extremes(bad="#d4d4d4")
    image = panel.imshow(np.ma.masked_array(jax_masked, ~mask), cmap=colours, vmin=0, vmax=1)
    panel.set(title=name, xlabel="key")
panels[0].set_ylabel("query")
figure.colorbar(image, ax=panels, label="weight (hidden keys are grey)")
plt.show()

# %% [markdown]
# **Question.** The padding mask hides columns, not rows. What do the queries of the padding do?

# %% [markdown]
# **Answer.** They look at the real tokens, and what they find is read by nobody. What counts is that no real
# query looks at padding.

# %% [markdown]
# ## Break it
#
# Leave out √head_dim. A sum of head_dim products has a variance of head_dim (the paper's footnote 4), so the
# larger the head, the more the softmax is one key alone, and its gradient nearly zero. The entropy says how
# many keys a query looks at: exp(entropy) is that many, alike.

# %%
for divisor in (math.sqrt(HEAD_DIM), 1.0):
    tried = jax.nn.softmax(jax_scores * math.sqrt(HEAD_DIM) / divisor, axis=-1)
    entropy = -jnp.where(tried > 0, tried * jnp.log(tried), 0.0).sum(axis=-1).mean()
    print(f"divided by {divisor:g}: entropy {entropy:.2f} nats, {math.exp(entropy):.1f} of {KEY} keys")

# %% [markdown]
# ## Exercise
#
# Write it yourself, with a mask, in either framework or in both:
#
# ```
# twinformer grade --start attention --framework jax
# twinformer grade attention_jax.py
# ```
#
# The first command writes `attention_jax.py` without the answer; `--framework torch` writes
# `attention_torch.py`. The second says what is right, or what is wrong and where to look.
