# %% [markdown]
# # Training
#
# One step is: a loss, its gradient, the gradient clipped, and AdamW (Loshchilov and Hutter 2019, algorithm
# 2). Here it is by hand, in both frameworks, from the same weights; and then many of them.
#
# **Time.** Usually an hour, with the exercise, if there is a GPT (`gpt.py`).
#
# **Watch for.** Do the shapes feel obvious? Here every number has the shape of its weight: the gradient, and
# Adam's two means. What has another shape, or none, belongs to the whole model. What is that?

# %%
import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import torch
from flax.traverse_util import flatten_dict, unflatten_dict

from jax_impl.config import GPTConfig
from jax_impl.gpt import GPT
from torch_impl import config as torch_config
from torch_impl import convert
from torch_impl.gpt import GPT as TorchGPT

jax.config.update("jax_enable_x64", True)  # float64: what differs then is no rounding
BATCH, POSITION, VOCAB = 8, 12, 17
SIZES: dict[str, Any] = {
    "vocab": VOCAB,
    "max_positions": POSITION,
    "embed": 12,
    "heads": 3,
    "mlp": 20,
    "layers": 1,
}
STEPS, WARMUP, PEAK, CLIP, DECAY, BETA1, BETA2, EPS = 12, 3, 3e-2, 0.5, 0.1, 0.9, 0.98, 1e-8

# %% [markdown]
# ## The same weights and batches in both
#
# Flat: a dict from names to arrays, so that an optimizer is a loop over it. A row begins at any token and
# goes on in their order, which a small GPT finds out.

# %%
rng = np.random.default_rng(0)
batches = ((rng.integers(0, VOCAB, (STEPS, BATCH, 1)) + np.arange(POSITION)) % VOCAB).astype(np.int32)

config = GPTConfig(**SIZES)
drawn = jax.jit(GPT(config).init)(jax.random.key(0), batches[0])["params"]
start = {name: np.asarray(w, np.float64) for name, w in flatten_dict(drawn, sep="/").items()}
jax_params = {name: jnp.asarray(w) for name, w in start.items()}
torch_gpt = TorchGPT(torch_config.GPTConfig(**SIZES)).double()
torch_start = {name: torch.tensor(w) for name, w in convert.to_torch(start).items()}
torch_gpt.load_state_dict(torch_start)
torch_params = dict(torch_gpt.named_parameters())
print(f"batches: step batch position {batches.shape}, {len(start)} arrays of weights")


def apart(jax_side: Mapping[str, jax.Array], torch_side: Mapping[str, torch.Tensor]) -> float:
    """The largest difference, relative to the array's largest number; of all arrays but the keys' bias."""
    moved = convert.to_torch({name: np.asarray(w) for name, w in jax_side.items()})
    there = {name: w.detach().numpy() for name, w in torch_side.items()}
    return max(
        float(abs(moved[name] - there[name]).max() / abs(moved[name]).max())
        for name in moved
        if not name.endswith("key.bias")
    )


# %% [markdown]
# ## The loss and its gradient
#
# JAX makes a function of the weights into one that returns the gradient. PyTorch hangs it on the weights,
# and *adds* to what is there: hence `zero_grad`, here by asking for it anew with `autograd.grad`.


# %%
def jax_loss(params: Mapping[str, Any], ids: Any) -> jax.Array:
    """The mean of -log p(next token), in nats."""
    logits: Any = GPT(config).apply({"params": unflatten_dict(dict(params), sep="/")}, ids)
    log_probs = jax.nn.log_softmax(logits[:, :-1], axis=-1)
    return -jnp.take_along_axis(log_probs, ids[:, 1:, None], axis=-1).mean()


def torch_loss(ids: np.ndarray) -> torch.Tensor:
    """The same."""
    log_probs = torch.log_softmax(torch_gpt(torch.tensor(ids))[:, :-1], dim=-1)
    return -torch.gather(log_probs, -1, torch.tensor(ids)[:, 1:, None].long()).mean()


