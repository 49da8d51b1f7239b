"""Mistakes that learners make, each planted in our PyTorch twin, with what to say of it and where to look.

One that changes nothing in a part, or cannot be there, is no mistake of that part. Those of a kind stand
together: attention here; the block in `block_mistakes`; the models in `model_mistakes`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from parity_tests.twins.inject import Inject, patched
from torch_impl import attention, layers


@dataclass(frozen=True)
class Mistake:
    """What is wrong, in plain words, where to look, and how it is planted."""

    name: str
    """Short, unlike any other's."""
    said: str
    """A clause that says what the learner's code does: "your scores are ..."."""
    look: str
    """Where, or what it should be."""
    inject: Inject
    gradients: bool = False
    """Whether it shows in gradients alone."""


Wrong = Callable[..., Any]


def _scores(wrong: Wrong) -> Inject:
    """Of the whole function of queries, keys and values."""

    def attend(
        original: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any = None, *rest: Any
    ) -> Tensor:
        found: Tensor = wrong(original, query, key, value, mask, *rest)
        return found

    return patched(attention, "scaled_dot_product_attention", attend)


def _softmax(wrong: Wrong) -> Inject:
    """Of scores (..., query, key) and a mask that may be None."""
    return patched(attention, "masked_softmax", wrong)


def _scaled(factor: Callable[[Tensor, Tensor], float]) -> Inject:
    """Scores multiplied by a function of queries and keys, beside the division by sqrt(head_dim)."""
    return _scores(lambda original, query, key, *rest: original(query * factor(query, key), key, *rest))


def _dim(query: Tensor) -> int:
    return query.shape[-1]


def _heads(query: Tensor) -> int:
    return query.shape[1] if query.ndim == 4 else 1


