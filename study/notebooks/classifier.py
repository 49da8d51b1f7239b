# %% [markdown]
# # A classifier
#
# Texts of different lengths in, for each the logits of its classes: embeddings, blocks that see no padding,
# the mean over the real tokens, a linear layer.
#
# **Time.** Usually half an hour to an hour, with the exercise, if there is a block (`block.py`).
#
# **Watch for.** Do the shapes feel obvious? Where does the axis position end? The mask is used twice, in two
# shapes: which axis of it goes with which axis of what it meets?

# %%
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import torch
from flax.traverse_util import flatten_dict

from jax_impl.block import TransformerBlock as JaxBlock
from jax_impl.classifier import TextClassifier
from jax_impl.config import ClassifierConfig
from torch_impl import config as torch_config
from torch_impl import convert
from torch_impl.classifier import TextClassifier as TorchClassifier

jax.config.update("jax_enable_x64", True)  # float64: what differs then is no rounding
BATCH, POSITION, VOCAB, EMBED, CLASSES, PAD, EPS = 3, 7, 17, 12, 4, 0, 1e-5
SIZES: dict[str, Any] = {
    "vocab": VOCAB,
    "max_positions": 40,
    "embed": EMBED,
    "heads": 3,
    "mlp": 20,
    "layers": 2,
    "classes": CLASSES,
}

# %% [markdown]
# ## A batch of texts
#
# Of 7, 4 and 2 tokens. An array has no ragged edge, so the short ones are filled up, here with id 0, and a
# mask (batch position) says what is real.

# %%
rng = np.random.default_rng(0)
mask = np.arange(POSITION)[None, :] < np.array([7, 4, 2])[:, None]
ids = np.where(mask, rng.integers(1, VOCAB, (BATCH, POSITION)), PAD).astype(np.int32)
print(ids)

config = ClassifierConfig(**SIZES)
drawn = TextClassifier(config).init(jax.random.key(0), jnp.asarray(ids), jnp.asarray(mask))["params"]
params = jax.tree.map(lambda w: jnp.asarray(rng.normal(w, 0.3)), drawn)
torch_classifier = TorchClassifier(torch_config.ClassifierConfig(**SIZES))
convert.load(torch_classifier, {name: np.asarray(w) for name, w in flatten_dict(params, sep="/").items()})
torch_weights = {name: w.detach() for name, w in torch_classifier.named_parameters()}

jax_mask, torch_mask = jnp.asarray(mask), torch.tensor(mask)

# %% [markdown]
# ## Embeddings, and blocks that see no padding
#
# A row of one table for what a token is, a row of another for where it stands; padding has rows too. Then
# the blocks of `block.py`, with GELU.
#
# **Question.** The scores are (batch heads query key). What shape has the padding's mask there, and which of
# its axes has the length 7?

# %% [markdown]
# **Answer.** (batch 1 1 key): what is hidden are keys, from all queries and in all heads. As (batch 1 query
# 1) it would have blinded whoever asks, and hidden nothing.

# %%
jax_tables, jax_keys = params["embeddings"], jax_mask[:, None, None, :]
jax_places = jax_tables["position_embedding"]["embedding"][None, :POSITION]
jax_x = jax_tables["token_embedding"]["embedding"][ids] + jax_places
for number in range(SIZES["layers"]):
    jax_x = JaxBlock(config).apply({"params": params[f"blocks_{number}"]}, jax_x, jax_keys)

torch_ids, torch_keys = torch.tensor(ids), torch_mask[:, None, None, :]
torch_places = torch_weights["embeddings.position_embedding.weight"][None, :POSITION]
torch_x = torch_weights["embeddings.token_embedding.weight"][torch_ids] + torch_places
with torch.no_grad():
    for number in range(SIZES["layers"]):
        torch_x = torch_classifier.blocks[number](torch_x, torch_keys)

print("mask: batch 1 1 key", jax_keys.shape, tuple(torch_keys.shape))
print("after the blocks: batch position embed", jax_x.shape, tuple(torch_x.shape))
np.testing.assert_allclose(jax_x, torch_x, rtol=1e-11, atol=1e-11)

# %% [markdown]
# ## The mean over the real tokens
#
# One more norm, as after all pre-norm blocks. Then the axis position goes: the sum over what is real, by how
# much of it there is. The mask is (batch position 1) now, and the count (batch 1).

# %%
jax_centred = jax_x - jax_x.mean(axis=-1, keepdims=True)
jax_normal = jax_centred / jnp.sqrt((jax_centred**2).mean(axis=-1, keepdims=True) + EPS)
jax_hidden = jax_normal * params["final_norm"]["scale"] + params["final_norm"]["bias"]
jax_sum = jnp.where(jax_mask[:, :, None], jax_hidden, 0.0).sum(axis=1)
jax_pooled = jax_sum / jax_mask.sum(axis=1, keepdims=True)

