"""The mirror of `jax_loop` in PyTorch, op by op."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from parity_tests.architecture import Architecture
from torch_impl import convert, random
from torch_impl.initial import initialise
from train.config import Optimizer
from train.schedule import learning_rate
from train.torch_families import LOSSES

Arrays = dict[str, np.ndarray]
Outputs = Callable[..., Any]
Stream = Callable[[int], Arrays]


def build_model(architecture: Architecture) -> nn.Module:
    """The model; its weights come separately."""
    return architecture.build("torch_impl")


def initial_params(architecture: Architecture, seed: int) -> Arrays:
    """The weights of a seed, flat, float32, in Flax's layout."""
    model = build_model(architecture)
    initialise(model, random.key(seed))
    return convert.save(model)


@torch.no_grad()
def evaluate(
    family: str, model: nn.Module, params: Arrays, batches: Iterable[Arrays]
) -> list[dict[str, float]]:
    """The loss and metrics of each batch, without dropout or label smoothing."""
    convert.load(model, params)
    model.to(_device())
    rows = []
    for batch in batches:
        loss, metrics = LOSSES[family](model, _tensors(batch), None, 0.0)
        rows.append({"loss": float(loss), **{name: float(value) for name, value in metrics.items()}})
    return rows


def outputs(model: nn.Module, params: Arrays, method: str = "__call__") -> Outputs:
    """The model with these weights, without dropout, as a function from numpy inputs to what it returns.

    ``method`` is what of the model is called.
    """
    convert.load(model, params)
    model.to(_device())

    @torch.no_grad()
    def apply(*inputs: np.ndarray) -> Any:
        output = getattr(model, method)(*map(_tensor, inputs))
        several = isinstance(output, tuple)
        return type(output)(*(x.cpu().numpy() for x in output)) if several else output.cpu().numpy()

    return apply


def adamw(model: nn.Module, optimizer: Optimizer) -> torch.optim.AdamW:
    """Adam, and decay of kernels and embeddings; the learning rate is set at each step."""
    decayed: list[Tensor] = []
    others: list[Tensor] = []
    for name, parameter in model.named_parameters():
        leaf = convert.flax_name(name).split("/")[-1]
        (decayed if leaf in ("kernel", "embedding") else others).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": optimizer.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    betas = (optimizer.beta1, optimizer.beta2)
    return torch.optim.AdamW(groups, lr=0.0, betas=betas, eps=optimizer.epsilon)


def clip_by_global_norm(gradients: list[Tensor], largest: float) -> Tensor:
    """Scale gradients in place so that their joint norm is at most ``largest``; returns the norm before.

    PyTorch's own clipping adds 1e-6 to the norm, which optax does not.
    """
    norm = torch.nn.utils.get_total_norm(gradients)
    torch._foreach_mul_(gradients, torch.clamp(largest / norm, max=1.0))
    return norm


class Trainer:
    """A run in progress. Every draw of its dropout follows from ``seed`` and the number of the step."""

    def __init__(
        self,
        family: str,
        architecture: Architecture,
        params: Arrays,
        stream: Stream,
        optimizer: Optimizer,
        steps: int,
        seed: int,
    ) -> None:
        self.family, self.model = family, build_model(architecture)
        self.stream, self.optimizer, self.steps = stream, optimizer, steps
        convert.load(self.model, params)
        self.model.to(_device())
        self._adamw = adamw(self.model, optimizer)
        self._rng = random.fold_in(random.key(seed), 1)

    def step(self, number: int) -> dict[str, Any]:
        """Take step ``number``, counted from 0, and return its metrics as tensors."""
        batch, rng = _tensors(self.stream(number)), random.fold_in(self._rng, number)
        loss, metrics = LOSSES[self.family](self.model, batch, rng, self.optimizer.smoothing)
        self._adamw.zero_grad()
        loss.backward()
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = clip_by_global_norm(gradients, self.optimizer.clip)
        for group in self._adamw.param_groups:
            group["lr"] = learning_rate(number, self.steps, self.optimizer)
        self._adamw.step()
        return {"loss": loss.detach(), **metrics, "gradient_norm": norm}

    def params(self) -> Arrays:
        """The weights, flat, in Flax's layout."""
        return convert.save(self.model)

    def moments(self) -> dict[str, Arrays]:
        """Adam's running means of the gradient and of its square, like `params`."""
        sizes = convert.axis_sizes(self.model)
        moments = {}
        for name, key in (("mean", "exp_avg"), ("square", "exp_avg_sq")):
            state = {
                path: self._adamw.state[parameter][key].cpu().numpy()
                for path, parameter in self.model.named_parameters()
            }
            moments[name] = convert.to_flax(state, sizes)
        return moments


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _tensor(array: np.ndarray) -> Tensor:
    """On the device, whole numbers as int64, which PyTorch asks of labels."""
    wide = array.astype(np.int64) if array.dtype == np.int32 else array
    return torch.from_numpy(wide).to(_device(), non_blocking=True)


def _tensors(batch: Arrays) -> dict[str, Tensor]:
    return {name: _tensor(array) for name, array in batch.items()}
