# %% [markdown]
# # BERT
#
# Some words of a text are hidden, and to be guessed from both sides: no causal mask, and a loss at the
# hidden ones only (Devlin et al. 2018, section 3.1, task 1).
#
# **Time.** Usually an hour to two hours, with the exercise, if there is a block (`block.py`).
#
# **Watch for.** Do the shapes feel obvious? The axis position becomes the axis masked on the way, and is
# shorter then. Where, and what is gathered by what?

# %%
import math
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import torch
from flax.traverse_util import flatten_dict
from matplotlib.colors import ListedColormap

from jax_impl.attention import MultiHeadAttention
from jax_impl.bert import BertForMaskedLM
from jax_impl.config import BertConfig
from jax_impl.layers import FeedForward
from torch_impl import config as torch_config
from torch_impl import convert
from torch_impl.bert import BertForMaskedLM as TorchBert

jax.config.update("jax_enable_x64", True)  # float64: what differs then is no rounding
BATCH, POSITION, MASKED, VOCAB, EMBED, EPS = 8, 20, 3, 19, 24, 1e-12
PAD, MASK, FIRST_WORD = 0, 1, 2
SIZES: dict[str, Any] = {
    "vocab": VOCAB,
    "max_positions": POSITION,
    "embed": EMBED,
    "heads": 3,
    "mlp": 48,
    "layers": 1,
}

# %% [markdown]
# ## Which words are hidden, and how
#
# 15 % of the positions are chosen, here 3 of 20 in every row, so that the array has no ragged edge. Of what
# is chosen, 80 % become [MASK], 10 % a random word, 10 % stay as they are. All of them are to be guessed.
#
# **Question.** Why do some stay as they are? What would a model learn about words that are not hidden, if
# every chosen one became [MASK]?

# %% [markdown]
# **Answer.** That it never has to say anything about them. Whoever uses the model hides no words, and wants
# good vectors of them all (section 3.1). As it is, any word may be asked for, and any may be wrong.