torch_centred = torch_x - torch_x.mean(dim=-1, keepdim=True)
torch_normal = torch_centred / torch.sqrt((torch_centred**2).mean(dim=-1, keepdim=True) + EPS)
torch_hidden = torch_normal * torch_weights["final_norm.weight"] + torch_weights["final_norm.bias"]
torch_sum = torch.where(torch_mask[:, :, None], torch_hidden, 0.0).sum(dim=1)
torch_pooled = torch_sum / torch_mask.sum(dim=1, keepdim=True)

print("pooled: batch embed", jax_pooled.shape, tuple(torch_pooled.shape))
np.testing.assert_allclose(jax_pooled, torch_pooled, rtol=1e-11, atol=1e-11)
np.testing.assert_allclose(jax_pooled[2], jax_hidden[2, :2].mean(axis=0), rtol=1e-12, atol=1e-12)

# %% [markdown]
# ## Logits
#
# The same numbers as our classifier, in both frameworks.

# %%
jax_logits = jnp.einsum("be,ec->bc", jax_pooled, params["head"]["kernel"]) + params["head"]["bias"]
torch_logits = torch.einsum("be,ce->bc", torch_pooled, torch_weights["head.weight"])
torch_logits = torch_logits + torch_weights["head.bias"]

print("logits: batch classes", jax_logits.shape, tuple(torch_logits.shape))
np.testing.assert_allclose(jax_logits, torch_logits, rtol=1e-11, atol=1e-11)
ours = TextClassifier(config).apply({"params": params}, jnp.asarray(ids), jax_mask)
np.testing.assert_allclose(np.asarray(ours), jax_logits, rtol=1e-11, atol=1e-11)
np.testing.assert_allclose(torch_classifier(torch_ids, torch_mask).detach(), torch_logits, atol=1e-11)

# %% [markdown]
# ## Break it
#
# What a text is must not depend on what it is batched with. Take the second text, of 4 tokens, and fill it
# up to 40. Forget the mask in the mean, or in the blocks, or in both.


# %%
def probabilities(padding: int, in_blocks: bool, in_mean: bool) -> np.ndarray:
    """Of the classes of the second text, followed by so much padding; where not asked for, no mask."""
    tokens = torch.cat([torch_ids[1:2, :4], torch.full((1, padding), PAD)], dim=1)
    real = torch.arange(tokens.shape[1])[None, :] < 4
    everything = torch.ones_like(real)
    x = torch_classifier.embeddings(tokens)
    for block in torch_classifier.blocks:
        x = block(x, (real if in_blocks else everything)[:, None, None, :])
    counted = (real if in_mean else everything)[:, :, None]
    pooled = torch.where(counted, torch_classifier.final_norm(x), 0.0).sum(dim=1) / counted.sum(dim=1)
    return torch.softmax(torch_classifier.head(pooled), dim=-1)[0].detach().numpy()


paddings = np.arange(37)
tries = {
    "masks in both": (True, True, "-"),
    "none in the mean": (True, False, "--"),
    "none in the blocks": (False, True, "-."),
    "none at all": (False, False, ":"),
}
likeliest = int(probabilities(0, True, True).argmax())
figure, panel = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
for name, (in_blocks, in_mean, style) in tries.items():
    found = np.stack([probabilities(int(padding), in_blocks, in_mean) for padding in paddings])
    panel.plot(paddings, found[:, likeliest], style, label=name)
    print(f"{name:18} {found[0].round(3)} becomes {found[-1].round(3)}")
    if in_blocks and in_mean:
        np.testing.assert_allclose(found, found[:1].repeat(len(found), axis=0), rtol=1e-11)
panel.set(xlabel="padding behind 4 tokens", ylabel=f"probability of class {likeliest}")
panel.legend()
plt.show()

# %% [markdown]
# **Question.** Why does none of this show while all texts of a batch have one length?

# %% [markdown]
# **Answer.** There is no padding then, and every mask is True: all four curves begin at one point. So a test
# of a classifier needs texts of different lengths, and a training on sorted lengths hides the mistake until
# the model is used.

# %% [markdown]
# ## Exercise
#
# Write it yourself, in either framework or in both:
#
# ```
# twinformer grade --start classifier --framework jax
# twinformer grade classifier_jax.py
# ```
#
# The first command writes `classifier_jax.py` without the answer; `--framework torch` writes
# `classifier_torch.py`. `twinformer train classifier-embedded` trains ours.
