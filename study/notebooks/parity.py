# %% [markdown]
# # Parity
#
# A port is right when it computes the same: outputs, what each part returns, and every gradient, on the same
# weights, in float64, where differences are no rounding.
#
# **Time.** Usually half an hour to an hour; with a model of your own, an hour or two.
#
# **Watch for.** Do the shapes feel obvious? Each parameter has them in two layouts. Write both down, by the
# names of their axes, before you look.

# %%
import jax
import matplotlib.pyplot as plt
import numpy as np
import torch
from flax import linen

from parity_tests.core.compare import first_divergence
from parity_tests.pair import Row, compare

BATCH, POSITION, EMBED, MLP = 2, 7, 12, 20

# %% [markdown]
# ## Two models
#
# A feed-forward layer behind a norm and a square matrix, in PyTorch; and in Flax, as one first writes it.


# %%
class TorchLayer(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.mix = torch.nn.LayerNorm(EMBED), torch.nn.Linear(EMBED, EMBED)
        self.up, self.down = torch.nn.Linear(EMBED, MLP), torch.nn.Linear(MLP, EMBED)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mixed = self.mix(self.norm(x))
        return x + self.down(torch.nn.functional.gelu(self.up(mixed)))


class FlaxLayer(linen.Module):
    epsilon: float = 1e-6  # Flax's default
    approximate: bool = True  # jax.nn.gelu's default

    @linen.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        mixed = linen.Dense(EMBED, name="mix")(linen.LayerNorm(self.epsilon, name="norm")(x))
        hidden = linen.Dense(MLP, name="up")(mixed)
        return x + linen.Dense(EMBED, name="down")(jax.nn.gelu(hidden, self.approximate))


# %% [markdown]
# ## One table for the weights
#
# A row a kind of parameter: its name in Flax, its name in PyTorch, and the einops pattern between them.
#
# **Question.** A kernel is (inputs outputs) in Flax. What is the pattern to PyTorch's weight?
# What is a bias's?

# %% [markdown]
# **Answer.** `inputs outputs -> outputs inputs`: Flax computes x W, PyTorch x Wᵀ. A bias has one
# axis, and stays as it is.

# %%
TABLE = [
    Row("norm/scale", "norm.weight", "embed -> embed"),
    Row("*/kernel", "*.weight", "inputs outputs -> outputs inputs"),
    Row("*/bias", "*.bias", "outputs -> outputs"),
]

torch.manual_seed(0)
reference = TorchLayer()
with torch.no_grad():
    for parameter in reference.parameters():  # scales of one and biases of zero would hide mistakes
        parameter.add_(0.1 * torch.randn_like(parameter))
x = np.random.default_rng(0).standard_normal((BATCH, POSITION, EMBED))


def errors(name: str, candidate: linen.Module, table: list[Row]) -> dict[str, float]:
    """The largest relative error of each kind of check; prints them, and what differs first."""
    checks = compare(reference, candidate, {"x": x}, weights=table).checks
    found = {
        kind: max(c.max_rel_error for c in checks if c.kind == kind) for kind in {c.kind for c in checks}
    }
    first = first_divergence(checks)
    print(f"{name:18} largest error {max(found.values()):.0e}, first at {first.name if first else 'none'}")
    return found


tried = {"as first written": errors("as first written", FlaxLayer(), TABLE)}

# %% [markdown]
# ## What is wrong?
#
# The first part that differs is the norm. Nothing before it can be at fault: the two libraries have other
# defaults there. Mend one at a time, and look what the next report says is first.

# %%
mended = FlaxLayer(epsilon=1e-5, approximate=False)
tried["epsilon 1e-5"] = errors("epsilon 1e-5", FlaxLayer(epsilon=1e-5), TABLE)
tried["exact GELU too"] = errors("exact GELU too", mended, TABLE)
assert max(tried["exact GELU too"].values()) < 1e-11

# %% [markdown]
# **Question.** The first repair was right, but the largest error did not move. Why?

# %% [markdown]
# **Answer.** The GELU's error is larger, and further on: `down` reads what the GELU made. So what differs
# first is worth reading, not what differs most.

# %% [markdown]
# ## Break it
#
# Forget one transpose: that of `mix`, whose matrix is square. Both layouts have the same shape,
# (embed embed), so nothing refuses to load. The numbers alone tell.

# %%
square = [Row("mix/kernel", "mix.weight", "outputs inputs -> outputs inputs"), *TABLE]
tried["a transpose less"] = errors("a transpose less", mended, square)

figure, panel = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
for kind, marker in zip(("forward", "tap", "input gradient", "parameter gradient"), "os^D", strict=True):
    panel.semilogy(list(tried), [found[kind] for found in tried.values()], marker, label=kind)
panel.axhline(1e-11, color="black", linestyle="--", label="bound")
panel.set(ylabel="largest relative error")
panel.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# ## Exercise
#
# Choose a mistake of your own in `FlaxLayer` (a norm behind the sum, a bias forgotten, a mean over the wrong
# axis), say what the report will show first, and see. Then look at ours, and at the mistakes
# that must be found in it:
#
# ```
# twinformer parity gpt
# twinformer parity --defects
# ```
#
# A model of your own is ported step by step in `docs/porting.md`; there, `compare` is `twinformer.compare`.