jax_graded = jax.jit(jax.value_and_grad(jax_loss))
jax_value, jax_gradient = jax_graded(jax_params, batches[0])
torch_value = torch_loss(batches[0])
torch_found = torch.autograd.grad(torch_value, list(torch_params.values()))
torch_gradient = dict(zip(torch_params, torch_found, strict=True))

print(f"loss {jax_value:.4f}, {torch_value:.4f}; by guessing {math.log(VOCAB):.4f}")
print(f"gradients: {apart(jax_gradient, torch_gradient):.0e} apart")
assert apart(jax_gradient, torch_gradient) < 1e-11
for name in ("query", "key"):
    here, there = (
        jax_gradient[f"blocks_0/attention/{name}/bias"],
        torch_gradient[f"blocks.0.attention.{name}.bias"],
    )
    print(f"of the bias of {name}: at most {abs(here).max():.0e} in JAX, {abs(there).max():.0e} in PyTorch")

# %% [markdown]
# **Question.** Why are the gradients of the keys' bias so small, and why may they not be compared?

# %% [markdown]
# **Answer.** They are zero, and what is left is rounding. A bias of the keys adds the same number to all
# scores of a query, which the softmax does not see. AdamW divides the noise by its own size, and makes
# whole steps of it, in each framework another way; no output depends on where they lead. So `apart` leaves it
# out, by its name.

# %% [markdown]
# ## Clipping
#
# One norm over all arrays together, and all scaled alike, so that the direction stays.
#
# **Question.** `torch.nn.utils.clip_grad_norm_` divides by the norm + 1e-6, `optax.clip_by_global_norm` by
# the norm. Which bound on the difference would that still pass?

# %% [markdown]
# **Answer.** Not one of float64: 1e-6 relative to a norm near 1 is a thousand million roundings. Two
# libraries with defaults of their own are seldom equal; written out, the two sides are.


