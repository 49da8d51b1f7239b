"""What every contestant in PyTorch has in common: the device, batches on their way to it, AdamW, waiting."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.contestants import Contestant
from data import Batch

Loss = Callable[[Any], Tensor]
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def tensor(array: np.ndarray) -> Tensor:
    """On the host; whole numbers as int64, which PyTorch asks of labels."""
    return torch.from_numpy(array.astype(np.int64) if array.dtype == np.int32 else array)


def on_device(batches: list[Batch]) -> Callable[[int], Any]:
    """Batches of tensors in turn, as a loader has them on the host; each is moved when it is asked for."""
    kinds: list[Any] = [type(batch) for batch in batches]
    host = [kind(*map(tensor, batch)) for kind, batch in zip(kinds, batches, strict=True)]

    def batch(number: int) -> Any:
        here = host[number % len(host)]
        return type(here)(*(one.to(DEVICE, non_blocking=True) for one in here))

    return batch


def parameters(model: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(parameter.numel() for parameter in model.parameters())


def wait(result: Any) -> None:
    """Until all is done that was asked of the device."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def training(model: nn.Module, loss_of: Loss, batches: list[Batch]) -> Contestant:
    """Steps of AdamW, fused."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.1, fused=True)
    batch = on_device(batches)

    def step(number: int) -> Tensor:
        loss = loss_of(batch(number))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    return Contestant(parameters(model), step, wait, float)


def inference(model: nn.Module, logits_of: Loss, batches: list[Batch]) -> Contestant:
    """The logits of a batch at a time."""
    model.eval()
    batch = on_device(batches)

    @torch.inference_mode()
    def step(number: int) -> Tensor:
        return logits_of(batch(number))

    return Contestant(parameters(model), step, wait, lambda logits: logits.cpu().numpy())


def generation(model: nn.Module, generate: Loss, prompts: np.ndarray) -> Contestant:
    """Prompts with what was generated, at once."""
    model.eval()

    @torch.inference_mode()
    def step(number: int) -> Tensor:
        return generate(tensor(prompts).to(DEVICE))

    return Contestant(parameters(model), step, wait, lambda tokens: tokens.cpu().numpy())
