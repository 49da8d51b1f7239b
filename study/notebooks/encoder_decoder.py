# %% [markdown]
# # Encoder and decoder
#
# One half reads a source, the other writes a target, and looks back at the source while it writes:
#
# Attention(Q of the target, K and V of the source) (Vaswani et al. 2017, section 3.2.3, first item)
#
# **Time.** Usually an hour to two hours, with the exercise, if there are heads (`multi_head.py`).
#
# **Watch for.** Do the shapes feel obvious? There are two lengths now, and one array that has both. Which of
# its axes is the source's? Which mask is square, and which is not?

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

from data.sets.reversal import ReversalBatches, reversal_evaluation
from jax_impl.attention import MultiHeadAttention
from jax_impl.config import Seq2SeqConfig
from jax_impl.layers import FeedForward
from jax_impl.objectives import seq2seq_loss
from jax_impl.seq2seq import EncoderDecoder
from torch_impl import config as torch_config
from torch_impl import convert
from torch_impl.seq2seq import EncoderDecoder as TorchEncoderDecoder

jax.config.update("jax_enable_x64", True)  # float64: what differs then is no rounding
BATCH, KEY, POSITION, EMBED, HEADS, EPS = 2, 5, 6, 24, 2, 1e-5
HEAD_DIM = EMBED // HEADS
SIZES: dict[str, Any] = {
    "vocab": 13,
    "max_positions": POSITION,
    "embed": EMBED,
    "heads": HEADS,
    "mlp": 48,
    "layers": 1,
}

# %% [markdown]
# ## Three rows of ids
#
# A toy language of ten symbols (ids 3 to 12); its translation is the same backwards. 0 is padding, 1 begins a
# target, 2 ends it. What the decoder reads is shifted right by one against what it is to say.

# %%
batch = ReversalBatches(10, 3, KEY, BATCH, seed=0).stream(0)
for name in ("source", "target", "labels"):
    print(f"{name:7}", *(str(row) for row in getattr(batch, name)), sep="  ")

# %% [markdown]
# **Question.** Why is the target one longer than the source? What does the decoder read where it is to say
# the first symbol, and what is it to say where it reads the last?

# %% [markdown]
# **Answer.** There is one thing more to say, the end. It reads 1 where it says the first symbol, and says 2
# where it reads the last.

# %% [markdown]
# ## The same weights in both, and the encoder
#
# The encoder is blocks as BERT has them (`bert.py`) under the padding's mask. What it makes of the source is
# the context: (batch key embed), named for what it will be, the keys.

# %%
rng = np.random.default_rng(0)
config, model = Seq2SeqConfig(**SIZES), EncoderDecoder(Seq2SeqConfig(**SIZES))
drawn = jax.jit(model.init)(jax.random.key(0), batch.source, batch.target, batch.source_mask)["params"]
params = jax.tree.map(lambda w: jnp.asarray(rng.normal(w, 0.1)), drawn)
torch_model = TorchEncoderDecoder(torch_config.Seq2SeqConfig(**SIZES))
convert.load(torch_model, {name: np.asarray(w) for name, w in flatten_dict(params, sep="/").items()})
torch_weights = {name: w.detach() for name, w in torch_model.named_parameters()}

context: Any = model.apply({"params": params}, batch.source, batch.source_mask, method="encode")
jax_context = jnp.asarray(context)
torch_source_mask = torch.tensor(batch.source_mask)
torch_context = torch_model.encode(torch.tensor(batch.source), torch_source_mask).detach()

print("context: batch key embed", jax_context.shape, tuple(torch_context.shape))
np.testing.assert_allclose(jax_context, torch_context, rtol=1e-11, atol=1e-11)

# %% [markdown]
# ## The target looks at itself
#
# Under a causal mask, as in a GPT, and a norm behind the sum. From here on a position knows what was written
# before it, and nothing of the source.

# %%
block, torch_block = params["decoder_0"], torch_model.decoder[0]


def jax_norm(x: jax.Array, name: str) -> jax.Array:
    """(batch position embed) to the same."""
    centred = x - x.mean(axis=-1, keepdims=True)
    normal = centred / jnp.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPS)
    return normal * block[name]["scale"] + block[name]["bias"]


def torch_norm(x: torch.Tensor, name: str) -> torch.Tensor:
    """(batch position embed) to the same."""
    centred = x - x.mean(dim=-1, keepdim=True)
    normal = centred / torch.sqrt((centred**2).mean(dim=-1, keepdim=True) + EPS)
    return normal * torch_weights[f"decoder.0.{name}.weight"] + torch_weights[f"decoder.0.{name}.bias"]


