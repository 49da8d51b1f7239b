"""The one runner of PyTorch: any callable, forward with taps and then backward, into a trace."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from parity_tests.core.trace import Arrays, Trace
from parity_tests.runners.arrays import Inputs, Params, cotangent, named_outputs, numbers, split_floats
from parity_tests.runners.recorder import Recorder
from parity_tests.runners.torch_numerics import torch_device, torch_numerics

Tensors = Mapping[str, torch.Tensor]
# (weights by name, where to compute, in which dtype, what records the taps) -> the model, which is called
# with the arguments by name, and those of its weights that get gradients
Prepare = Callable[[Params, torch.device, torch.dtype, Recorder], tuple[Callable[..., Any], Tensors]]


def run(
    prepare: Prepare,
    name: str,
    params: Params,
    inputs: Inputs,
    dtype: str,
    rng: Callable[[], Any] | None = None,
    forced: Arrays | None = None,
    foreign: bool = False,
) -> Trace:
    """Forward with taps and backward from a fixed cotangent, op by op.

    ``rng`` makes the argument of this name. With ``forced``, values of taps by name, the model goes on with
    these where it has computed the taps; there are no gradients then. ``foreign`` is as in `torch_numerics`.
    """
    device, kind = torch_device(dtype, foreign), getattr(torch, dtype)
    floats, others = split_floats(inputs)
    with torch_numerics(dtype, foreign):
        # Taps are copied when they are computed, as what comes later may change them in place.
        recorder = Recorder(
            forced, torch.Tensor, numbers, lambda value, computed: torch.tensor(value).to(computed)
        )
        model, weights = prepare(params, device, kind, recorder)
        leaves = leaves_of(floats, device, kind)
        arguments: dict[str, Any] = {n: torch.tensor(array, device=device) for n, array in others.items()}
        # The model may change its inputs in place, which PyTorch does not allow a leaf.
        arguments |= {name: leaf.clone() for name, leaf in leaves.items()}
        if rng is not None:
            arguments["rng"] = rng()
        results = named_outputs(model(**arguments), torch.Tensor, name)
        trace = Trace(axes=recorder.axes, reads=recorder.reads)
        trace.arrays["forward"] = {name: numbers(array) for name, array in results.items()}
        trace.arrays["tap"] = recorder.values
        if not forced and any(array.is_floating_point() for array in results.values()):
            ends = [array for array in results.values() if array.requires_grad]
            starts = [torch.tensor(cotangent(tuple(array.shape))).to(array) for array in ends]
            torch.autograd.backward(ends, starts)
            trace.arrays["input gradient"] = _gradients(leaves)
            trace.arrays["parameter gradient"] = _gradients(weights)
    return trace


def leaves_of(arrays: Params, device: torch.device, kind: torch.dtype) -> dict[str, torch.Tensor]:
    """Tensors of these numbers that get gradients."""
    return {name: torch.tensor(array).to(device, kind).requires_grad_() for name, array in arrays.items()}


def _gradients(leaves: Tensors) -> dict[str, Any]:
    """What backward left; zero for what the output does not depend on, as JAX has it."""
    return {
        name: numbers(torch.zeros_like(leaf) if leaf.grad is None else leaf.grad)
        for name, leaf in leaves.items()
    }
