"""Dropout by place: what our twin draws, and a third party whose dropout is fed with our masks.

A draw's place is the tap before it: what is dropped. Its path is what is folded into the forward's key, one
number after the other.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, reduce
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import torch
from torch.nn import functional as F

from torch_impl import random

Path = tuple[int, ...]
SEED = 0


class Draw(NamedTuple):
    """Random bits that a forward drew: 32 an element, of the shape of what is dropped."""

    key: random.Key
    bits: torch.Tensor

    def kept(self, rate: float) -> torch.Tensor:
        """True at what stays (Srivastava et al. 2014, section 4)."""
        return torch.tensor(self.bits.numpy().view(np.uint32) >= round(rate * 2**32))


def key_of(path: Path, seed: int = SEED) -> random.Key:
    """The key of a place in a forward of this seed."""
    return reduce(random.fold_in, path, random.key(seed))


@contextmanager
def recorded_draws(noted: Callable[[], None] = lambda: None) -> Iterator[list[Draw]]:
    """All draws that PyTorch's twin makes meanwhile, in their order; ``noted`` is called at each."""
    draws: list[Draw] = []
    original = random.bits

    def bits(rng: random.Key, shape: tuple[int, ...], *rest: Any, **keywords: Any) -> torch.Tensor:
        noted()
        drawn = original(rng, shape, *rest, **keywords)
        draws.append(Draw(rng, drawn.clone()))  # a copy, as the twin works in place
        return drawn

    with mock.patch.object(random, "bits", bits):
        yield draws


def matched(places: Mapping[str, Path | None], draws: list[Draw], rate: float) -> dict[str, Any]:
    """The masks for a third party's places, by the table from those to our paths (None: we drop nothing).

    Every draw of ours must be in the table, and all must have keys of their own.
    """
    drawn = {draw.key: draw for draw in draws}
    paths = [path for path in places.values() if path is not None]
    assert sorted(map(key_of, paths)) == sorted(draw.key for draw in draws)
    assert len(drawn) == len(draws)
    return {name: None if path is None else drawn[key_of(path)].kept(rate) for name, path in places.items()}


@contextmanager
def fed(
    module: torch.nn.Module, masks: Mapping[str, Any], rate: float, added: Collection[str] = ()
) -> Iterator[None]:
    """Meanwhile the dropout of this module is ours: each of its parts that drops has the mask of its name.

    Every mask must be used, once; one of None lets all pass. What the parts in ``added`` return is dropped
    although they do not drop by themselves.
    """
    inside: list[str] = []
    used: list[str] = []

    def drop(name: str, x: torch.Tensor) -> torch.Tensor:
        used.append(name)
        mask = masks[name]
        return x if mask is None else torch.where(mask.reshape(x.shape), x / (1.0 - rate), 0.0)

    def dropout(x: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        assert training
        return drop(inside[-1], x)

    def enter(name: str, part: torch.nn.Module, arguments: Any, keywords: Any) -> Any:
        inside.append(name)
        if isinstance(part, torch.nn.MultiheadAttention):  # its fused kernel would draw by itself
            part.dropout, keywords = rate, keywords | {"need_weights": True}
        return arguments, keywords

    def leave(name: str, part: torch.nn.Module, arguments: Any, output: Any) -> Any:
        inside.pop()
        return drop(name, output) if name in added else output

    for name, part in module.named_modules():
        part.register_forward_pre_hook(partial(enter, name), with_kwargs=True)
        part.register_forward_hook(partial(leave, name))
    with mock.patch.object(F, "dropout", dropout):
        yield
    assert sorted(used) == sorted(masks)
