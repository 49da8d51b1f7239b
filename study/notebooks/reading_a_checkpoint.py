# %% [markdown]
# # Reading a checkpoint
#
# A checkpoint is names and arrays. To read it is to say, for each array, whose it is and in which order its
# axes lie; a table of einops patterns says both. Here a GPT-2 as Hugging Face keeps it goes into JAX and
# into PyTorch.
#
# **Time.** Usually an hour, with the exercise, if there are heads (`multi_head.py`). It needs `transformers`,
# which `make install` has.
#
# **Watch for.** Do the shapes feel obvious? Which arrays could lie the other way round, and still fit?

# %%
import re
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import torch
from einops import rearrange
from flax.traverse_util import unflatten_dict
from safetensors.numpy import load_file
from transformers import GPT2Config, GPT2LMHeadModel

from jax_impl.config import GPTConfig
from jax_impl.gpt import GPT
from torch_impl import config as torch_config
from torch_impl.gpt import GPT as TorchGPT

jax.config.update("jax_enable_x64", True)  # float64: what differs then is no rounding
VOCAB, POSITION, EMBED, HEADS, LAYERS = 17, 7, 12, 3, 2
QKV = ("query", "key", "value")

# %% [markdown]
# ## A checkpoint
#
# Small and random, written as a large one is: `model.safetensors` is a header of names, dtypes and shapes,
# then the numbers.

# %%
torch.manual_seed(0)
sizes: dict[str, Any] = {
    "vocab_size": VOCAB,
    "n_positions": 9,
    "n_embd": EMBED,
    "n_head": HEADS,
    "n_layer": LAYERS,
}
theirs = GPT2LMHeadModel(GPT2Config(**sizes, n_inner=20, bos_token_id=0, eos_token_id=0)).double()
rng = np.random.default_rng(0)
with torch.no_grad():
    for parameter in theirs.parameters():  # scales of one and biases of zero would hide mistakes
        parameter.add_(torch.tensor(rng.normal(0.0, 0.2, tuple(parameter.shape))))
theirs.eval()
with tempfile.TemporaryDirectory() as folder:
    theirs.save_pretrained(folder)
    tensors = load_file(Path(folder) / "model.safetensors")
for name, array in tensors.items():
    if ".h.1." not in name:
        print(f"{name:36} {array.shape}")

# %% [markdown]
# **Question.** `c_fc` leads from embed 12 to mlp 20. Is its weight (inputs outputs) or (outputs inputs)? What
# are the 36 columns of `c_attn`? And where is the output layer, `lm_head`?

# %% [markdown]
# **Answer.** (inputs outputs): OpenAI's `Conv1D`, which computes x W as Flax does, not PyTorch's Linear. The
# 36 are queries, keys and values side by side, of 12 each: 3 heads of 4. And the output layer is the
# token table again (`gpt.py`), so it is kept once.

# %% [markdown]
# ## The table
#
# For each array of the file: what Flax calls it, its pattern from the file to Flax's axes, and from there to
# PyTorch's. # is the number of the block. The three of `c_attn` are cut apart before.

# %%
HEADED = "embed (heads head_dim) -> embed heads head_dim"
TABLE: list[tuple[str, str, str, str]] = [
    ("wte.weight", "embeddings/token_embedding/embedding", "v e -> v e", "v e -> v e"),
    ("wpe.weight", "embeddings/position_embedding/embedding", "p e -> p e", "p e -> p e"),
    *(
        (f"h.#.attn.{name}.weight", f"blocks_#/attention/{name}/kernel", HEADED, "e h d -> (h d) e")
        for name in ("query", "key", "value")
    ),
    *(
        (f"h.#.attn.{name}.bias", f"blocks_#/attention/{name}/bias", "(h d) -> h d", "h d -> (h d)")
        for name in ("query", "key", "value")
    ),
    ("h.#.attn.c_proj.weight", "blocks_#/attention/output/kernel", "(h d) e -> h d e", "h d e -> e (h d)"),
    ("h.#.attn.c_proj.bias", "blocks_#/attention/output/bias", "e -> e", "e -> e"),
    ("h.#.mlp.c_fc.weight", "blocks_#/feed_forward/up/kernel", "i o -> i o", "i o -> o i"),
    ("h.#.mlp.c_fc.bias", "blocks_#/feed_forward/up/bias", "o -> o", "o -> o"),
    ("h.#.mlp.c_proj.weight", "blocks_#/feed_forward/down/kernel", "i o -> i o", "i o -> o i"),
    ("h.#.mlp.c_proj.bias", "blocks_#/feed_forward/down/bias", "o -> o", "o -> o"),
    ("h.#.ln_1.weight", "blocks_#/attention_norm/scale", "e -> e", "e -> e"),
    ("h.#.ln_1.bias", "blocks_#/attention_norm/bias", "e -> e", "e -> e"),
    ("h.#.ln_2.weight", "blocks_#/feed_forward_norm/scale", "e -> e", "e -> e"),
    ("h.#.ln_2.bias", "blocks_#/feed_forward_norm/bias", "e -> e", "e -> e"),
    ("ln_f.weight", "final_norm/scale", "e -> e", "e -> e"),
    ("ln_f.bias", "final_norm/bias", "e -> e", "e -> e"),
]