# %%
def hidden(words: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is read (batch position), which positions are to be guessed (batch masked), and their words."""
    masked_positions = np.sort(
        rng.permuted(np.tile(np.arange(POSITION), (len(words), 1)), axis=1)[:, :MASKED]
    )
    labels = np.take_along_axis(words, masked_positions, axis=1)
    dice = rng.random(labels.shape)
    becomes = np.where(dice < 0.9, rng.integers(FIRST_WORD, VOCAB, labels.shape), labels)
    becomes = np.where(dice < 0.8, MASK, becomes)
    read = words.copy()
    np.put_along_axis(read, masked_positions, becomes, axis=1)
    return read.astype(np.int32), masked_positions.astype(np.int32), labels.astype(np.int32)


rng = np.random.default_rng(2)
words = rng.integers(FIRST_WORD, VOCAB, (BATCH, POSITION))
ids, masked_positions, labels = hidden(words, rng)
print("positions to be guessed: batch masked", masked_positions.shape)

chosen = np.zeros_like(words)
np.put_along_axis(chosen, masked_positions, 1, axis=1)
kinds = np.select([chosen == 0, ids == MASK, ids != words], [0, 1, 2], default=3)
figure, panel = plt.subplots(figsize=(8, 3), layout="constrained")
image = panel.imshow(
    kinds, cmap=ListedColormap(["#d4d4d4", "#0072b2", "#e69f00", "#009e73"]), vmin=-0.5, vmax=3.5
)
panel.set(xlabel="position", ylabel="row", xticks=range(0, POSITION, 2))
bar = figure.colorbar(image, ticks=range(4))
bar.set_ticklabels(["not asked for", "[MASK]", "another word", "as it was"])
plt.show()

# %% [markdown]
# ## The same weights in both

# %%
config = BertConfig(**SIZES)
everywhere = np.ones((BATCH, POSITION), bool)
drawn = jax.jit(BertForMaskedLM(config).init)(jax.random.key(0), ids, everywhere, masked_positions)["params"]
params = jax.tree.map(lambda w: jnp.asarray(rng.normal(w, 0.1)), drawn)
torch_bert = TorchBert(torch_config.BertConfig(**SIZES))
convert.load(torch_bert, {name: np.asarray(w) for name, w in flatten_dict(params, sep="/").items()})
torch_weights = {name: w.detach() for name, w in torch_bert.named_parameters()}

# %% [markdown]
# ## Three tables, then a norm
#
# What a word is, where it stands, and which of two sentences it is in (figure 2). Here the second half of
# each row is the second sentence.


# %%
def jax_norm(x: jax.Array, weights: Any) -> jax.Array:
    """(batch position embed) to the same."""
    centred = x - x.mean(axis=-1, keepdims=True)
    normal = centred / jnp.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPS)
    return normal * weights["scale"] + weights["bias"]


def torch_norm(x: torch.Tensor, name: str) -> torch.Tensor:
    """(batch position embed) to the same."""
    centred = x - x.mean(dim=-1, keepdim=True)
    normal = centred / torch.sqrt((centred**2).mean(dim=-1, keepdim=True) + EPS)
    return normal * torch_weights[f"{name}.weight"] + torch_weights[f"{name}.bias"]


segment_ids = np.broadcast_to(np.arange(POSITION) >= POSITION // 2, ids.shape).astype(np.int32)

jax_bert = params["bert"]
jax_tables = {
    kind: jax_bert["embeddings"][f"{kind}_embedding"]["embedding"]
    for kind in ("token", "position", "segment")
}
jax_x = (
    jax_tables["token"][ids] + jax_tables["position"][None, :POSITION] + jax_tables["segment"][segment_ids]
)
jax_x = jax_norm(jax_x, jax_bert["embeddings"]["norm"])

torch_ids, torch_segments = torch.tensor(ids), torch.tensor(segment_ids)
torch_tables = {kind: torch_weights[f"bert.embeddings.{kind}_embedding.weight"] for kind in jax_tables}
torch_x = torch_tables["token"][torch_ids] + torch_tables["position"][None, :POSITION]
torch_x = torch_norm(torch_x + torch_tables["segment"][torch_segments], "bert.embeddings.norm")

print("embedded: batch position embed", jax_x.shape, tuple(torch_x.shape))
np.testing.assert_allclose(jax_x, torch_x, rtol=1e-11, atol=1e-11)

# %% [markdown]
# ## Blocks with the norm behind the sum
#
# norm(x + Attention(x)), then norm(x + FeedForward(x)): post-norm, as Vaswani et al. 2017 have it in section
# 3.1. A GPT's stream passes the blocks as it is, and is normalised for each branch; this one is normalised
# itself, so behind the last block there is no norm left to do. There is no mask: all see all.

# %%
for number in range(SIZES["layers"]):
    block = jax_bert[f"blocks_{number}"]
    attended: Any = MultiHeadAttention(config).apply({"params": block["attention"]}, jax_x, jax_x)
    jax_x = jax_norm(jax_x + attended, block["attention_norm"])
    forward: Any = FeedForward(config).apply({"params": block["feed_forward"]}, jax_x)
    jax_x = jax_norm(jax_x + forward, block["feed_forward_norm"])

with torch.no_grad():
    for number, torch_block in enumerate(torch_bert.bert.blocks):
        branch = torch_block.attention(torch_x, torch_x)
        torch_x = torch_norm(torch_x + branch, f"bert.blocks.{number}.attention_norm")
        branch = torch_block.feed_forward(torch_x)
        torch_x = torch_norm(torch_x + branch, f"bert.blocks.{number}.feed_forward_norm")

print("after the blocks: batch position embed", jax_x.shape, tuple(torch_x.shape))
np.testing.assert_allclose(jax_x, torch_x, rtol=1e-11, atol=1e-11)

# %% [markdown]
# ## The hidden positions alone
#
# Each row has its own. What gathers has to have as many axes as what it gathers from: (batch masked 1).
# `take_along_axis` of JAX broadcasts its last axis, `gather` of PyTorch does not, and has to be given the
# whole (batch masked embed).

# %%
jax_masked = jnp.take_along_axis(jax_x, jnp.asarray(masked_positions)[:, :, None], axis=1)
torch_places = torch.tensor(masked_positions).long()
torch_masked = torch.gather(torch_x, 1, torch_places[:, :, None].expand(-1, -1, EMBED))

print("masked: batch masked embed", jax_masked.shape, tuple(torch_masked.shape))
np.testing.assert_allclose(jax_masked, torch_masked, rtol=1e-11, atol=1e-11)

# %% [markdown]
# ## The head, tied to the embeddings
#
# A linear layer, the exact GELU, a norm, then the product with each word's row in the token table, and a
# bias for each word. The table is not a second one: what reads words and what says them learn together.

# %%
head = params["words"]
jax_linear = jnp.einsum("bme,ef->bmf", jax_masked, head["transform"]["kernel"]) + head["transform"]["bias"]
jax_gelu = 0.5 * jax_linear * (1.0 + jax.lax.erf(jax_linear / math.sqrt(2.0)))
jax_logits = (
    jnp.einsum("bme,ve->bmv", jax_norm(jax_gelu, head["norm"]), jax_tables["token"]) + head["word_bias"]
)

torch_linear = torch.einsum("bme,fe->bmf", torch_masked, torch_weights["words.transform.weight"])
torch_linear = torch_linear + torch_weights["words.transform.bias"]
torch_gelu = 0.5 * torch_linear * (1.0 + torch.erf(torch_linear / math.sqrt(2.0)))
torch_logits = torch.einsum("bme,ve->bmv", torch_norm(torch_gelu, "words.norm"), torch_tables["token"])
torch_logits = torch_logits + torch_weights["words.word_bias"]

print("logits: batch masked vocab", jax_logits.shape, tuple(torch_logits.shape))
np.testing.assert_allclose(jax_logits, torch_logits, rtol=1e-11, atol=1e-11)
ours = BertForMaskedLM(config).apply({"params": params}, ids, everywhere, masked_positions, segment_ids)
np.testing.assert_allclose(np.asarray(ours), jax_logits, rtol=1e-11, atol=1e-11)

# %% [markdown]
# ## The loss
#
# -log softmax(logits)[the word that was there], a mean over (batch masked).

# %%
jax_log_probs = jax.nn.log_softmax(jax_logits, axis=-1)
jax_loss = -jnp.take_along_axis(jax_log_probs, jnp.asarray(labels)[:, :, None], axis=-1).mean()
torch_log_probs = torch.log_softmax(torch_logits, dim=-1)
torch_loss = -torch.gather(torch_log_probs, -1, torch.tensor(labels).long()[:, :, None]).mean()

print(f"loss {jax_loss:.4f}, {torch_loss:.4f} of {labels.size} words in {ids.size}")
np.testing.assert_allclose(jax_loss, torch_loss, rtol=1e-11)

# %% [markdown]
# **Question.** A GPT has a loss at every position but the last. What if BERT had one at every position?

# %% [markdown]
# **Answer.** Where nothing is hidden, the answer stands in what is read, and what is learned is to copy.
# A GPT has no such place: what it is to say, it has not read.

# %% [markdown]
# ## Break it
#
# Take the loss over all positions, and train both for some seconds. In this language a row begins at any word
# and goes on in their order, 15 16 17 18 2 3, so that each word follows from any other.

# %%
STEPS = 300
optimizer = optax.adam(optax.warmup_cosine_decay_schedule(0.0, 1e-2, STEPS // 8, STEPS))
ALL = np.broadcast_to(np.arange(POSITION, dtype=np.int32), (64, POSITION))


def loss_at(weights: Any, read: Any, positions: Any, said: Any) -> jax.Array:
    """The mean loss at these positions (batch masked), where these words were."""
    seen = jnp.ones(read.shape, bool)
    logits: Any = BertForMaskedLM(config).apply({"params": weights}, read, seen, positions)
    return -jnp.take_along_axis(jax.nn.log_softmax(logits, axis=-1), said[:, :, None], axis=-1).mean()


@jax.jit
def step(weights: Any, state: Any, read: Any, asked: Any, masked: Any) -> tuple[Any, Any, Any, Any]:
    """The weights after one update, and two losses: the one that is taken, and that at the hidden words."""
    loss, gradient = jax.value_and_grad(loss_at)(weights, read, *asked)
    updates, state = optimizer.update(gradient, state)
    return optax.apply_updates(weights, updates), state, loss, loss_at(weights, read, *masked)


figure, panel = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
for name, colour in (("hidden words", "#0072b2"), ("all words", "#d55e00")):
    rng = np.random.default_rng(0)
    weights = jax.tree.map(lambda w: jnp.asarray(w, jnp.float32), drawn)
    state, losses = optimizer.init(weights), []
    for _ in range(STEPS):
        order = rng.integers(0, VOCAB - FIRST_WORD, (64, 1)) + np.arange(POSITION)
        sentences = (FIRST_WORD + order % (VOCAB - FIRST_WORD)).astype(np.int32)
        read, *masked = hidden(sentences, rng)
        asked = masked if name == "hidden words" else (ALL, sentences)
        weights, state, taken, at_hidden = step(weights, state, read, asked, masked)
        losses.append((taken, at_hidden))
    taken, at_hidden = np.array(losses).reshape(-1, 10, 2).mean(axis=1).T  # of ten steps each
    print(f"loss over {name:12} {taken[-1]:.2f}, at the hidden words {at_hidden[-1]:.2f} nats")
    steps = np.arange(5, STEPS, 10)
    panel.plot(steps, at_hidden, color=colour, label=f"at the hidden words, trained on {name}")
panel.plot(steps, taken, "--", color=colour, label="what the latter reports, over all words")
panel.axhline(math.log(VOCAB - FIRST_WORD), color="black", linestyle=":", label="by guessing")
panel.set(xlabel="step", ylabel="loss in nats", ylim=(0, None))
panel.legend(fontsize="small")
plt.show()

# %% [markdown]
# The loss over all falls at once, because most words have only to be copied. What was wanted comes later, and
# the loss that is reported hardly says so.

# %% [markdown]
# ## Exercise
#
# Write it yourself, with logits at every position, in either framework or in both:
#
# ```
# twinformer grade --start bert --framework torch
# twinformer grade bert_torch.py
# ```
#
# The first command writes `bert_torch.py` without the answer; `--framework jax` writes `bert_jax.py`.
# `twinformer train bert-embedded` trains ours.
