"""A learner's function or module in JAX, built and run."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx
from flax.traverse_util import unflatten_dict

from parity_tests.core.trace import Trace
from parity_tests.runners.arrays import Inputs, Params
from parity_tests.runners.jax_model import JaxModel, with_weights
from parity_tests.runners.jax_numerics import jax_numerics
from study.grade.calls import Call
from study.grade.errors import GradeError
from study.grade.names import SWITCHES, arguments_for, asked_for

KEYS = ("key", "rng", "rng_key", "prng", "seed_key")
LAYERS = ("kernel", "embedding")  # what Flax's layers call their matrices, which are as the formula has them
Draw = Callable[[int], Any]


@dataclass(frozen=True)
class Learner:
    """What the file defines, built, with what it is called like and the notes that calling it made."""

    model: JaxModel
    training: JaxModel
    """The same with its dropout on."""
    function: Any
    """Whose signature the call has."""
    call: Call
    drops: bool
    """Whether it was given a rate of dropout."""

    def kinds(self, inputs: Inputs) -> dict[str, str]:
        """By weight, "in out" where a layer of Flax keeps a matrix as the formula has it; "" where nobody
        knows.
        """
        names = self.shapes(inputs)
        return {name: "in out" if name.rpartition("/")[2] in LAYERS else "" for name in names}

    def shapes(self, inputs: Inputs) -> dict[str, tuple[int, ...]]:
        return self.model.shapes(inputs)

    def run(self, weights: Params, inputs: Inputs) -> Trace:
        return self.model.run(weights, inputs, "float64")

    def draws(self, weights: Params, inputs: Inputs, count: int) -> np.ndarray:
        """What it returns in training, (draw, ...)."""
        self.call.training = True
        call = self.call.of(self.function)
        with jax_numerics("float64", foreign=True):
            arguments = {name: jnp.asarray(array) for name, array in inputs.items()}
            draw = _quickest(*_drawing(self.training.model, weights, call, arguments))
            return np.stack([np.asarray(draw(number)) for number in range(count)])


def _quickest(draw: Draw, program: Draw) -> Draw:
    """The program, a hundred times as fast, where it draws the same. It does not where something is drawn in
    Python, once for all of its runs; and some models are no program.
    """
    first = np.asarray(draw(0))
    try:
        same = np.allclose(program(0), first, rtol=1e-9, atol=1e-12)
    except Exception:  # op by op it is no error, or one that says what is wrong
        return draw
    return program if same else draw


def _drawing(model: Any, weights: Params, call: Any, arguments: Mapping[str, Any]) -> tuple[Draw, Draw]:
    """A function of a draw's number, op by op and as a program."""
    arrays = {name: jnp.asarray(array) for name, array in weights.items()}
    if isinstance(model, linen.Module):
        variables, apply = {"params": unflatten_dict(arrays, sep="/")}, linen.apply(call, model)

        def draw(number: int) -> Any:
            return apply(variables, rngs={"dropout": jax.random.key(number)}, **arguments)

        return draw, jax.jit(draw)
    graph, params, *rest = nnx.split(model, nnx.Param, ...)
    nnx.replace_by_pure_dict(params, with_weights(nnx.to_pure_dict(params), arrays))
    live = nnx.merge(graph, params, *rest)
    live.train()
    copy, program = nnx.clone(live), nnx.jit(lambda live: call(live, **arguments))
    return lambda number: call(live, **arguments), lambda number: program(copy)


def opened(found: Any, file: ModuleType, sizes: Mapping[str, int], rate: float) -> Learner:
    """The learner's class built in these sizes, or its function with what its init function makes.

    Raises GradeError on what it asks for.
    """
    call = Call(jax.Array, sizes)
    if not inspect.isclass(found):
        model = _function(found, file, sizes, call)
        return Learner(model, model, found, call, False)
    arguments = [_arguments(found, sizes, rate, training) for training in (False, True)]
    built = [found(**one) for one in arguments]
    if not isinstance(built[0], linen.Module | nnx.Module):
        raise TypeError(
            f"{found.__name__} is no module of Flax: let it inherit from flax.linen.Module or flax.nnx.Module"
        )
    function: Any = type(built[0]).__call__
    unbound = partial(function, built[0])
    evaluating, training = (JaxModel(model, call=call.of(unbound)) for model in built)
    return Learner(evaluating, training, unbound, call, asked_for("dropout", found, arguments[0]))


def _arguments(found: Any, sizes: Mapping[str, int], rate: float, training: bool) -> dict[str, Any]:
    switches = {name: values[training] for name, values in SWITCHES.items()}
    optional = {"dropout": rate, **switches, "rngs": nnx.Rngs(0)}
    return arguments_for(found, sizes, optional, found.__name__)


def _function(found: Any, file: ModuleType, sizes: Mapping[str, int], call: Call) -> JaxModel:
    """A function of its arguments alone, or one of (params, ...) with params from the file's init
    function.
    """
    first = next(iter(inspect.signature(found).parameters), "")
    if first not in ("params", "p", "weights", "parameters", "w"):
        return JaxModel(partial(_without_params, found), {}, call.of(found))
    makers = [one for name, one in vars(file).items() if name.startswith("init") and inspect.isfunction(one)]
    if not makers:
        raise GradeError(
            f"{found.__name__} asks for {first!r}, and the file has no function that makes them: add one "
            "called init_params, of (key, embed, heads, ...)"
        )
    key = jax.random.key(0)
    arguments = arguments_for(makers[-1], sizes, dict.fromkeys(KEYS, key), makers[-1].__name__)
    return JaxModel(found, makers[-1](**arguments), call.of(partial(found, None)))


def _without_params(function: Any, params: Any, **arguments: Any) -> Any:
    return function(**arguments)
