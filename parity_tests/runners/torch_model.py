"""A PyTorch module as one side of a pair: its weights, and running it with what its parts compute."""

import copy
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any, ClassVar
from unittest.mock import patch

import numpy as np
import torch

from parity_tests.core.trace import Arrays, Trace
from parity_tests.runners import torch_runner
from parity_tests.runners.arrays import Inputs, Params, numbers
from parity_tests.runners.calls import just_call, model_name, not_taken
from parity_tests.runners.changes import NO_CHANGES, Changes, changed, read_by
from parity_tests.runners.recorder import Recorder, check_forced
from parity_tests.runners.torch_widened import Widening


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
        return model_name(getattr(self.module, "_orig_mod", self.module))  # what torch.compile wraps

    def weights(self) -> dict[str, np.ndarray]:
        """The parameters by name, as float64. One that is shared has the first of its names."""
        return {name: numbers(parameter) for name, parameter in self.module.named_parameters()}

    def known(self, inputs: Inputs) -> "TorchModel":
        """The same: a module knows its parameters."""
        return self

    def state(self, inputs: Inputs) -> dict[str, np.ndarray]:
        """The buffers of floating dtype by name, such as running statistics, as float64."""
        return {name: numbers(buffer) for name, buffer in _floating_buffers(self.module).items()}

    def shapes(self, inputs: Inputs) -> dict[str, tuple[int, ...]]:
        return {name: tuple(parameter.shape) for name, parameter in self.module.named_parameters()}

    def not_taken(self, inputs: Iterable[str]) -> list[str]:
        """The names of inputs that are no arguments."""
        return not_taken(self.call or self.module, inputs)

    def run(
        self,
        weights: Params,
        inputs: Inputs,
        dtype: str,
        forced: Arrays | None = None,
        changes: Changes = NO_CHANGES,
    ) -> Trace:
        """Forward with taps and backward from a fixed cotangent, in evaluation mode, on the CPU.

        What ``weights`` has of the module's state takes the place of its own, and gets no gradients. With
        ``forced`` the model goes on with these values where it has computed the taps of these names; there
        are no gradients then. ``changes`` make the module's weights of those of their names, before which the
        gradients are taken.
        """
        widening = Widening()
        prepare = partial(self._prepare, changes, widening)
        widened: AbstractContextManager[Any] = widening if dtype == "float64" else nullcontext()
        with widened:
            trace = torch_runner.run(prepare, self.name, weights, inputs, dtype, forced=forced, foreign=True)
        check_forced(forced, trace)
        trace.widened = [*widening.parts]
        return trace

    def _prepare(
        self,
        changes: Changes,
        widening: Widening,
        weights: Params,
        device: torch.device,
        kind: torch.dtype,
        recorder: Recorder,
    ) -> tuple[Callable[..., Any], dict[str, torch.Tensor]]:
        """A copy with these weights that records what its parts return, where it takes no taps."""
        module = _copied(self.module).to(device, kind).eval()
        leaves = {name: parameter.requires_grad_() for name, parameter in module.named_parameters()}
        shapes = {name: tuple(parameter.shape) for name, parameter in leaves.items()}
        for change in changes.values():
            for name in change.names:
                del leaves[name]
        state = {name: buffer for name, buffer in _floating_buffers(module).items() if name in weights}
        with torch.no_grad():
            for name, tensor in (leaves | state).items():
                tensor.copy_(torch.tensor(weights[name]))
        read = read_by(changes)
        raw = {name: torch.tensor(weights[name]).to(device, kind).requires_grad_() for name in read}
        for name, value in changed(raw, changes, shapes).items():
            _put(module, name, value)
        widening.watch(module)
        tap = recorder.argument(self.call or module)
        for name, part in module.named_modules():
            # What is scripted runs without Python, and nothing in it is heard.
            if name and not tap and not isinstance(part, torch.jit.ScriptModule):
                part.register_forward_hook(partial(_recorded, recorder, name), with_kwargs=True)
        return partial(self.call or just_call, module, **tap), leaves | raw


def _floating_buffers(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: buffer for name, buffer in module.named_buffers() if buffer.is_floating_point()}


def _put(module: torch.nn.Module, name: str, value: torch.Tensor) -> None:
    """A tensor that was computed, in the place of a parameter."""
    path, _, last = name.rpartition(".")
    owner = module.get_submodule(path)
    delattr(owner, last)
    setattr(owner, last, value)


def _copied(module: torch.nn.Module) -> torch.nn.Module:
    """A deep copy, without the graph of activations that the module has kept: PyTorch copies none.

    Of what is scripted one that is written and read, as the weights of a deep copy get no gradients.
    """
    if isinstance(module, torch.jit.ScriptModule):
        written = BytesIO()
        torch.jit.save(module, written)
        written.seek(0)
        return torch.jit.load(written)
    original = torch.Tensor.__deepcopy__

    def copied(tensor: torch.Tensor, memo: Any) -> torch.Tensor:
        return original(tensor, memo) if tensor.is_leaf else tensor.detach().clone()

    with patch.object(torch.Tensor, "__deepcopy__", copied):
        return copy.deepcopy(module)


def _recorded(
    recorder: Recorder, name: str, part: torch.nn.Module, inputs: Any, keywords: Any, output: Any
) -> Any:
    return recorder.record(name, output, [*inputs, *keywords.values()])