# %%
def jax_clipped(gradient: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """With a joint norm of at most CLIP."""
    norm = jnp.sqrt(sum((g**2).sum() for g in gradient.values()))
    return {name: g * jnp.minimum(CLIP / norm, 1.0) for name, g in gradient.items()}


def torch_clipped(gradient: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same."""
    norm = math.sqrt(sum(float((g**2).sum()) for g in gradient.values()))
    return {name: g * min(CLIP / norm, 1.0) for name, g in gradient.items()}


assert apart(jax_clipped(jax_gradient), torch_clipped(torch_gradient)) < 1e-11
by_optax, _ = optax.clip_by_global_norm(CLIP).update(jax_gradient, optax.EmptyState())
for name, clipped in jax_clipped(jax_gradient).items():
    np.testing.assert_allclose(clipped, by_optax[name], rtol=1e-12, atol=1e-15)

# %% [markdown]
# ## The learning rate
#
# Up in equal steps to the peak, then down by half a cosine. A number of the step alone, so that both
# frameworks get it from one function.
#
# **Question.** Steps are counted from 0. What if the rate were PEAK · step / WARMUP?

# %% [markdown]
# **Answer.** The first step would have a rate of 0: a batch read for nothing.


# %%
def rate(step: int) -> float:
    """Of a step, counted from 0."""
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    return PEAK * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP))) / 2


# %% [markdown]
# ## AdamW
#
# m ← β₁ m + (1 - β₁) g and v ← β₂ v + (1 - β₂) g². Both begin at zero, and are too small at first: they are
# divided by 1 - βᵗ, t counted from 1. Then w ← w - rate · (m̂ / (√v̂ + ε) + decay · w). Kernels and tables
# decay, biases and the scales of norms do not.


# %%
def jax_adamw(w: Any, g: Any, m: Any, v: Any, step: int, decay: float) -> tuple[Any, Any, Any]:
    """The new weight and its new means; all of one shape."""
    m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g**2
    mean, square = m / (1 - BETA1 ** (step + 1)), v / (1 - BETA2 ** (step + 1))
    return w - rate(step) * (mean / (jnp.sqrt(square) + EPS) + decay * w), m, v


def torch_adamw(w: Any, g: Any, m: Any, v: Any, step: int, decay: float) -> tuple[Any, Any, Any]:
    """The same."""
    m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g**2
    mean, square = m / (1 - BETA1 ** (step + 1)), v / (1 - BETA2 ** (step + 1))
    return w - rate(step) * (mean / (torch.sqrt(square) + EPS) + decay * w), m, v


DECAYS = {name: DECAY if name.endswith(("kernel", "embedding")) else 0.0 for name in start}
TORCH_DECAYS = dict(zip(torch_start, DECAYS.values(), strict=True))
print(f"{list(DECAYS.values()).count(0.0)} of {len(DECAYS)} arrays do not decay")

# %% [markdown]
# ## Many steps
#
# All weights of both after every step. In PyTorch the pieces are arguments, to be broken further down.

# %%


def in_jax() -> list[dict[str, jax.Array]]:
    """The weights after each step."""
    params, found = {name: jnp.asarray(w) for name, w in start.items()}, []
    means, squares = jax.tree.map(jnp.zeros_like, (params, params))
    for step, ids in enumerate(batches):
        gradient = jax_clipped(jax_graded(params, ids)[1])
        for name, g in gradient.items():
            params[name], means[name], squares[name] = jax_adamw(
                params[name], g, means[name], squares[name], step, DECAYS[name]
            )
        found.append(dict(params))
    return found


def in_torch(
    clip: Any = torch_clipped, adamw: Any = torch_adamw, decays: dict[str, float] = TORCH_DECAYS
) -> list[dict[str, torch.Tensor]]:
    """The same."""
    torch_gpt.load_state_dict(torch_start)
    means, squares = ({name: torch.zeros_like(w) for name, w in torch_params.items()} for _ in range(2))
    found = []
    for step, ids in enumerate(batches):
        gradients = torch.autograd.grad(torch_loss(ids), list(torch_params.values()))
        for name, g in clip(dict(zip(torch_params, gradients, strict=True))).items():
            w = torch_params[name]
            new, means[name], squares[name] = adamw(
                w.detach(), g, means[name], squares[name], step, decays[name]
            )
            w.data.copy_(new)
        found.append({name: w.detach().clone() for name, w in torch_params.items()})
    return found


jax_weights, torch_weights = in_jax(), in_torch()
rounding = [apart(*both) for both in zip(jax_weights, torch_weights, strict=True)]
print(f"weights after 1, {STEPS} steps: {rounding[0]:.0e}, {rounding[-1]:.0e} apart")
print(f"loss {jax_loss(start, batches[-1]):.3f} becomes {jax_loss(jax_weights[-1], batches[-1]):.3f}")
assert max(rounding) < 1e-9

# %% [markdown]
# ## The libraries, given the same settings
#
# optax is told which weights decay by a mask, PyTorch by groups of parameters. optax clips in its chain; for
# PyTorch we clip, because of the 1e-6.

# %%
mask = {name: decay > 0 for name, decay in DECAYS.items()}
rates = jnp.asarray([rate(step) for step in range(STEPS)])
chain = optax.chain(
    optax.clip_by_global_norm(CLIP),
    optax.adamw(lambda step: rates[step], BETA1, BETA2, EPS, weight_decay=DECAY, mask=mask),
)
optax_params = {name: jnp.asarray(w) for name, w in start.items()}
state, update = chain.init(optax_params), jax.jit(chain.update)

torch_gpt.load_state_dict(torch_start)
groups = [
    {"params": [w for name, w in torch_params.items() if TORCH_DECAYS[name] == decay], "weight_decay": decay}
    for decay in (DECAY, 0.0)
]
theirs = torch.optim.AdamW(groups, lr=0.0, betas=(BETA1, BETA2), eps=EPS)

for step, ids in enumerate(batches):
    updates, state = update(jax_graded(optax_params, ids)[1], state, optax_params)
    optax_params = optax.apply_updates(optax_params, updates)

    theirs.zero_grad()
    torch_loss(ids).backward()
    clipped_now = torch_clipped({name: w.grad for name, w in torch_params.items() if w.grad is not None})
    for name, w in torch_params.items():
        w.grad = clipped_now[name]
    for group in theirs.param_groups:
        group["lr"] = rate(step)
    theirs.step()
of_optax, of_torch = apart(optax_params, torch_weights[-1]), apart(jax_weights[-1], torch_params)
print(f"after {STEPS} steps: optax {of_optax:.0e} and torch.optim {of_torch:.0e} apart from ours")
assert max(of_optax, of_torch) < 1e-9

# %% [markdown]
# ## Break it
#
# Forget one thing at a time, in PyTorch alone: the division by 1 - βᵗ; ε outside of the root; that decay is
# not for norms and biases, and no part of the gradient; the clipping.


# %%
def no_correction(w: Any, g: Any, m: Any, v: Any, step: int, decay: float) -> tuple[Any, Any, Any]:
    """m and v as they are."""
    m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g**2
    return w - rate(step) * (m / (torch.sqrt(v) + EPS) + decay * w), m, v


def eps_inside(w: Any, g: Any, m: Any, v: Any, step: int, decay: float) -> tuple[Any, Any, Any]:
    """√(v̂ + ε)."""
    m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g**2
    mean, square = m / (1 - BETA1 ** (step + 1)), v / (1 - BETA2 ** (step + 1))
    return w - rate(step) * (mean / torch.sqrt(square + EPS) + decay * w), m, v


def coupled(w: Any, g: Any, m: Any, v: Any, step: int, decay: float) -> tuple[Any, Any, Any]:
    """The decay in the gradient, as Adam had it before AdamW."""
    return torch_adamw(w, g + decay * w, m, v, step, 0.0)


mistakes: dict[str, dict[str, Any]] = {
    "none": {},
    "ε inside the root": {"adamw": eps_inside},
    "decay of norms and biases too": {"decays": dict.fromkeys(TORCH_DECAYS, DECAY)},
    "no clipping": {"clip": lambda gradient: gradient},
    "decay in the gradient": {"adamw": coupled},
    "no correction of m and v": {"adamw": no_correction},
}
figure, panel = plt.subplots(figsize=(8, 3.6), layout="constrained")
styles = ["k-", "-", "--", "-.", ":", "-"]
for (name, changed), style in zip(mistakes.items(), styles, strict=True):
    broken = in_torch(**changed)
    distance = [apart(*both) for both in zip(jax_weights, broken, strict=True)]
    last = float(torch_loss(batches[-1]).detach())
    print(f"{name:30} loss {last:.3f}, apart {distance[0]:.0e} after a step, {distance[-1]:.0e} in the end")
    panel.semilogy(range(1, STEPS + 1), distance, style, label=name)
panel.set(xlabel="step", ylabel="weights apart, relative")
panel.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# **Question.** The loss falls in every one of these runs. Which mistake would it have told?

# %% [markdown]
# **Answer.** None for sure: with some it falls a little slower, with one even faster. The weights tell at the
# first step: each mistake is more than a thousand million times as large as rounding.

# %% [markdown]
# ## Exercise
#
# Break something of your own in `torch_adamw` or in `rate` (steps counted from 1, the means' betas exchanged,
# the decay before the clipping), say at which step it will show first, and see. Then look at ours, where
# two frameworks train side by side, and at the mistakes of training that must be found there:
#
# ```
# twinformer parity gpt --steps 100
# twinformer parity --defects
# ```