embedded: Any = model.apply({"params": params}, batch.target, method=lambda m, ids: m.embeddings(ids))
jax_causal = jnp.tril(jnp.ones((POSITION, POSITION), bool))[None, None]
attended: Any = MultiHeadAttention(config).apply(
    {"params": block["attention"]}, embedded, embedded, jax_causal
)
jax_x = jax_norm(embedded + attended, "attention_norm")

torch_causal = torch.tril(torch.ones((POSITION, POSITION), dtype=torch.bool))[None, None]
with torch.no_grad():
    torch_embedded = torch_model.embeddings(torch.tensor(batch.target))
    torch_attended = torch_block.attention(torch_embedded, torch_embedded, torch_causal)
torch_x = torch_norm(torch_embedded + torch_attended, "attention_norm")

print("target: batch position embed", jax_x.shape, tuple(torch_x.shape))
np.testing.assert_allclose(jax_x, torch_x, rtol=1e-11, atol=1e-11)

# %% [markdown]
# ## Cross-attention
#
# Queries from the target, keys and values from the context: the formula of `multi_head.py`, with another
# array for two of the three. The letters now tell two lengths apart: **q**uery is the target's position,
# **k**ey the source's.
#
# **Question.** What shape have the scores? Which mask belongs on them: the causal one, the padding's, both?

# %% [markdown]
# **Answer.** (batch heads query key), here 6 by 5. The source's padding is hidden, (batch 1 1 key), and
# nothing else: the whole source is there before the first symbol is written.

# %%
cross, cross_name = block["cross_attention"], "decoder.0.cross_attention"
jax_query, jax_key, jax_value = (
    jnp.einsum("bpe,ehd->bhpd", x, cross[name]["kernel"]) + cross[name]["bias"][None, :, None, :]
    for name, x in (("query", jax_x), ("key", jax_context), ("value", jax_context))
)
jax_scores = jnp.einsum("bhqd,bhkd->bhqk", jax_query, jax_key) / math.sqrt(HEAD_DIM)
jax_hidden = jnp.where(batch.source_mask[:, None, None, :], jax_scores, -jnp.inf)
jax_weights = jax.nn.softmax(jax_hidden, axis=-1)
jax_read = jnp.einsum("bhqk,bhkd->bhqd", jax_weights, jax_value)
jax_out = jnp.einsum("bhpd,hde->bpe", jax_read, cross["output"]["kernel"]) + cross["output"]["bias"]

torch_query, torch_key, torch_value = (
    (x @ torch_weights[f"{cross_name}.{name}.weight"].T + torch_weights[f"{cross_name}.{name}.bias"])
    .reshape(BATCH, x.shape[1], HEADS, HEAD_DIM)
    .transpose(1, 2)
    for name, x in (("query", torch_x), ("key", torch_context), ("value", torch_context))
)
torch_scores = torch.einsum("bhqd,bhkd->bhqk", torch_query, torch_key) / math.sqrt(HEAD_DIM)
torch_hidden = torch.where(torch_source_mask[:, None, None, :], torch_scores, -torch.inf)
torch_read = torch.einsum("bhqk,bhkd->bhqd", torch.softmax(torch_hidden, dim=-1), torch_value)
torch_merged = torch_read.transpose(1, 2).reshape(BATCH, POSITION, EMBED)
torch_out = torch_merged @ torch_weights[f"{cross_name}.output.weight"].T
torch_out = torch_out + torch_weights[f"{cross_name}.output.bias"]

print("queries: batch heads query head_dim", jax_query.shape, tuple(torch_query.shape))
print("keys: batch heads key head_dim     ", jax_key.shape, tuple(torch_key.shape))
print("scores: batch heads query key      ", jax_scores.shape, tuple(torch_scores.shape))
print("out: batch position embed          ", jax_out.shape, tuple(torch_out.shape))
np.testing.assert_allclose(jax_out, torch_out, rtol=1e-11, atol=1e-11)

# %% [markdown]
# ## The rest of the block, and logits
#
# The feed-forward layer, and the table of tokens once more, which both languages share (section 3.4).

# %%
jax_x = jax_norm(jax_x + jax_out, "cross_attention_norm")
forward: Any = FeedForward(config).apply({"params": block["feed_forward"]}, jax_x)
jax_x = jax_norm(jax_x + forward, "feed_forward_norm")
jax_logits = jnp.einsum("bpe,ve->bpv", jax_x, params["embeddings"]["token_embedding"]["embedding"])

