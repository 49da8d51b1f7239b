# %% [markdown]
# # GPT
#
# Token ids in, at each position the logits of the token that follows: embeddings, blocks under a causal
# mask, a norm, and the token table once more (GPT-2: Radford et al. 2019, section 2.3).
#
# **Time.** Usually an hour, with the exercise, if there is a block (`block.py`).
#
# **Watch for.** Do the shapes feel obvious? Where does an axis vocab appear, and where is a number of it only
# looked up? Why has a loss over 7 tokens only 6 terms?

# %%
import math
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import torch
from flax.traverse_util import flatten_dict

from jax_impl.block import TransformerBlock as JaxBlock
from jax_impl.config import GPTConfig
from jax_impl.gpt import GPT
from torch_impl import config as torch_config
from torch_impl import convert
from torch_impl.gpt import GPT as TorchGPT

jax.config.update("jax_enable_x64", True)  # float64: what differs then is no rounding
BATCH, POSITION, VOCAB, EMBED, EPS = 2, 7, 17, 12, 1e-5
SIZES: dict[str, Any] = {
    "vocab": VOCAB,
    "max_positions": 9,
    "embed": EMBED,
    "heads": 3,
    "mlp": 20,
    "layers": 2,
}

# %% [markdown]
# ## The same weights in both

# %%
rng = np.random.default_rng(0)
ids = rng.integers(0, VOCAB, (BATCH, POSITION), dtype=np.int32)
config = GPTConfig(**SIZES)
drawn = GPT(config).init(jax.random.key(0), jnp.asarray(ids))["params"]
params = jax.tree.map(lambda w: jnp.asarray(rng.normal(w, 0.1)), drawn)
torch_gpt = TorchGPT(torch_config.GPTConfig(**SIZES))
convert.load(torch_gpt, {name: np.asarray(w) for name, w in flatten_dict(params, sep="/").items()})

# %% [markdown]
# ## Tokens and their places
#
# A row of one table for what a token is, a row of another for where it stands. Their sum is (batch position
# embed); the places have no batch axis, so they are the same for each row.

# %%
jax_table = params["embeddings"]["token_embedding"]["embedding"]
jax_places = params["embeddings"]["position_embedding"]["embedding"]
jax_x = jax_table[ids] + jax_places[None, :POSITION]

torch_ids = torch.tensor(ids)
torch_weights = dict(torch_gpt.named_parameters())
torch_table = torch_weights["embeddings.token_embedding.weight"].detach()
torch_places = torch_weights["embeddings.position_embedding.weight"].detach()
torch_x = torch_table[torch_ids] + torch_places[None, :POSITION]

print("embedded: batch position embed", jax_x.shape, tuple(torch_x.shape))
np.testing.assert_allclose(jax_x, torch_x, rtol=1e-12, atol=1e-12)

# %% [markdown]
# ## Blocks that do not see ahead
#
# The blocks are those of `block.py`, with GELU. The mask is (1 1 query key): for all rows and heads alike.

# %%
jax_causal = jnp.tril(jnp.ones((POSITION, POSITION), bool))[None, None]
torch_causal = torch.tril(torch.ones((POSITION, POSITION), dtype=torch.bool))[None, None]
with torch.no_grad():
    for number in range(SIZES["layers"]):
        jax_x = JaxBlock(config).apply({"params": params[f"blocks_{number}"]}, jax_x, jax_causal)
        torch_x = torch_gpt.blocks[number](torch_x, torch_causal)
print("after the blocks: batch position embed", jax_x.shape, tuple(torch_x.shape))

# %% [markdown]
# ## Logits
#
# One more norm, then a product with each token's row. No new matrix: the table that was read is read again,
# the other way round (Press and Wolf 2017).

# %%
jax_centred = jax_x - jax_x.mean(axis=-1, keepdims=True)
jax_normal = jax_centred / jnp.sqrt((jax_centred**2).mean(axis=-1, keepdims=True) + EPS)
jax_hidden = jax_normal * params["final_norm"]["scale"] + params["final_norm"]["bias"]
jax_logits = jnp.einsum("bpe,ve->bpv", jax_hidden, jax_table)

