"""Running one twin in either framework: forward with taps, then backward, into a trace."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax.traverse_util import flatten_dict, unflatten_dict

from parity_tests.core.trace import Trace
from parity_tests.runners.numerics import exact_matmuls, jax_numerics, torch_device
from parity_tests.twins.inputs import Inputs, Twin
from torch_impl import convert, random

Params = Mapping[str, np.ndarray]
LARGE = 10_000  # numbers in a matrix


def initial_params(twin: Twin, inputs: Inputs, seed: int) -> dict[str, np.ndarray]:
    """Flat parameters to compare twins at: the initial ones plus noise.

    Without the noise, biases would be zero and scales one, and many a mistake would not show. Large matrices
    get less of it: 0.1 on 768 inputs saturates every softmax, and its gradients become rounding noise.
    """
    module = twin.build("jax_impl")
    if isinstance(module, partial):
        return {}
    arguments = {name: jnp.asarray(array) for name, array in inputs.items()}
    params = module.init(jax.random.key(seed), **arguments).get("params", {})
    rng = np.random.default_rng(seed)
    return {
        name: np.asarray(array, np.float64)
        + (0.1 if array.size < LARGE else 0.02) * rng.standard_normal(array.shape)
        for name, array in flatten_dict(params, sep="/").items()
    }


def run_jax(twin: Twin, params: Params, inputs: Inputs, dtype: str, dropout_seed: int | None = None) -> Trace:
    """Forward with taps, and backward from a fixed cotangent, in Flax, compiled as one program."""
    return jax_program(twin, dtype)(params, inputs, dropout_seed)


def jax_program(twin: Twin, dtype: str) -> Callable[[Params, Inputs, int | None], Trace]:
    """`run_jax` for inputs after inputs: shapes that it has seen are not compiled again.

    XLA may not leave out roundings to bfloat16
    between operations, as it does by default: PyTorch has them all.
    """
    module = twin.build("jax_impl")
    function = isinstance(module, partial)
    call = module if function else lambda params, **kw: module.apply({"params": params}, **kw)
    with_taps = takes_taps(module)
    axes: dict[str, str] = {}

    def forward(tree: Any, floats: Any, fixed: Any) -> Any:
        taps: dict[str, jax.Array] = {}

        def tap(name: str, value: jax.Array, tap_axes: str) -> jax.Array:
            taps[name], axes[name] = value, tap_axes
            return value

        keywords = {**fixed, **floats, **({"tap": tap} if with_taps else {})}
        return (call(**keywords) if function else call(tree, **keywords)), taps

    @partial(jax.jit, compiler_options={"xla_allow_excess_precision": False})
    def both(tree: Any, floats: Any, fixed: Any) -> Any:
        output, vjp, taps = jax.vjp(partial(forward, fixed=fixed), tree, floats, has_aux=True)
        if not all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(output)):
            return output, taps, ({}, {})
        cotangents = jax.tree.map(lambda leaf: jnp.asarray(cotangent(leaf.shape), leaf.dtype), output)
        return output, taps, vjp(cotangents)

    def run(params: Params, inputs: Inputs, dropout_seed: int | None) -> Trace:
        floats, others = split_floats(inputs)
        with jax_numerics(dtype):
            fixed = {name: jnp.asarray(array) for name, array in others.items()}
            if dropout_seed is not None:
                fixed["rng"] = jax.random.key(dropout_seed)
            output, taps, (tree_gradient, input_gradient) = both(
                unflatten_dict({name: jnp.asarray(a, dtype) for name, a in params.items()}, sep="/"),
                {name: jnp.asarray(array, dtype) for name, array in floats.items()},
                fixed,
            )
        gradients = flatten_dict(tree_gradient, sep="/")
        return Trace(
            {
                "forward": {name: numbers(array) for name, array in outputs(output).items()},
                "tap": {name: numbers(taps[name]) for name in axes},
                "input gradient": {name: numbers(input_gradient[name]) for name in input_gradient},
                "parameter gradient": {name: numbers(gradients[name]) for name in params if gradients},
            },
            dict(axes),
        )

    return run


def run_torch(
    twin: Twin,
    params: Params,
    inputs: Inputs,
    dtype: str,
    dropout_seed: int | None = None,
    forced: Mapping[str, np.ndarray] | None = None,
) -> Trace:
    """The same in PyTorch, op by op, on the GPU where there is one; float64 on the CPU.

    With ``forced``, values of taps by name, the model goes on with these instead of its own: what a tap then
    records was computed from the forced values before it. Forward only; a tap not named keeps its value.
    """
    module = twin.build("torch_impl")
    device, kind = torch_device(dtype), getattr(torch, dtype)
    if isinstance(module, torch.nn.Module):
        convert.load(module, params)
        module.to(device, kind)
    floats, others = split_floats(inputs)
    arguments = {name: torch.tensor(array, device=device) for name, array in others.items()}
    leaves = {name: torch.tensor(array).to(device, kind).requires_grad_() for name, array in floats.items()}
    taps: dict[str, np.ndarray] = {}
    axes: dict[str, str] = {}

    def tap(name: str, value: torch.Tensor, tap_axes: str) -> torch.Tensor:
        taps[name], axes[name] = numbers(value), tap_axes
        return value if forced is None or name not in forced else torch.tensor(forced[name]).to(value)

    extra: dict[str, Any] = {"tap": tap} if takes_taps(module) else {}
    if dropout_seed is not None:
        extra["rng"] = random.key(dropout_seed)
    gradients: dict[str, np.ndarray] = {}
    with exact_matmuls():
        output = module(**arguments, **leaves, **extra)
        if forced is None and all(array.requires_grad for array in outputs(output).values()):
            backward(output)
            if isinstance(module, torch.nn.Module):
                gradients = gradients_of(dict(module.named_parameters()))
    forward = {name: numbers(array) for name, array in outputs(output).items()}
    trace = Trace({"forward": forward, "tap": taps}, axes)
    sizes = convert.axis_sizes(module) if isinstance(module, torch.nn.Module) else {}
    trace.arrays["parameter gradient"] = convert.to_flax(gradients, sizes)
    trace.arrays["input gradient"] = {
        name: numbers(leaf.grad) for name, leaf in leaves.items() if leaf.grad is not None
    }
    return trace


def outputs(output: Any) -> dict[str, Any]:
    """What a model returned, by name: its one array, or the fields of a named tuple."""
    return output._asdict() if hasattr(output, "_asdict") else {"output": output}


def backward(output: Any) -> None:
    """Fill PyTorch's gradients, from a fixed cotangent for each output."""
    arrays = list(outputs(output).values())
    cotangents = [torch.tensor(cotangent(tuple(array.shape))).to(array) for array in arrays]
    torch.autograd.backward(arrays, cotangents)


def gradients_of(leaves: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """What `backward` left; zero for what the output does not depend on, as JAX has it."""
    return {
        name: numbers(torch.zeros_like(leaf) if leaf.grad is None else leaf.grad)
        for name, leaf in leaves.items()
    }


def numbers(array: Any) -> np.ndarray:
    """A copy of any framework's array as float64 numpy, which later changes in place do not reach."""
    if isinstance(array, torch.Tensor):
        return array.detach().to("cpu", torch.float64, copy=True).numpy()
    return np.array(array, np.float64)


def cotangent(shape: tuple[int, ...]) -> np.ndarray:
    """A fixed direction to differentiate an output of this shape along; no two numbers alike."""
    return np.random.default_rng(0).standard_normal(shape)


def split_floats(inputs: Inputs) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The inputs that get gradients, and the others (ids, masks)."""
    floats = {name: array for name, array in inputs.items() if array.dtype == np.float64}
    return floats, {name: array for name, array in inputs.items() if name not in floats}


def takes_taps(module: Any) -> bool:
    """Whether the function or module has the argument ``tap``."""
    call = getattr(module, "forward", module)
    return "tap" in inspect.signature(call).parameters
