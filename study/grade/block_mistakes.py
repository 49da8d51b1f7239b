"""Mistakes in the block: its norms, its feed-forward layer, and the residual connections around both."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from parity_tests.twins.inject import Inject, patched
from study.grade.mistakes import Mistake
from torch_impl import block, layers

EPS = "LayerNorm's epsilon"
DEFAULTS = {1e-6: ", the default of Flax", 1e-5: ", the default of PyTorch"}


def _norm(wrong: Callable[..., Tensor]) -> Inject:
    """Of x, scale, bias and eps."""
    return patched(layers, "layer_norm", wrong)


def _with_eps(eps: float) -> Inject:
    return _norm(lambda original, x, scale, bias, _: original(x, scale, bias, eps))


def _unbiased(original: Any, x: Tensor, scale: Tensor, bias: Tensor, eps: float) -> Tensor:
    return (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True) + eps) * scale + bias


def _eps_outside(unbiased: bool) -> Callable[..., Tensor]:
    def norm(original: Any, x: Tensor, scale: Tensor, bias: Tensor, eps: float) -> Tensor:
        return (x - x.mean(-1, keepdim=True)) / (
            x.std(-1, keepdim=True, unbiased=unbiased) + eps
        ) * scale + bias

    return norm


def _root_mean_square(original: Any, x: Tensor, scale: Tensor, bias: Tensor, eps: float) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * scale + bias


def _by_variance(original: Any, x: Tensor, scale: Tensor, bias: Tensor, eps: float) -> Tensor:
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + eps) * scale + bias


def _over(*dims: int) -> Callable[..., Tensor]:
    def norm(original: Any, x: Tensor, scale: Tensor, bias: Tensor, eps: float) -> Tensor:
        variance = x.var(dims, keepdim=True, unbiased=False)
        return (x - x.mean(dims, keepdim=True)) / torch.sqrt(variance + eps) * scale + bias

    return norm


def _activation(function: Callable[[Tensor], Tensor]) -> Inject:
    """Of the feed-forward layer, in the place of its own."""

    def forward(original: Any, self: Any, x: Tensor, tap: Any = layers.no_tap) -> Tensor:
        found: Tensor = self.down(function(self.up(x)))
        return found

    return patched(layers.FeedForward, "forward", forward)


def _activated_last(original: Any, self: Any, x: Tensor, tap: Any = layers.no_tap) -> Tensor:
    return layers.ACTIVATIONS[self.config.activation](self.down(self.up(x)))


def _activated_again(original: Any, self: Any, x: Tensor, tap: Any = layers.no_tap) -> Tensor:
    return layers.ACTIVATIONS[self.config.activation](original(self, x))


def _step(wrong: Callable[[Any, Tensor, Callable[[Tensor], Tensor]], Tensor]) -> Inject:
    """A block computed in another way, from its parts, x and the attention of what is read."""

    def step(
        original: Any, self: Any, x: Tensor, cache: Any, start: int, mask: Any = None, *rest: Any
    ) -> Any:
        memory = None

        def attend(read: Tensor) -> Tensor:
            nonlocal memory
            branch, memory = self.attention.step(read, read, cache, start, mask)
            return branch

        return wrong(self, x, attend), memory

    return patched(block.TransformerBlock, "step", step)


def _pre(self: Any) -> bool:
    return bool(self.config.norm_position == "pre")


def _other_place(original: Any, self: Any, *arguments: Any) -> Any:
    config = self.config
    other = "post" if config.norm_position == "pre" else "pre"
    self.config = _Moved(config, other)
    try:
        return original(self, *arguments)
    finally:
        self.config = config


class _Moved:
    """A config whose norms stand elsewhere, also where its class does not allow it."""

    def __init__(self, config: Any, norm_position: str) -> None:
        self._config, self.norm_position = config, norm_position

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config, name)


def _branches(
    self: Any,
    x: Tensor,
    attend: Callable[[Tensor], Tensor],
    keep: tuple[float, float] = (1.0, 1.0),
    norms: tuple[Any, Any] | None = None,
    normalised: bool = False,
) -> Tensor:
    """The block with parts left out: how much of the residual is kept, which norms there are.

    ``normalised``: what is added to each branch is what the branch read.
    """
    first, second = norms or (self.attention_norm, self.feed_forward_norm)
    for norm, branch, share in ((first, attend, keep[0]), (second, self.feed_forward, keep[1])):
        if _pre(self):
            read = norm(x)
            x = share * (read if normalised else x) + branch(read)
        else:
            x = norm(share * x + branch(x))
    return x


def _nothing(x: Tensor) -> Tensor:
    return x


def _parallel(self: Any, x: Tensor, attend: Callable[[Tensor], Tensor]) -> Tensor:
    if _pre(self):
        return x + attend(self.attention_norm(x)) + self.feed_forward(self.feed_forward_norm(x))
    return self.feed_forward_norm(x + attend(x) + self.feed_forward(x))


def _fed_first(self: Any, x: Tensor, attend: Callable[[Tensor], Tensor]) -> Tensor:
    if _pre(self):
        x = x + self.feed_forward(self.feed_forward_norm(x))
        return x + attend(self.attention_norm(x))
    x = self.feed_forward_norm(x + self.feed_forward(x))
    return self.attention_norm(x + attend(x))


RESIDUAL = "each branch is added to what it came from: x = x + branch"
PLACES = (
    "pre-norm is x + branch(norm(x)) (Xiong et al. 2020), post-norm norm(x + branch(x)) (Vaswani et al. 2017)"
)
VARIANCE = "divide by the square root of (the mean squared deviation + epsilon)"
GELU = "the stub says which activation is meant"

BLOCK = (
    *(
        Mistake(
            f"eps {eps:g}",
            f"your {EPS} is {f'{eps:g}' if eps else 'zero'}{DEFAULTS.get(eps, '')}",
            "the stub says which one is meant",
            _with_eps(eps),
        )
        for eps in (1e-3, 1e-5, 1e-6, 1e-8, 1e-12, 0.0)
    ),
    Mistake(
        "unbiased variance",
        "your variance is divided by one less than the count, as torch.var does unless it is told",
        VARIANCE,
        _norm(_unbiased),
    ),
    Mistake(
        "eps outside of the root",
        "your epsilon is added to the standard deviation, not to the variance",
        VARIANCE,
        _norm(_eps_outside(False)),
    ),
    Mistake(
        "eps outside of the root, unbiased",
        "your epsilon is added to the standard deviation, which is divided by one less than the count",
        VARIANCE,
        _norm(_eps_outside(True)),
    ),
    Mistake(
        "divided by the variance",
        "you divide by the variance, not by its square root",
        VARIANCE,
        _norm(_by_variance),
    ),
    Mistake(
        "norm without the mean",
        "your norm leaves the mean in: it is RMSNorm",
        "subtract the mean over embed first (Ba et al. 2016)",
        _norm(_root_mean_square),
    ),
    Mistake(
        "norm over positions",
        "your norm is over the positions, not over embed",
        "mean and variance are over embed, the last axis",
        _norm(_over(-2)),
    ),
    Mistake(
        "norm over all",
        "your norm is over positions and embed together",
        "mean and variance are over embed, the last axis",
        _norm(_over(-2, -1)),
    ),
    Mistake(
        "norm without scale and bias",
        "your norm has no scale and no bias, or does not use them",
        "multiply by the scale and add the bias at the end",
        _norm(
            lambda original, x, scale, bias, eps: original(
                x, torch.ones_like(scale), torch.zeros_like(bias), eps
            )
        ),
    ),
    Mistake("exact GELU", "your activation is the exact GELU", GELU, _activation(layers.gelu)),
    Mistake(
        "tanh for exact GELU",
        "your activation is GELU's tanh approximation (Flax's default)",
        GELU,
        _activation(layers.gelu_tanh),
    ),
    Mistake("ReLU", "your activation is ReLU", GELU, _activation(layers.relu)),
    Mistake("SiLU", "your activation is SiLU", GELU, _activation(layers.silu)),
    Mistake(
        "sigmoid for GELU",
        "your activation is x sigmoid(1.702 x), the rough approximation of GELU",
        GELU,
        _activation(lambda x: x * torch.sigmoid(1.702 * x)),
    ),
    Mistake("tanh activation", "your activation is tanh", GELU, _activation(torch.tanh)),
    Mistake("no activation", "your feed-forward layer has no activation", GELU, _activation(_nothing)),
    Mistake(
        "activation last",
        "your activation comes after the second linear layer",
        "down(activation(up(x)))",
        patched(layers.FeedForward, "forward", _activated_last),
    ),
    Mistake(
        "activation twice",
        "your feed-forward layer ends in an activation too",
        "down(activation(up(x)))",
        patched(layers.FeedForward, "forward", _activated_again),
    ),
    Mistake(
        "pre-norm and post-norm swapped",
        "your norms stand in the other place: pre-norm for post-norm, or the reverse",
        PLACES,
        patched(block.TransformerBlock, "step", _other_place),
    ),
    Mistake(
        "no residual around attention",
        "there is no residual connection around attention",
        RESIDUAL,
        _step(lambda self, x, attend: _branches(self, x, attend, keep=(0.0, 1.0))),
    ),
    Mistake(
        "no residual around the feed-forward layer",
        "there is no residual connection around the feed-forward layer",
        RESIDUAL,
        _step(lambda self, x, attend: _branches(self, x, attend, keep=(1.0, 0.0))),
    ),
    Mistake(
        "no residual",
        "there is no residual connection at all",
        RESIDUAL,
        _step(lambda self, x, attend: _branches(self, x, attend, keep=(0.0, 0.0))),
    ),
    Mistake(
        "residual added twice",
        "the residual around attention is added twice",
        RESIDUAL,
        _step(lambda self, x, attend: _branches(self, x, attend, keep=(2.0, 1.0))),
    ),
    Mistake(
        "residual from the norm",
        "your branches are added to the normalised x, not to x",
        PLACES,
        _step(lambda self, x, attend: _branches(self, x, attend, normalised=True)),
    ),
    Mistake(
        "the first norm twice",
        "the norm of attention is used before the feed-forward layer too",
        "each branch has a norm of its own",
        _step(
            lambda self, x, attend: _branches(
                self, x, attend, norms=(self.attention_norm, self.attention_norm)
            )
        ),
    ),
    Mistake(
        "the second norm twice",
        "the norm of the feed-forward layer is used for attention too",
        "each branch has a norm of its own",
        _step(
            lambda self, x, attend: _branches(
                self, x, attend, norms=(self.feed_forward_norm, self.feed_forward_norm)
            )
        ),
    ),
    Mistake(
        "no norm of attention",
        "there is no norm at attention",
        PLACES,
        _step(lambda self, x, attend: _branches(self, x, attend, norms=(_nothing, self.feed_forward_norm))),
    ),
    Mistake(
        "no norm of the feed-forward layer",
        "there is no norm at the feed-forward layer",
        PLACES,
        _step(lambda self, x, attend: _branches(self, x, attend, norms=(self.attention_norm, _nothing))),
    ),
    Mistake(
        "branches side by side",
        "both branches read the same x: they stand side by side, not one after the other",
        "the feed-forward layer reads what attention left",
        _step(_parallel),
    ),
    Mistake(
        "feed-forward first",
        "the feed-forward layer comes before attention",
        "attention first, then the feed-forward layer",
        _step(_fed_first),
    ),
    Mistake(
        "no feed-forward layer",
        "there is no feed-forward layer",
        "attention, then down(activation(up(x)))",
        _step(
            lambda self, x, attend: (
                x + attend(self.attention_norm(x)) if _pre(self) else self.attention_norm(x + attend(x))
            )
        ),
    ),
)
