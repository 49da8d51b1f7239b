"""A PyTorch module as one side of a pair: its weights, and running it with what its parts compute."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from unittest.mock import patch

import numpy as np
import torch

from parity_tests.core.trace import Trace
from parity_tests.runners.recorder import Recorder, just_call, model_name, named_outputs
from parity_tests.twins.inputs import Inputs
from parity_tests.twins.run import Params, cotangent, gradients_of, numbers, split_floats, takes_taps


@dataclass(frozen=True)
class TorchModel:
    """A module, and how to call it: ``call(module, **inputs)``, by default ``module(**inputs)``.

    Only copies of the module are changed and run.
    """

    module: torch.nn.Module
    call: Callable[..., Any] | None = None
    framework: ClassVar[str] = "torch"

    @property
    def name(self) -> str:
        return model_name(self.module)

    def weights(self) -> dict[str, np.ndarray]:
        """The parameters by name, as float64. One that is shared has the first of its names."""
        return {name: numbers(parameter) for name, parameter in self.module.named_parameters()}

    def shapes(self, inputs: Inputs) -> dict[str, tuple[int, ...]]:
        return {name: tuple(parameter.shape) for name, parameter in self.module.named_parameters()}

    def run(
        self,
        weights: Params,
        inputs: Inputs,
        dtype: str,
        forced: Mapping[str, np.ndarray] | None = None,
    ) -> Trace:
        """Forward with taps and backward from a fixed cotangent, in evaluation mode, on the CPU.

        With ``forced`` the model goes on with these values where it has computed the taps of these names;
        there are no gradients then.
        """
        with _numerics(getattr(torch, dtype)):
            return self._run(weights, inputs, getattr(torch, dtype), forced)

    def _run(
        self, weights: Params, inputs: Inputs, kind: torch.dtype, forced: Mapping[str, np.ndarray] | None
    ) -> Trace:
        module = _copied(self.module).to("cpu", kind).eval().requires_grad_()
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                parameter.copy_(torch.tensor(weights[name]))
        floats, others = split_floats(inputs)
        leaves = {name: torch.tensor(array).to(kind).requires_grad_() for name, array in floats.items()}
        arguments: dict[str, Any] = {name: torch.tensor(array) for name, array in others.items()}
        # The model may change its inputs in place, which PyTorch does not allow a leaf.
        arguments |= {name: leaf.clone() for name, leaf in leaves.items()}
        # Taps are copied when they are computed, as what comes later may change them in place.
        recorder = Recorder(
            forced, torch.Tensor, numbers, lambda value, computed: torch.tensor(value).to(computed)
        )
        if takes_taps(self.call or module):
            arguments["tap"] = recorder.tap
        else:
            for name, part in module.named_modules():
                if name:
                    part.register_forward_hook(partial(_recorded, recorder, name))
        output = (self.call or just_call)(module, **arguments)
        results = named_outputs(output, torch.Tensor, self.name)
        recorder.check_forced()
        trace = Trace(axes=recorder.axes)
        trace.arrays["forward"] = {name: numbers(array) for name, array in results.items()}
        trace.arrays["tap"] = recorder.values
        if not forced and any(array.is_floating_point() for array in results.values()):
            ends = [array for array in results.values() if array.requires_grad]
            starts = [torch.tensor(cotangent(tuple(array.shape))).to(array) for array in ends]
            torch.autograd.backward(ends, starts)
            trace.arrays["input gradient"] = gradients_of(leaves)
            trace.arrays["parameter gradient"] = gradients_of(dict(module.named_parameters()))
        return trace


@contextmanager
def _numerics(kind: torch.dtype) -> Iterator[None]:
    """With gradients, whatever the caller has set; and new tensors (torch.zeros) in this dtype, as in JAX."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(kind)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(before)


def _copied(module: torch.nn.Module) -> torch.nn.Module:
    """A deep copy, without the graph of activations that the module has kept: PyTorch copies none."""
    original = torch.Tensor.__deepcopy__

    def copied(tensor: torch.Tensor, memo: Any) -> torch.Tensor:
        return original(tensor, memo) if tensor.is_leaf else tensor.detach().clone()

    with patch.object(torch.Tensor, "__deepcopy__", copied):
        return copy.deepcopy(module)


def _recorded(recorder: Recorder, name: str, part: torch.nn.Module, inputs: Any, output: Any) -> Any:
    return recorder.record(name, output)
