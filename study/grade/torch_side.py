"""A learner's function or module in PyTorch, built and run."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import isclass
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from parity_tests.core.trace import Trace
from parity_tests.runners.arrays import Inputs, Params
from parity_tests.runners.torch_model import TorchModel
from parity_tests.runners.torch_numerics import torch_numerics
from study.grade.calls import Call
from study.grade.names import SWITCHES, arguments_for, asked_for


class Called(nn.Module):
    """A function as a module without weights."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, **arguments: Any) -> Any:
        return self.function(**arguments)


@dataclass(frozen=True)
class Learner:
    """What the file defines, built, with what it is called like and the notes that calling it made."""

    model: TorchModel
    function: Any
    """Whose signature the call has."""
    call: Call
    drops: bool
    """Whether it was given a rate of dropout."""

    def kinds(self, inputs: Inputs) -> dict[str, str]:
        """By weight, "out in" where a layer of PyTorch keeps a matrix's transpose; "" where nobody knows."""
        owners = dict(self.model.module.named_modules())
        layers = (nn.Linear, nn.MultiheadAttention)
        return {
            name: "out in" if isinstance(owners[name.rpartition(".")[0]], layers) else ""
            for name in self.model.shapes(inputs)
        }

    def shapes(self, inputs: Inputs) -> dict[str, tuple[int, ...]]:
        return self.model.shapes(_wide(inputs))

    def run(self, weights: Params, inputs: Inputs) -> Trace:
        return self.model.run(weights, _wide(inputs), "float64")

    def draws(self, weights: Params, inputs: Inputs, count: int) -> np.ndarray:
        """What it returns in training, (draw, ...)."""
        module, call = self.model.module, self.call.of(self.function)
        with torch_numerics("float64", foreign=True), torch.random.fork_rng():
            module.double().train()
            with torch.no_grad():
                for name, parameter in module.named_parameters():
                    parameter.copy_(torch.tensor(weights[name]))
            arguments = {name: torch.tensor(array) for name, array in _wide(inputs).items()}
            self.call.training = True
            return np.stack([self._draw(call, number, arguments) for number in range(count)])

    def _draw(self, call: Any, number: int, arguments: Mapping[str, Any]) -> np.ndarray:
        torch.manual_seed(number)
        found: np.ndarray = call(self.model.module, **arguments).detach().numpy()
        return found


def opened(found: Any, file: ModuleType, sizes: Mapping[str, int], rate: float) -> Learner:
    """The learner's class built in these sizes, or its function. Raises GradeError on what it asks for."""
    call = Call(torch.Tensor, sizes)
    if not isclass(found):
        return Learner(TorchModel(Called(found), call.of(found)), found, call, False)
    switches = {name: off for name, (off, _) in SWITCHES.items()}
    arguments = arguments_for(found, sizes, {"dropout": rate, **switches}, found.__name__)
    with torch.random.fork_rng():
        module = found(**arguments)
    if not isinstance(module, nn.Module):
        raise TypeError(f"{found.__name__} is no torch.nn.Module: let it inherit from it")
    model = TorchModel(module, call.of(module.forward))
    return Learner(model, module.forward, call, asked_for("dropout", found, arguments))


def _wide(inputs: Inputs) -> Inputs:
    """Whole numbers in int64, which PyTorch indexes with."""
    return {
        name: array.astype(np.int64) if array.dtype == np.int32 else array for name, array in inputs.items()
    }