def _over(dim: int) -> Wrong:
    """Softmax along another axis."""

    def softmax(original: Any, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        if dim == 1 and scores.ndim < 4:
            raise ValueError("there are no heads: this is the axis of the queries")
        if mask is not None:
            scores = torch.where(mask, scores, -torch.inf)
        weights = torch.softmax(scores, dim=dim)
        return torch.nan_to_num(weights)

    return softmax


def _masked(wrong: Callable[[Tensor, Tensor], Tensor]) -> Inject:
    """Softmax of scores to which the mask is applied in another way."""

    def softmax(original: Any, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        return (
            original(scores, None)
            if mask is None
            else original(wrong(scores, mask.expand(scores.shape)), None)
        )

    return _softmax(softmax)


def _masked_after(original: Any, scores: Tensor, mask: Tensor | None = None) -> Tensor:
    weights = original(scores, None)
    return weights if mask is None else weights * mask


def _without_softmax(original: Any, scores: Tensor, mask: Tensor | None = None) -> Tensor:
    return scores if mask is None else torch.where(mask, scores, 0.0)


def _sigmoid(original: Any, scores: Tensor, mask: Tensor | None = None) -> Tensor:
    weights = torch.sigmoid(scores)
    return weights if mask is None else torch.where(mask, weights, 0.0)


def _inverted(original: Any, scores: Tensor, mask: Tensor | None = None) -> Tensor:
    return original(scores, None if mask is None else ~mask)


def _split_without_transpose(original: Any, self: Any, x: Tensor) -> Tensor:
    y = layers.linear(x, self.weight, self.bias)
    return y.reshape(x.shape[0], self.heads, x.shape[1], self.head_dim)


def _merge_without_transpose(original: Any, self: Any, x: Tensor) -> Tensor:
    return layers.linear(x.reshape(x.shape[0], x.shape[2], -1), self.weight, self.bias)


def _one_head(
    original: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any = None, *rest: Any
) -> Tensor:
    """The whole width as one head, as if nothing had been split."""
    if query.ndim != 4:
        return original(query, key, value, mask, *rest)
    heads = query.shape[1]
    whole = (each.transpose(1, 2).flatten(-2)[:, None] for each in (query, key, value))
    found = original(*whole, mask, *rest)
    return found[:, 0].unflatten(-1, (heads, -1)).transpose(1, 2)


def _first_head(
    original: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any = None, *rest: Any
) -> Tensor:
    if query.ndim != 4:
        return original(query, key, value, mask, *rest)
    first = (each[:, :1].expand_as(each) for each in (query, key))
    return original(*first, value, mask, *rest)


def _not_projected(original: Any, self: Any, x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(-2)


SOFTMAX = "the softmax belongs over the keys, the scores' last axis"
MASK = "set the scores to -inf where the mask is False, before the softmax"
SCALE = "divide the scores by sqrt(head_dim), the width of one head (Vaswani et al. 2017, eq. 1)"

ATTENTION = (
    Mistake("not scaled", "your scores are not scaled", SCALE, _scaled(lambda q, k: math.sqrt(_dim(q)))),
    Mistake(
        "scaled by head_dim",
        "your scores are divided by head_dim, not by its square root",
        SCALE,
        _scaled(lambda q, k: 1 / math.sqrt(_dim(q))),
    ),
    Mistake(
        "scaled the wrong way",
        "your scores are multiplied by the square root of head_dim, not divided",
        SCALE,
        _scaled(lambda q, k: float(_dim(q))),
    ),
    Mistake(
        "scaled by the length",
        "your scores are divided by the square root of the length (how many keys there are), not of head_dim",
        SCALE,
        _scaled(lambda q, k: math.sqrt(_dim(q) / k.shape[-2])),
    ),
    Mistake(
        "scaled by the queries' length",
        "your scores are divided by the square root of the number of queries, not of head_dim",
        SCALE,
        _scaled(lambda q, k: math.sqrt(_dim(q) / q.shape[-2])),
    ),
    Mistake(
        "scaled by embed",
        "your scores are divided by the square root of embed (all heads together), not of head_dim",
        SCALE,
        _scaled(lambda q, k: math.sqrt(1 / _heads(q))),
    ),
    Mistake(
        "scaled by the heads",
        "your scores are divided by the square root of the number of heads, not of head_dim",
        SCALE,
        _scaled(lambda q, k: math.sqrt(_dim(q) / _heads(q)) if q.ndim == 4 else 1.0),
    ),
    Mistake(
        "query and key swapped",
        "your queries and keys are swapped: the scores are those of each key with each query",
        "scores are query times key transposed, (query, key)",
        _scores(lambda original, query, key, *rest: original(key, query, *rest)),
    ),
    Mistake(
        "softmax over queries",
        "your softmax is over the queries",
        SOFTMAX,
        _softmax(_over(-2)),
    ),
    Mistake(
        "softmax over heads",
        "your softmax is over the heads, the scores' second axis",
        SOFTMAX,
        _softmax(_over(1)),
    ),
    Mistake("softmax over the batch", "your softmax is over the batch", SOFTMAX, _softmax(_over(0))),
    Mistake(
        "no softmax",
        "you read the values by the scores themselves: there is no softmax",
        SOFTMAX,
        _softmax(_without_softmax),
    ),
    Mistake(
        "softmax twice",
        "your softmax is taken twice",
        "once is enough; a layer that you call may take it already",
        _softmax(lambda original, scores, mask=None: original(original(scores, mask), None)),
    ),
    Mistake(
        "sigmoid for softmax",
        "your weights are sigmoids: those of a query do not sum to one",
        SOFTMAX,
        _softmax(_sigmoid),
    ),
    Mistake(
        "mask ignored",
        "your mask hides nothing",
        MASK,
        _softmax(lambda original, scores, mask=None: original(scores, None)),
    ),
    Mistake(
        "mask inverted",
        "your mask hides what it should show: True means that a query may look",
        MASK,
        _softmax(_inverted),
    ),
    Mistake(
        "mask as zeros",
        "your scores are set to zero, or nearly, where the mask hides: a score of 0 still gets weight",
        MASK,
        _masked(lambda scores, mask: torch.where(mask, scores, 0.0)),
    ),
    Mistake(
        "mask added",
        "your mask is added to the scores as ones and zeros, which hides nothing",
        MASK,
        _masked(lambda scores, mask: scores + mask.to(scores.dtype)),
    ),
    Mistake(
        "mask after the softmax",
        "your mask is applied after the softmax, so that a query's weights no longer sum to one",
        MASK,
        _softmax(_masked_after),
    ),
    Mistake(
        "mask transposed",
        "your mask is transposed: it is read as (key, query)",
        "its axes are (query, key), as those of the scores",
        _softmax(
            lambda original, scores, mask=None: original(
                scores, None if mask is None else mask.expand(scores.shape).mT
            )
        ),
    ),
    Mistake(
        "keys read as values",
        "your values are the keys",
        "the weights read the values",
        _scores(lambda original, query, key, value, *rest: original(query, key, key, *rest)),
    ),
    Mistake(
        "queries read as values",
        "your values are the queries",
        "the weights read the values",
        _scores(lambda original, query, key, value, *rest: original(query, key, query, *rest)),
    ),
    Mistake(
        "values used as keys",
        "your keys are the values",
        "scores are query times key transposed",
        _scores(lambda original, query, key, value, *rest: original(query, value, value, *rest)),
    ),
    Mistake(
        "queries used as keys",
        "your keys are the queries",
        "scores are query times key transposed",
        _scores(lambda original, query, key, *rest: original(query, query, *rest)),
    ),
    Mistake(
        "keys used as queries",
        "your queries are the keys",
        "scores are query times key transposed",
        _scores(lambda original, query, key, *rest: original(key, key, *rest)),
    ),
    Mistake(
        "heads split without a transpose",
        "the heads were reshaped without a transpose: each mixes positions",
        "reshape embed into (heads, head_dim), then move heads in front of the positions",
        patched(attention.InProjection, "forward", _split_without_transpose),
    ),
    Mistake(
        "heads merged without a transpose",
        "the heads were merged without a transpose back: positions are mixed",
        "move heads behind the positions, then merge (heads, head_dim)",
        patched(attention.OutProjection, "forward", _merge_without_transpose),
    ),
    Mistake(
        "not split into heads",
        "there is one head of the whole width: nothing is split",
        "each head has scores and a softmax of its own, head_dim = embed / heads wide",
        _scores(_one_head),
    ),
    Mistake(
        "all heads look alike",
        "all heads have the first head's weights",
        "each head has queries and keys of its own",
        _scores(_first_head),
    ),
    Mistake(
        "no output projection",
        "there is no output projection: the heads are merged, and that is all",
        "one more linear layer mixes the heads (Vaswani et al. 2017, section 3.2.2)",
        patched(attention.OutProjection, "forward", _not_projected),
    ),
    Mistake(
        "no gradient through the softmax",
        "no gradient goes through your softmax: queries and keys will not be trained",
        "look for detach(), stop_gradient or .data",
        _softmax(lambda original, scores, mask=None: original(scores, mask).detach()),
        gradients=True,
    ),
)