torch_x = torch_norm(torch_x + torch_out, "cross_attention_norm")
torch_x = torch_norm(torch_x + torch_block.feed_forward(torch_x).detach(), "feed_forward_norm")
torch_logits = torch.einsum("bpe,ve->bpv", torch_x, torch_weights["embeddings.token_embedding.weight"])

print("logits: batch position vocab", jax_logits.shape, tuple(torch_logits.shape))
np.testing.assert_allclose(jax_logits, torch_logits, rtol=1e-11, atol=1e-11)
ours = model.apply({"params": params}, batch.source, batch.target, batch.source_mask)
np.testing.assert_allclose(np.asarray(ours), jax_logits, rtol=1e-11, atol=1e-11)

# %% [markdown]
# ## Break it
#
# Train it for some seconds, as it should be; and again with the shift forgotten: the decoder reads at each
# position what it is to say there. What do the losses say, and where does each look?

# %%
STEPS = 400
optimizer = optax.adam(optax.warmup_cosine_decay_schedule(0.0, 1e-2, STEPS // 8, STEPS))
held_out = reversal_evaluation(10, KEY, KEY, rows=200, batch=200)[0]


@jax.jit
def step(weights: Any, state: Any, batch: Any) -> tuple[Any, Any, jax.Array]:
    """The weights and the optimizer's state after one update, and the loss before it."""

    def loss(weights: Any) -> jax.Array:
        return seq2seq_loss(model, weights, batch, None, 0.0)[0]

    value, gradient = jax.value_and_grad(loss)(weights)
    updates, state = optimizer.update(gradient, state)
    return optax.apply_updates(weights, updates), state, value


@jax.jit
def looked(weights: Any, target: np.ndarray) -> tuple[Any, jax.Array]:
    """Logits (batch position vocab) on the held-out sources, and the cross-attention's weights, by a tap."""
    seen = {}

    def tap(name: str, value: jax.Array, axes: str) -> jax.Array:
        seen[name] = value
        return value

    inputs = (held_out.source, target, held_out.source_mask)
    logits = model.apply({"params": weights}, *inputs, tap=tap)
    return logits, seen["decoder.0/cross_attention/weights"]


def written(weights: Any) -> np.ndarray:
    """(batch position): what it writes, when it reads what it has said so far."""
    said = np.ones((len(held_out.source), 1), np.int32)
    for place in range(POSITION):
        target = np.pad(said, ((0, 0), (0, POSITION - said.shape[1])))
        following = np.asarray(looked(weights, target)[0][:, place].argmax(axis=-1), np.int32)
        said = np.concatenate([said, following[:, None]], axis=1)[:, : POSITION + 1]
    return said[:, 1:]


figure, panels = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
for panel, shifted in zip(panels, (True, False), strict=True):
    batches = ReversalBatches(10, 3, KEY, batch=64, seed=0)
    weights = jax.tree.map(lambda w: jnp.asarray(w, jnp.float32), drawn)
    state = optimizer.init(weights)
    for number in range(STEPS):
        read = batches.stream(number)
        weights, state, loss = step(weights, state, read if shifted else read._replace(target=read.labels))
    right = (written(weights) == held_out.labels).all(axis=1).mean()
    name = "shifted" if shifted else "not shifted"
    print(f"{name:11}: last loss {loss:.3f} nats, writes {right:.0%} of the held-out sequences right")
    assert shifted == (right > 0.9)
    where = looked(weights, held_out.target if shifted else held_out.labels)[1][0].mean(axis=0)
    image = panel.imshow(where, cmap="viridis", vmin=0, vmax=1)
    panel.set(
        title=f"{name}: {right:.0%} written right",
        xlabel="source, the keys",
        ylabel="to be said, the queries",
    )
    panel.set_xticks(range(KEY), held_out.source[0].tolist())
    panel.set_yticks(range(POSITION), held_out.labels[0].tolist())
figure.colorbar(image, ax=panels, label="weight, mean over heads")
plt.show()

# %% [markdown]
# Shifted, it looks at the symbol that it is to say: the last one first, an antidiagonal. Not shifted, it has
# the lower loss, reads the answer where it stands, and never learned to look.

# %% [markdown]
# ## Exercise
#
# Say the axes and both shapes of every intermediate in the decoder before you see them; the quiz knows them:
#
# ```
# twinformer shapes encoder_decoder --quiz
# twinformer shapes encoder_decoder
# ```
#
# Then take the causal mask away above, or hide the target's padding with the source's mask, and say first
# what will become of the loss, of what is written, and of the picture. How ours is held together, and how it
# learns in both frameworks side by side:
#
# ```
# twinformer parity block_decoder
# twinformer parity seq2seq --steps 100
# ```