torch_centred = torch_x - torch_x.mean(dim=-1, keepdim=True)
torch_normal = torch_centred / torch.sqrt((torch_centred**2).mean(dim=-1, keepdim=True) + EPS)
scale, bias = (torch_weights[f"final_norm.{name}"].detach() for name in ("weight", "bias"))
torch_logits = torch.einsum("bpe,ve->bpv", torch_normal * scale + bias, torch_table)

print("logits: batch position vocab", jax_logits.shape, tuple(torch_logits.shape))
np.testing.assert_allclose(jax_logits, torch_logits, rtol=1e-11, atol=1e-11)
ours = GPT(config).apply({"params": params}, jnp.asarray(ids))
np.testing.assert_allclose(np.asarray(ours), jax_logits, rtol=1e-11, atol=1e-11)

# %% [markdown]
# ## The loss
#
# The logits at position p are about the token at p + 1: -log softmax(logits)[next token], as a mean.
#
# **Question.** Which logits have nothing that they could be held against?

# %% [markdown]
# **Answer.** The last ones. So the logits lose their last position, the targets their first: a row
# of 7 has 6 terms.

# %%
jax_log_probs = jax.nn.log_softmax(jax_logits[:, :-1], axis=-1)
jax_loss = -jnp.take_along_axis(jax_log_probs, jnp.asarray(ids[:, 1:, None]), axis=-1).mean()

torch_log_probs = torch.log_softmax(torch_logits[:, :-1], dim=-1)
torch_loss = -torch.gather(torch_log_probs, -1, torch_ids[:, 1:, None].long()).mean()

print("log-probabilities: batch position vocab", jax_log_probs.shape, tuple(torch_log_probs.shape))
print(f"loss {jax_loss:.4f}, {torch_loss:.4f}; by guessing, log {VOCAB} = {math.log(VOCAB):.4f}")
np.testing.assert_allclose(jax_loss, torch_loss, rtol=1e-11)

# %% [markdown]
# ## Break it
#
# Take the mask away. Which tokens do the logits of a position depend on? The gradient says: of the sum of a
# position's logits, with respect to what each position reads. Under the mask, all above the diagonal is 0.


# %%
def influence(mask: torch.Tensor) -> np.ndarray:
    """(position, position that is read): how large the gradient is, for the first row."""
    read = (torch_table[torch_ids[:1]] + torch_places[None, :POSITION]).requires_grad_()
    x = read
    for block in torch_gpt.blocks:
        x = block(x, mask)
    logits = torch_gpt.logits(torch_gpt.final_norm(x))
    found = [torch.autograd.grad(logits[0, p].sum(), read, retain_graph=True)[0] for p in range(POSITION)]
    return torch.stack([gradient[0].norm(dim=-1) for gradient in found]).numpy()


figure, panels = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained", sharey=True)
colours = plt.get_cmap("viridis").with_extremes(bad="#d4d4d4")
tries = {"causal mask": torch_causal, "no mask": torch.ones_like(torch_causal)}
for panel, (name, mask) in zip(panels, tries.items(), strict=True):
    depends = influence(mask)
    ahead = np.triu(depends, 1)
    print(f"{name}: {np.count_nonzero(ahead)} of {POSITION * (POSITION - 1) // 2} places ahead are seen")
    image = panel.imshow(np.ma.masked_equal(depends, 0.0), cmap=colours, vmin=0)
    panel.set(title=name, xlabel="position that is read")
    figure.colorbar(image, ax=panel, label="gradient (exactly 0 is grey)")
panels[0].set_ylabel("logits at position")
plt.show()

# %% [markdown]
# A GPT without the mask reads the answer where it stands: its training loss falls, and it learns nothing
# that helps it to write.

# %% [markdown]
# ## Exercise
#
# Write it yourself, in either framework or in both:
#
# ```
# twinformer grade --start gpt --framework torch
# twinformer grade gpt_torch.py
# ```
#
# The first command writes `gpt_torch.py` without the answer; `--framework jax` writes `gpt_jax.py`.
