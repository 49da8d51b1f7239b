"""Text from a decoder, token by token, with the cache."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from torch_impl.gpt import GPT
from torch_impl.layers import at_least_float32
from torch_impl.random import Key, categorical, fold_in


def keep_likeliest(
    logits: Float[Tensor, "batch vocab"], top_k: int | None = None, top_p: float | None = None
) -> Float[Tensor, "batch vocab"]:
    """Minus infinity instead of all but the ``top_k`` largest logits, and then of all but the nucleus.

    The nucleus is the smallest set of the likeliest tokens whose probability reaches ``top_p`` (Holtzman et
    al. 2020, section 3.1), one token at least. Logits equal to the smallest one kept are kept too.
    """
    if top_k is not None:
        largest, _ = torch.topk(logits, min(top_k, logits.shape[-1]))
        logits = torch.where(logits < largest[:, -1:], -torch.inf, logits)
    if top_p is not None:
        descending = torch.sort(logits, dim=-1, descending=True).values
        probabilities = torch.softmax(descending, dim=-1)
        before = torch.cumsum(probabilities, dim=-1) - probabilities  # of all likelier tokens together
        smallest = torch.where(before < top_p, descending, torch.inf).amin(dim=-1, keepdim=True)
        logits = torch.where(logits < smallest, -torch.inf, logits)
    return logits


def next_token(
    logits: Float[Tensor, "batch vocab"],
    rng: Key | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Int[Tensor, "batch"]:
    """A draw from softmax(logits / temperature), of which `keep_likeliest` leaves a part.

    Without a key, or at temperature 0, it is the likeliest token. A row's draw depends on its number in the
    batch, and not on how many rows follow. ValueError: temperature < 0, top_k < 1, top_p outside (0, 1].
    """
    if not temperature >= 0.0:
        raise ValueError(f"temperature={temperature}: choose 0 (the likeliest token) or more")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k}: keep 1 token or more, or None for all")
    if top_p is not None and not 0.0 < top_p <= 1.0:
        raise ValueError(f"top_p={top_p}: choose a probability above 0 and up to 1, or None")
    wide = at_least_float32(logits)
    if rng is None or temperature == 0.0:
        return torch.argmax(wide, dim=-1)
    return categorical(rng, keep_likeliest(wide / temperature, top_k, top_p))


@torch.no_grad()
def generate(
    model: GPT,
    prompts: Int[Tensor, "batch position"],
    lengths: Sequence[int],
    new: int,
    rng: Key | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    ends: tuple[int, ...] = (),
) -> tuple[Int[Tensor, "batch total"], Int[Tensor, "batch"]]:
    """Continue each prompt by ``new`` tokens (`next_token`), or until it has written one of ``ends``.

    Row r's prompt is its first ``lengths[r]`` tokens; what stands behind does not matter. Returns prompts
    with their continuations, zeros behind, and how many tokens of each row count, the end included. The key
    of position t is ``fold_in(rng, t)``, whatever the length of the prompt.

    All rows are at the same position at all times. What even the shortest prompt has is read in one step;
    from there on, a row whose prompt is longer takes its own next token, and the others the drawn one.

    After ``model.step = torch.compile(model.step, dynamic=False)`` a step is one program, whatever the token.

    ValueError: an empty or too long prompt, no new token, or more tokens than the model has positions.
    """
    _check(model, prompts, lengths, new)
    batch, longest = prompts.shape
    total, shared = longest + new, min(lengths)
    cache = model.empty_cache(batch, total - 1, model.table().dtype)
    # A tensor, so that a compiled step is no program for each number.
    cache = cache._replace(length=torch.tensor(cache.length, device=prompts.device))
    if shared > 1:
        _, cache = model.step(prompts[:, : shared - 1], cache)
    ids = torch.nn.functional.pad(prompts, (0, new))
    own = torch.tensor(lengths, device=ids.device)
    stops, position = own + new, shared
    ending = torch.tensor(ends, device=ids.device)
    # Without ends all stops are known, and the device is not asked after each token.
    while bool((position < stops).any()) if ends else position < total:
        logits, cache = model.step(ids[:, position - 1 : position], cache)
        drawn = next_token(logits[:, 0], fold_in(rng, position), temperature, top_k, top_p)
        token = drawn.to(ids.dtype)
        if position < longest:
            token = torch.where(position < own, ids[:, position], token)
        if ends:
            ended = (position >= own) & torch.isin(token, ending)
            stops = torch.where(ended, stops.clamp(max=position + 1), stops)
        ids[:, position] = token
        position += 1
    written = torch.arange(total, device=ids.device)[None, :] < stops[:, None]
    return torch.where(written, ids, 0), stops


def _check(model: GPT, prompts: Int[Tensor, "batch position"], lengths: Sequence[int], new: int) -> None:
    """The errors of `generate`, before anything is computed."""
    batch, longest = prompts.shape
    if len(lengths) != batch or min(lengths) < 1 or max(lengths) > longest:
        raise ValueError(f"lengths={lengths} of {batch} prompts: each has 1 to {longest} tokens")
    if new < 1:
        raise ValueError(f"new={new}: ask for 1 token or more")
    if longest + new > model.config.max_positions + 1:  # the last one is not read
        raise ValueError(
            f"prompts of {longest} tokens and new={new} need more than the model's "
            f"max_positions={model.config.max_positions}: shorten the prompts, or ask for fewer new tokens"
        )