def cut(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The file's arrays, queries, keys and values apart."""
    found: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        name = name.removeprefix("transformer.")
        if ".attn.c_attn." in name:
            parts = np.split(array, 3, axis=-1)
            found |= {name.replace("c_attn", part): a for part, a in zip(QKV, parts, strict=True)}
        else:
            found[name] = array
    return found


def read(arrays: dict[str, np.ndarray], table: Any) -> tuple[dict[str, np.ndarray], dict[str, torch.Tensor]]:
    """The weights for Flax and for PyTorch, by their names."""
    jax_params, torch_params = {}, {}
    for theirs_name, ours, to_jax, to_torch in table:
        for number in range(LAYERS if "#" in ours else 1):
            name = ours.replace("#", str(number))
            merged = re.findall(r"\w+", " ".join(re.findall(r"\(.*?\)", to_jax.partition("->")[0])))
            lengths = {axis: HEADS for axis in merged if axis in ("h", "heads")}
            array = rearrange(arrays[theirs_name.replace("#", str(number))], to_jax, **lengths)
            jax_params[name] = array
            moved = torch.tensor(rearrange(array, to_torch))
            torch_params[torch_name(name)] = moved
    return jax_params, torch_params


def torch_name(name: str) -> str:
    """What PyTorch calls the array that Flax calls so: every kernel, scale and table is a weight there."""
    *path, last = name.replace("blocks_", "blocks/").split("/")
    return ".".join([*path, "bias" if last == "bias" else "weight"])


# %% [markdown]
# ## Reading it
#
# Shapes that do not fit are refused by either framework, and so is a name that is missing. That alone is
# no proof: it is the logits that say whether the numbers lie where they should.

# %%
SIZES: dict[str, Any] = {
    "vocab": VOCAB,
    "max_positions": 9,
    "embed": EMBED,
    "heads": HEADS,
    "mlp": 20,
    "layers": LAYERS,
}
config, torch_gpt = GPTConfig(**SIZES), TorchGPT(torch_config.GPTConfig(**SIZES)).double()
ids = rng.integers(0, VOCAB, (2, POSITION), dtype=np.int32)
with torch.no_grad():
    truth = theirs(torch.tensor(ids).long()).logits.numpy()


def logits(table: Any, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """What Flax and PyTorch compute with the weights so read."""
    jax_params, torch_params = read(arrays, table)
    tree = unflatten_dict({name: jnp.asarray(w) for name, w in jax_params.items()}, sep="/")
    jax_logits: Any = GPT(config).apply({"params": tree}, jnp.asarray(ids))
    torch_gpt.load_state_dict(torch_params)
    with torch.no_grad():
        torch_logits = torch_gpt(torch.tensor(ids))
    return np.asarray(jax_logits), torch_logits.numpy()


arrays = cut(tensors)
jax_logits, torch_logits = logits(TABLE, arrays)
print("logits: batch position vocab", truth.shape, jax_logits.shape, torch_logits.shape)
np.testing.assert_allclose(jax_logits, truth, rtol=1e-11, atol=1e-11)
np.testing.assert_allclose(torch_logits, truth, rtol=1e-11, atol=1e-11)

# %% [markdown]
# **Question.** Which of these arrays could have been read wrongly without an error?

# %% [markdown]
# **Answer.** Those whose shape stays: `attn.c_proj.weight`, which is square, either way round; the thirds of
# `c_attn`, in any order; and its 12 columns as (heads head_dim) or (head_dim heads). A checkpoint of
# real size has more of them, as mlp is often a multiple of embed, but never equal to it.

# %% [markdown]
# ## Break it
#
# Each of these fits by its shapes. None raises an error.


# %%
def with_row(name: str, to_jax: str) -> list[tuple[str, str, str, str]]:
    """The table, with one pattern changed."""
    return [(row[0], row[1], to_jax, row[3]) if row[0] == name else row for row in TABLE]


def exchanged(first: str, second: str) -> dict[str, np.ndarray]:
    """The arrays, with two thirds of c_attn the other way."""
    new = dict(arrays)
    for number in range(LAYERS):
        for kind in ("weight", "bias"):
            one, two = (f"h.{number}.attn.{name}.{kind}" for name in (first, second))
            new[one], new[two] = arrays[two], arrays[one]
    return new


swapped = "embed (head_dim heads) -> embed heads head_dim"
broken = {
    "read rightly": logits(TABLE, arrays),
    "c_proj transposed": logits(with_row("h.#.attn.c_proj.weight", "e (h d) -> h d e"), arrays),
    "heads and head_dim of the keys": logits(with_row("h.#.attn.key.weight", swapped), arrays),
    "queries and keys exchanged": logits(TABLE, exchanged("query", "key")),
    "keys and values exchanged": logits(TABLE, exchanged("key", "value")),
}
errors = {
    name: max(float(abs(found - truth).max()) / float(abs(truth).max()) for found in both)
    for name, both in broken.items()
}
for name, error in errors.items():
    print(f"{name:32} {error:.0e}")
assert errors.pop("read rightly") < 1e-11 < 1e-3 < min(errors.values())

figure, panel = plt.subplots(figsize=(7, 2.6), layout="constrained")
panel.barh(list(errors), list(errors.values()), color="#d55e00")
panel.set(xlabel="largest error of the logits, relative to the largest logit")
plt.show()

# %% [markdown]
# **Question.** In these the two frameworks agree with each other. Why does that say nothing?

# %% [markdown]
# **Answer.** They were read by one table, and share its mistake. What is compared must be held against the
# model that wrote the file.

# %% [markdown]
# ## Exercise
#
# Change the checkpoint: take `n_inner=12`, so that `c_fc` is square too, and see what one
# more wrong pattern does. Then look at our table, and at where each mistake in it shows:
#
# ```
# twinformer parity --defects
# twinformer shapes gpt
# ```
