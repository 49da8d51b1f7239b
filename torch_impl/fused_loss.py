"""The output layer and its loss as one function, which never has the logits of all tokens together.

As in Liger Kernel (Hsu et al. 2024, section 3.2) and "Cut Your Losses" (Wijmans et al. 2024), the gradients
are computed in the forward pass, while a chunk's logits are there.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from torch_impl.layers import add_bias, at_least_float32
from torch_impl.losses import count

LOGITS = 2**24  # that exist at a time: 64 MiB in float32


def chunk_length(vocab: int) -> int:
    """How many tokens have `LOGITS` logits at most: a power of two, at which matmuls are fastest."""
    return 1 << max(0, (LOGITS // vocab).bit_length() - 1)


def chunked_cross_entropy(
    hidden: Float[Tensor, "batch position embed"],
    table: Float[Tensor, "vocab embed"],
    labels: Int[Tensor, "batch position"],
    weights: Float[Tensor, "batch position"],
    chunk: int,
    bias: Float[Tensor, "vocab"] | None = None,
) -> Float[Tensor, ""]:
    """`weighted_cross_entropy` of the logits hidden x table^T + bias, ``chunk`` tokens at a time.

    A chunk's logits become its part of all gradients at once: none is kept, none is computed twice. Gradients
    are in reverse mode, and have none themselves.
    """
    dtype = at_least_float32(hidden).dtype
    counts = weights != 0
    shares = torch.where(counts, weights.to(dtype) / count(weights).to(dtype), 0.0)
    seen = torch.where(counts[:, :, None], hidden, 0.0)
    flat = seen.flatten(0, 1), torch.where(counts, labels, 0).flatten().long(), shares.flatten()
    mean_loss = _MeanLoss.apply if torch.is_grad_enabled() else _mean_loss
    return mean_loss(*flat, table, bias, chunk)


def _mean_loss(
    hidden: Float[Tensor, "token embed"],
    labels: Int[Tensor, "token"],
    shares: Float[Tensor, "token"],
    table: Float[Tensor, "vocab embed"],
    bias: Float[Tensor, "vocab"] | None,
    chunk: int,
) -> Float[Tensor, ""]:
    """The sum over tokens of share times -log p(label), where no gradient is asked for."""
    total = shares.new_zeros(())
    for vectors, its_labels, its_shares in _chunks(chunk, hidden, labels, shares):
        losses = _losses(_logits(vectors, table, bias), its_labels)[0]
        total += (its_shares * losses).sum()
    return total


class _MeanLoss(torch.autograd.Function):
    """The same with its gradients. Those of table and bias are summed in float32 or wider."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Float[Tensor, "token embed"],
        labels: Int[Tensor, "token"],
        shares: Float[Tensor, "token"],
        table: Float[Tensor, "vocab embed"],
        bias: Float[Tensor, "vocab"] | None,
        chunk: int,
    ) -> Float[Tensor, ""]:
        total, d_table = shares.new_zeros(()), torch.zeros_like(table, dtype=shares.dtype)
        d_bias = None if bias is None else torch.zeros_like(bias, dtype=shares.dtype)
        d_hidden, d_shares = torch.empty_like(hidden), torch.empty_like(shares)
        parts = _chunks(chunk, hidden, labels, shares, d_hidden, d_shares)
        for vectors, its_labels, its_shares, d_vectors, losses in parts:
            logits = _logits(vectors, table, bias)
            losses[:], normalizers = _losses(logits, its_labels)
            d_logits = logits.sub_(normalizers).exp_()
            d_logits[its_labels, torch.arange(len(its_labels), device=logits.device)] -= 1.0
            d_logits *= its_shares
            d_vectors[:] = torch.einsum("vt,ve->te", d_logits.to(table.dtype), table)
            total += (its_shares * losses).sum()
            d_table.addmm_(d_logits, at_least_float32(vectors))
            if d_bias is not None:
                d_bias += d_logits.sum(dim=1)
        ctx.save_for_backward(d_hidden, d_shares, d_table, d_bias)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Float[Tensor, ""]) -> Any:
        """The gradients, times that of what was made of the loss."""
        d_hidden, *rest = (None if each is None else upstream * each for each in ctx.saved_tensors)
        return d_hidden, None, *rest, None


def _logits(
    vectors: Float[Tensor, "token embed"],
    table: Float[Tensor, "vocab embed"],
    bias: Float[Tensor, "vocab"] | None,
) -> Float[Tensor, "vocab token"]:
    """The logits of a chunk, widened. Tokens come last: so all three matmuls are as fast as they can be."""
    logits = torch.einsum("ve,te->vt", table, vectors)
    return at_least_float32(add_bias(logits, None if bias is None else bias[:, None]))


def _losses(
    logits: Float[Tensor, "vocab token"], labels: Int[Tensor, "token"]
) -> tuple[Float[Tensor, "token"], Float[Tensor, "token"]]:
    """-log p(label) of each token, and the logarithm that turns its logits into log p."""
    normalizers = torch.logsumexp(logits, dim=0)
    return normalizers - logits.gather(0, labels[None])[0], normalizers


def _chunks(chunk: int, *arrays: Tensor) -> Any:
    """Arrays over tokens, chunk by chunk."""
    return zip(*(array.split(chunk) for array in arrays), strict=True)
