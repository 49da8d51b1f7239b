"""The mirror of `jax_side` in PyTorch, step by step."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int

import torch_impl.optimizer
from study.grok.settings import ModelConfig
from study.grok.task import Task
from study.grok.torch_model import ArithmeticTransformer
from torch_impl import convert, random
from torch_impl.initializers import initialise
from torch_impl.losses import cross_entropy
from torch_impl.optimizer import Rates
from train.config import Optimizer


def initial_params(config: ModelConfig, seed: int) -> dict[str, np.ndarray]:
    """The weights of a seed, flat, float32, in Flax's layout."""
    model = ArithmeticTransformer(config)
    initialise(model, random.key(seed))
    return convert.save(model)


class Trainer:
    """A run in progress; ``params``, flat, in Flax's layout, set the dtype."""

    def __init__(
        self, config: ModelConfig, task: Task, optimizer: Optimizer, params: Mapping[str, np.ndarray]
    ) -> None:
        self.model, self.optimizer = ArithmeticTransformer(config), optimizer
        convert.load(self.model, params)
        wide = next(iter(params.values())).dtype == np.float64
        self._device = torch.device("cuda" if torch.cuda.is_available() and not wide else "cpu")
        self.model.to(self._device)
        self._ids, self._labels = self._tensor(task.ids), self._tensor(task.labels)
        self._params = {convert.flax_name(name): p for name, p in self.model.named_parameters()}
        self._state = torch_impl.optimizer.init(self._params, optimizer)

    def advance(
        self, batches: Int[np.ndarray, "steps batch"], rates: list[tuple[float, float, float]]
    ) -> tuple[Float[np.ndarray, " steps"], Float[np.ndarray, " steps"]]:
        """Take steps; returns each one's loss and its gradient's norm."""
        found = []
        for rows, its_rates in zip(self._tensor(batches), rates, strict=True):
            loss = cross_entropy(self.model(self._ids[rows]), self._labels[rows])
            gradients = torch.autograd.grad(loss, list(self._params.values()))
            gradient = dict(zip(self._params, gradients, strict=True))
            norm = torch_impl.optimizer.update(
                self._params, self._state, gradient, Rates(*its_rates), self.optimizer
            )
            found.append(torch.stack([loss.detach(), norm]))
        losses, norms = torch.stack(found, dim=1).cpu().numpy()
        return losses, norms

    @torch.no_grad()
    def logits(self) -> Float[np.ndarray, "pair classes"]:
        """Of all pairs."""
        return self.model(self._ids).cpu().numpy()

    def params(self) -> dict[str, np.ndarray]:
        """The weights, flat, in Flax's layout."""
        return convert.save(self.model)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array.astype(np.int64)).to(self._device)
