"""The likeliest target of an encoder-decoder, token by token, with the cache."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from torch_impl.seq2seq import EncoderDecoder


@torch.no_grad()
def greedy(
    model: EncoderDecoder,
    source: Int[Tensor, "batch key"],
    source_mask: Bool[Tensor, "batch key"],
    begin: int,
    length: int,
) -> Int[Tensor, "batch position"]:
    """``length`` tokens a row, each the likeliest after ``begin`` and those before it.

    The source is encoded once, and a step reads one token. What follows a row's first end token means
    nothing.

    ValueError: more tokens than the model has positions.
    """
    context = model.encode(source, source_mask)
    cache = model.empty_cache(context, length, context.dtype)
    last, tokens = torch.full_like(source[:, :1], begin), []
    for _ in range(length):
        logits, cache = model.step(last, cache, source_mask)
        last = logits.argmax(dim=-1)
        tokens.append(last)
    return torch.cat(tokens, dim=1)
