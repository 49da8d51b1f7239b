"""The mirror of `jax_side` in PyTorch, step by step."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int32
from torch import Tensor, nn

import torch_impl.optimizer
from study.questions.task import IGNORED, Rows
from torch_impl import convert
from torch_impl.losses import weighted_cross_entropy
from torch_impl.optimizer import Rates
from train.config import Optimizer


class Trainer:
    """A run in progress. ``model`` gives logits (batch position vocab) of ids; ``params``, flat, in Flax's
    layout, set the dtype."""

    def __init__(self, model: nn.Module, optimizer: Optimizer, params: Mapping[str, np.ndarray]) -> None:
        self.model, self.optimizer = model, optimizer
        convert.load(self.model, params)
        wide = next(iter(params.values())).dtype == np.float64
        self._device = torch.device("cuda" if torch.cuda.is_available() and not wide else "cpu")
        self.model.to(self._device)
        self._params = {convert.flax_name(name): p for name, p in self.model.named_parameters()}
        self._state = torch_impl.optimizer.init(self._params, optimizer)

    def advance(
        self, batches: Sequence[Rows], rates: Sequence[tuple[float, float, float]]
    ) -> tuple[Float[np.ndarray, " steps"], Float[np.ndarray, " steps"]]:
        """Take steps; returns each one's loss in nats and its gradient's norm."""
        found = []
        for rows, its_rates in zip(batches, rates, strict=True):
            loss, gradient = self._gradient(rows)
            norm = torch_impl.optimizer.update(
                self._params, self._state, gradient, Rates(*its_rates), self.optimizer
            )
            found.append(torch.stack([loss.detach(), norm]))
        losses, norms = torch.stack(found, dim=1).cpu().numpy()
        return losses, norms

    @torch.no_grad()
    def logits(self, ids: Int32[np.ndarray, "batch position"]) -> Float[np.ndarray, "batch position vocab"]:
        """Of rows."""
        return self.model(self._tensor(ids)).cpu().numpy()

    @torch.no_grad()
    def taps(self, ids: Int32[np.ndarray, "batch position"]) -> dict[str, np.ndarray]:
        """What the model's taps see, by name."""
        found: dict[str, np.ndarray] = {}

        def tap(name: str, value: Tensor, axes: str) -> Tensor:
            found[name] = value.cpu().numpy()
            return value

        self.model(self._tensor(ids), tap=tap)
        return found

    def gradients(self, rows: Rows) -> dict[str, np.ndarray]:
        """Of the loss, by weight, flat."""
        names = [name for name, _ in self.model.named_parameters()]
        arrays = [tensor.cpu().numpy() for tensor in self._gradient(rows)[1].values()]
        return convert.to_flax(dict(zip(names, arrays, strict=True)), convert.axis_sizes(self.model))

    def params(self) -> dict[str, np.ndarray]:
        """The weights, flat, in Flax's layout."""
        return convert.save(self.model)

    def _gradient(self, rows: Rows) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, mean over what is asked for, and its gradient by weight."""
        ids, labels = map(self._tensor, rows)
        logits, asked = self.model(ids), labels != IGNORED
        loss = weighted_cross_entropy(logits, labels.clamp_min(0), asked.to(logits.dtype))
        gradients = torch.autograd.grad(loss, list(self._params.values()))
        return loss, dict(zip(self._params, gradients, strict=True))

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array.astype(np.int64)).to(self._device)
