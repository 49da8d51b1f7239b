"""The optimizers against PyTorch's and optax's, in float64: every update for hundreds of steps.

The gradients are given, so that no error feeds on itself. An update rounds a dozen times by 1.1e-16, and
Adam's means remember 1 / (1 - beta2) = 50 of them: 1e-12 of a tensor's largest magnitude is ample, and every
injected defect is above it a million times.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from flax.traverse_util import flatten_dict, unflatten_dict

from data import TextBatch
from jax_impl import optimizer as jax_optimizer
from jax_impl.config import ClassifierConfig, GPTConfig, Seq2SeqConfig
from torch_impl import convert
from torch_impl import optimizer as torch_optimizer
from torch_impl.optimizer import Rates
from torch_impl.random import Key
from train.architecture import Architecture
from train.config import FRAMEWORKS, Optimizer
from train.loops import jax_loop, torch_loop
from train.loops.backend import backend
from train.loops.schedule import rates_at as numbers_at

Arrays = dict[str, np.ndarray]
SHAPES = {
    "token_embedding/embedding": (7, 4),
    "head/kernel": (4, 3),
    "head/bias": (3,),
    "final_norm/scale": (4,),
    "final_norm/bias": (4,),
}
DECAYED = {"token_embedding/embedding", "head/kernel"}
STEPS = 300
BOUND = 1e-12
# eps counts against gradients of 1e-5, and half of the steps are clipped.
ADAMW = Optimizer(learning_rate=1e-2, weight_decay=0.1, clip=0.1, eps=1e-6)
SGD = replace(ADAMW, method="sgd")
METHODS = {"adamw": ADAMW, "sgd": SGD}
# Whatever decays, and by either definition: the references are asked for all of these.
SETTINGS = METHODS | {
    "adamw of all": replace(ADAMW, decayed="all"),
    "adam with L2": replace(ADAMW, coupled=True),
    "adam with L2 of all": replace(ADAMW, coupled=True, decayed="all"),
    "sgd with L2": replace(SGD, coupled=True),
    "sgd of all": replace(SGD, decayed="all"),
}
ADAMS = {name: settings for name, settings in SETTINGS.items() if settings.method == "adamw"}


def rates_at(*step: Any) -> Rates:
    return Rates(*numbers_at(*step))


@pytest.fixture(autouse=True)
def float64(unchecked: None) -> Iterator[None]:  # thousands of updates of what whole runs check
    with jax.enable_x64(True):
        yield


def start() -> Arrays:
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}


@cache
def gradients(step: int) -> Arrays:
    """Of sizes from 1e-5 to 1, with a mean that is not zero."""
    rng = np.random.default_rng([1, step])
    size = 10.0 ** rng.uniform(-5, 0)
    return {name: size * (0.3 + rng.standard_normal(shape)) for name, shape in SHAPES.items()}


def clipped(arrays: Arrays, largest: float) -> Arrays:
    norm = np.sqrt(sum(np.square(array).sum() for array in arrays.values()))
    return {name: array * min(1.0, largest / norm) for name, array in arrays.items()}


def ours_in_jax(settings: Optimizer, rates: Callable[..., Rates] = rates_at) -> Arrays:
    """The parameters after all steps."""
    params = unflatten_dict({name: jnp.asarray(array) for name, array in start().items()}, sep="/")
    state = jax_optimizer.init(params, settings)
    update = jax.jit(lambda *arguments: jax_optimizer.update(*arguments, settings))
    for step in range(STEPS):
        gradient = unflatten_dict(gradients(step), sep="/")
        numbers = jax_optimizer.Rates(*rates(step, STEPS, settings))
        params, state, _ = update(params, state, gradient, numbers)
    return {name: np.asarray(array) for name, array in flatten_dict(params, sep="/").items()}


def ours_in_torch(settings: Optimizer, rates: Callable[..., Rates] = rates_at) -> Arrays:
    names = {name: convert.flax_name(name) for name in convert.to_torch(start())}

    def tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
        return {names[name]: torch.tensor(a) for name, a in convert.to_torch(arrays).items()}

    params = tensors(start())
    state = torch_optimizer.init(params, settings)
    for step in range(STEPS):
        torch_optimizer.update(
            params, state, tensors(gradients(step)), rates(step, STEPS, settings), settings
        )
    return convert.to_flax({name: params[flax].numpy() for name, flax in names.items()}, {})


OURS = {"jax": ours_in_jax, "torch": ours_in_torch}


def decaying(settings: Optimizer) -> set[str]:
    return set(SHAPES) if settings.decayed == "all" else DECAYED


def torch_optim(settings: Optimizer) -> Arrays:
    """torch.optim, which neither clips nor, in SGD, decouples the decay: both by hand."""
    params = {name: torch.tensor(array, requires_grad=True) for name, array in start().items()}
    decay_by_hand = settings.method == "sgd" and not settings.coupled
    decay = 0.0 if decay_by_hand else settings.weight_decay
    groups: list[dict[str, Any]] = [
        {"params": [p], "weight_decay": decay if name in decaying(settings) else 0.0}
        for name, p in params.items()
    ]
    if settings.method == "adamw":
        kind = torch.optim.Adam if settings.coupled else torch.optim.AdamW
        betas = (settings.beta1, settings.beta2)
        method: Any = kind(groups, lr=0.0, betas=betas, eps=settings.eps)
    else:
        method = torch.optim.SGD(groups, lr=0.0, momentum=settings.beta1)
    for step in range(STEPS):
        rate = rates_at(step, STEPS, settings).learning_rate
        for name, gradient in clipped(gradients(step), settings.clip).items():
            params[name].grad = torch.tensor(gradient)
            if decay_by_hand and name in decaying(settings):
                params[name].data.mul_(1.0 - rate * settings.weight_decay)
        for group in method.param_groups:
            group["lr"] = rate
        method.step()
    return {name: parameter.detach().numpy() for name, parameter in params.items()}


def optax_chain(settings: Optimizer) -> Arrays:
    rates = jnp.asarray([rates_at(step, STEPS, settings).learning_rate for step in range(STEPS)])
    method = (
        optax.scale_by_adam(settings.beta1, settings.beta2, settings.eps)
        if settings.method == "adamw"
        else optax.trace(settings.beta1)
    )
    mask = {name: name in decaying(settings) for name in SHAPES}
    decay = optax.add_decayed_weights(settings.weight_decay, mask)
    chain = optax.chain(
        optax.clip_by_global_norm(settings.clip),
        *((decay, method) if settings.coupled else (method, decay)),
        optax.scale_by_learning_rate(lambda step: rates[step]),
    )

    @jax.jit
    def step(params: Any, state: Any, gradient: Any) -> Any:
        with jax.numpy_dtype_promotion("standard"):  # optax takes a float to the power of an integer
            updates, state = chain.update(gradient, state, params)
        return optax.apply_updates(params, updates), state

    params: Any = {name: jnp.asarray(array) for name, array in start().items()}
    state = chain.init(params)
    for number in range(STEPS):
        params, state = step(params, state, gradients(number))
    return {name: np.asarray(array) for name, array in params.items()}


REFERENCES = {"torch.optim": torch_optim, "optax": optax_chain}


def worst(ours: Arrays, theirs: Arrays) -> float:
    """The largest error, relative to its tensor's largest magnitude."""
    assert ours.keys() == theirs.keys() and all(array.dtype == np.float64 for array in ours.values())
    return max(float(np.abs(ours[n] - theirs[n]).max() / np.abs(theirs[n]).max()) for n in ours)


@pytest.fixture(scope="module")
def references() -> dict[tuple[str, str], Arrays]:
    with jax.enable_x64(True):
        return {
            (name, method): reference(settings)
            for name, reference in REFERENCES.items()
            for method, settings in SETTINGS.items()
        }


def test_half_of_the_steps_are_clipped() -> None:
    norms = [np.sqrt(sum(np.square(a).sum() for a in gradients(step).values())) for step in range(STEPS)]
    assert 0.3 < np.mean(np.array(norms) > ADAMW.clip) < 0.7


def test_the_settings_are_all_told_apart(references: dict[tuple[str, str], Arrays]) -> None:
    for one, other in combinations(SETTINGS, 2):
        assert worst(references["torch.optim", one], references["torch.optim", other]) > 1e6 * BOUND


@pytest.mark.parametrize("method", SETTINGS)
@pytest.mark.parametrize("framework", OURS)
def test_every_update_is_theirs(
    framework: str, method: str, references: dict[tuple[str, str], Arrays]
) -> None:
    after = OURS[framework](SETTINGS[method])
    for reference in REFERENCES:
        assert worst(after, references[reference, method]) < BOUND, reference
    assert worst(after, start()) > 0.1


@pytest.mark.parametrize("method", ADAMS)
def test_the_kernel_s_updates_are_those_that_are_written_out(
    method: str, references: dict[tuple[str, str], Arrays]
) -> None:
    fused = replace(ADAMS[method], fused=True)
    after = ours_in_torch(fused)
    assert worst(after, references["optax", method]) < BOUND
    assert worst(after, ours_in_jax(ADAMS[method])) < BOUND
    assert worst(ours_in_torch(fused, one_late), references["optax", method]) > 1e6 * BOUND


@pytest.mark.parametrize("method", ADAMS)
def test_the_kernel_leaves_the_state_that_is_written_out(method: str) -> None:
    states = []
    for settings in (ADAMS[method], replace(ADAMS[method], fused=True)):
        params = {"kernel": torch.ones(3, dtype=torch.float64), "bias": torch.ones(2, dtype=torch.float64)}
        state = torch_optimizer.init(params, settings)
        for step in range(20):
            gradient = {name: p.cos() * (step - 7) for name, p in params.items()}
            torch_optimizer.update(params, state, gradient, rates_at(step, 20, settings), settings)
        states.append(state)
    for name, moments in states[0].items():
        for moment, plain in moments.items():
            torch.testing.assert_close(states[1][name][moment], plain, rtol=1e-13, atol=0.0)


def test_sgd_has_no_kernel_and_is_as_it_was() -> None:
    plain, fused = (ours_in_torch(replace(SGD, fused=fused)) for fused in (False, True))
    assert worst(plain, fused) == 0.0


def test_adam_s_moments_are_torch_s() -> None:
    given = torch.tensor([0.5, -2.0], dtype=torch.float64)
    parameter = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.AdamW([parameter], betas=(ADAMW.beta1, ADAMW.beta2))
    in_torch = torch_optimizer.init({"bias": parameter}, ADAMW)
    in_jax = jax_optimizer.init({"bias": jnp.zeros(2)}, ADAMW)
    for step in range(20):
        parameter.grad, rates = given * (step - 7), rates_at(step, 20, ADAMW)
        theirs.step()
        torch_optimizer.adam(parameter.grad, in_torch["bias"], rates, ADAMW)
        gradient = jnp.asarray(parameter.grad.numpy())
        _, in_jax["bias"] = jax_optimizer.adam(gradient, in_jax["bias"], jax_optimizer.Rates(*rates), ADAMW)
    for ours, name in (("mean", "exp_avg"), ("square", "exp_avg_sq")):
        expected = theirs.state[parameter][name].numpy()
        np.testing.assert_allclose(in_torch["bias"][ours].numpy(), expected, rtol=1e-14)
        np.testing.assert_allclose(in_jax["bias"][ours], expected, rtol=1e-14)


# Injected defects, in both frameworks, each in the method that it changes.


def no_correction(*step: Any) -> Rates:
    return rates_at(*step)._replace(mean_weight=1.0, square_weight=1.0)


def one_late(step: int, steps: int, settings: Optimizer) -> Rates:
    return rates_at(step, steps, settings)._replace(
        learning_rate=rates_at(step + 1, steps, settings).learning_rate
    )


@pytest.mark.parametrize(
    ("method", "rates"), [("adamw", no_correction), ("adamw", one_late), ("sgd", one_late)]
)
@pytest.mark.parametrize("framework", OURS)
def test_wrong_numbers_from_the_host_are_noticed(
    framework: str, method: str, rates: Callable[..., Rates], references: dict[tuple[str, str], Arrays]
) -> None:
    after = OURS[framework](METHODS[method], rates)
    assert worst(after, references["optax", method]) > 1e6 * BOUND


def epsilon_inside(gradient: Any, state: Any, rates: Any, settings: Optimizer) -> Any:
    mean = settings.beta1 * state["mean"] + (1 - settings.beta1) * gradient
    square = settings.beta2 * state["square"] + (1 - settings.beta2) * gradient * gradient
    direction = mean / rates.mean_weight / (square / rates.square_weight + settings.eps**2) ** 0.5
    return direction, {"mean": mean, "square": square}


def damped(gradient: Any, state: Any, rates: Any, settings: Optimizer) -> Any:
    momentum = settings.beta1 * state["momentum"] + (1 - settings.beta1) * gradient
    return momentum, {"momentum": momentum}


def in_place(method: Callable[..., Any]) -> Callable[..., Any]:
    """A pure method as PyTorch's update calls it: the state changes where it is."""

    def changed(gradient: Any, state: Any, *rest: Any) -> Any:
        direction, new = method(gradient, state, *rest)
        state |= new
        return direction

    return changed


@pytest.mark.parametrize(("method", "defect"), [("adamw", epsilon_inside), ("sgd", damped)])
@pytest.mark.parametrize("framework", OURS)
def test_a_wrong_method_is_noticed(
    framework: str,
    method: str,
    defect: Callable[..., Any],
    references: dict[tuple[str, str], Arrays],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(jax_optimizer.METHODS, method, defect)
    monkeypatch.setitem(torch_optimizer.METHODS, method, in_place(defect))
    assert worst(OURS[framework](METHODS[method]), references["optax", method]) > 1e6 * BOUND


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("framework", OURS)
def test_decay_on_biases_and_norms_is_noticed(
    framework: str,
    method: str,
    references: dict[tuple[str, str], Arrays],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = {"jax": jax_optimizer, "torch": torch_optimizer}[framework]
    monkeypatch.setattr(owner, "DECAYED", ("kernel", "embedding", "bias", "scale"))
    after, expected = OURS[framework](METHODS[method]), references["optax", method]
    for name in SHAPES:
        error = worst({name: after[name]}, {name: expected[name]})
        assert error < BOUND if name in DECAYED else error > 1e6 * BOUND, name


@pytest.mark.parametrize("framework", OURS)
def test_decay_of_matrices_alone_is_noticed_where_all_decays(
    framework: str, references: dict[tuple[str, str], Arrays], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = {"jax": jax_optimizer, "torch": torch_optimizer}[framework]
    monkeypatch.setattr(owner, "decays", lambda name, config: name in DECAYED)
    after, expected = OURS[framework](SETTINGS["adamw of all"]), references["optax", "adamw of all"]
    for name in SHAPES:
        error = worst({name: after[name]}, {name: expected[name]})
        assert error < BOUND if name in DECAYED else error > 1e6 * BOUND, name


@pytest.mark.parametrize("framework", OURS)
def test_the_norm_that_is_told_is_of_the_gradient_without_its_l2(framework: str) -> None:
    """As PyTorch's clip_grad_norm_ and optax's clipping in front of the decay see it."""
    settings, given = SETTINGS["adam with L2"], {"kernel": 3.0, "bias": 4.0}
    rates = rates_at(0, 1, settings)
    if framework == "jax":
        params = {name: jnp.ones(1) for name in given}
        arrays = {name: jnp.full(1, number) for name, number in given.items()}
        state = jax_optimizer.init(params, settings)
        *_, norm = jax_optimizer.update(params, state, arrays, jax_optimizer.Rates(*rates), settings)
    else:
        params = {name: torch.ones(1) for name in given}
        tensors = {name: torch.full((1,), number) for name, number in given.items()}
        norm = torch_optimizer.update(
            params, torch_optimizer.init(params, settings), tensors, rates, settings
        )
    assert float(norm) == 5.0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("framework", OURS)
def test_clipping_after_the_step_is_noticed(
    framework: str,
    method: str,
    references: dict[tuple[str, str], Arrays],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The state sees the gradient as it is, and where the parameters go is clipped, each alone."""
    settings = METHODS[method]
    whole = {"jax": jax_optimizer.METHODS, "torch": torch_optimizer.METHODS}[framework][method]

    def after(*arguments: Any) -> Any:
        got = whole(*arguments)
        direction = got[0] if framework == "jax" else got
        norm = (direction * direction).sum() ** 0.5
        direction = direction * (settings.clip / norm).clip(max=1.0)
        return (direction, got[1]) if framework == "jax" else direction

    monkeypatch.setitem({"jax": jax_optimizer, "torch": torch_optimizer}[framework].METHODS, method, after)
    got = OURS[framework](replace(settings, clip=math.inf))
    assert worst(got, references["optax", method]) > 1e6 * BOUND


def test_every_parameter_decays_or_is_a_bias_or_of_a_norm() -> None:
    sizes: dict[str, Any] = {"vocab": 5, "max_positions": 3, "embed": 4, "heads": 2, "mlp": 6, "layers": 1}
    kinds = {"classifier": ClassifierConfig, "gpt": GPTConfig, "encoder_decoder": Seq2SeqConfig}
    for model, kind in kinds.items():
        for name in jax_loop.parameter_shapes(Architecture(model, kind(**sizes))):
            for decays in (jax_optimizer.decays, torch_optimizer.decays):
                assert decays(name, ADAMW) != (name.endswith("bias") or "norm" in name), name
                assert decays(name, SETTINGS["adamw of all"]), name


@pytest.mark.parametrize("largest", [0.5, 50.0])
def test_clipping_is_optax_s_and_pytorch_s_but_for_its_1e_6(largest: float) -> None:
    arrays = start()
    theirs = optax.clip_by_global_norm(largest)
    expected, _ = jax.jit(theirs.update)(arrays, optax.EmptyState())
    in_jax, jax_norm = jax.jit(jax_optimizer.clip_by_global_norm, static_argnums=1)(arrays, largest)
    in_torch = {name: torch.tensor(array) for name, array in arrays.items()}
    torch_norm = torch_optimizer.clip_by_global_norm(in_torch, largest)
    leaves = [torch.zeros(shape, dtype=torch.float64) for shape in SHAPES.values()]
    for leaf, array in zip(leaves, arrays.values(), strict=True):
        leaf.grad = torch.tensor(array)
    norm = float(torch.nn.utils.clip_grad_norm_(leaves, largest))
    assert float(jax_norm) == pytest.approx(norm, rel=1e-14)
    assert float(torch_norm) == pytest.approx(norm, rel=1e-14)
    added = (norm + 1e-6) / norm if largest < norm else 1.0
    for name, leaf in zip(SHAPES, leaves, strict=True):
        np.testing.assert_allclose(in_jax[name], expected[name], rtol=1e-14)
        np.testing.assert_allclose(in_torch[name].numpy(), expected[name], rtol=1e-14)
        np.testing.assert_allclose(leaf.grad.numpy() * added, expected[name], rtol=1e-14)


def test_a_gradient_of_zero_is_not_divided_by_its_norm() -> None:
    in_torch = {"bias": torch.zeros(3)}
    torch_optimizer.clip_by_global_norm(in_torch, 1.0)
    in_jax, _ = jax_optimizer.clip_by_global_norm({"bias": jnp.zeros(3)}, 1.0)
    assert not in_torch["bias"].any() and not in_jax["bias"].any()


def test_the_host_s_bias_correction_is_what_float32_cannot_hold() -> None:
    """One update of float32 weights goes by the learning rate to the last bits; optax's is off by 1e-5."""
    settings = replace(ADAMW, beta2=0.999, eps=1e-30, warmup=0.0, clip=math.inf)
    with jax.enable_x64(False):
        params = {"bias": jnp.zeros(1)}
        state, gradient = jax_optimizer.init(params, settings), {"bias": jnp.full(1, 0.7)}
        rates = jax_optimizer.Rates(*rates_at(0, 1, settings))
        after, _, _ = jax_optimizer.update(params, state, gradient, rates, settings)
        theirs = optax.scale_by_adam(b1=settings.beta1, b2=0.999, eps=1e-30)
        with jax.numpy_dtype_promotion("standard"):
            wrong, _ = theirs.update(gradient, theirs.init(params))
    tensors = {"bias": torch.zeros(1)}
    in_torch = torch_optimizer.init(tensors, settings)
    torch_optimizer.update(
        tensors, in_torch, {"bias": torch.full((1,), 0.7)}, rates_at(0, 1, settings), settings
    )
    for got in (after["bias"], tensors["bias"].numpy()):
        assert float(got[0]) == pytest.approx(-settings.learning_rate, rel=3e-7)
    assert abs(float(wrong["bias"][0]) - 1.0) > 3e-6


# Accumulation, in the training loops.

MODEL = Architecture(
    "classifier",
    ClassifierConfig(vocab=20, max_positions=6, embed=8, heads=2, mlp=8, layers=1, classes=3),
)
# SGD, because Adam's direction forgets the gradient's size, and so does a gradient that is clipped.
UNION = replace(SGD, learning_rate=0.1, smoothing=0.1, clip=math.inf)


def batch(number: int) -> TextBatch:
    """Every third is narrower."""
    rng = np.random.default_rng(number)
    ids = rng.integers(0, 20, (4, 6 if number % 3 else 4), dtype=np.int32)
    return TextBatch(ids, ids != 7, ids[:, 0] % 3, np.arange(4, dtype=np.int32))


def union(step: int) -> TextBatch:
    """Three batches as one, the narrow ones padded behind the mask."""
    parts = [batch(3 * step + part) for part in range(3)]

    def wide(array: np.ndarray) -> np.ndarray:
        return np.pad(array, ((0, 0), (0, 6 - array.shape[1]))) if array.ndim == 2 else array

    return TextBatch(*(np.concatenate(list(map(wide, arrays))) for arrays in zip(*parts, strict=True)))


def train(framework: str, stream: Callable[[int], TextBatch], settings: Optimizer) -> tuple[Any, Arrays]:
    """Five steps from float64 weights: metrics and parameters but the key bias, which is rounding noise."""
    loop = backend(framework)
    first = {name: a.astype(np.float64) for name, a in torch_loop.initial_params(MODEL, 0).items()}
    trainer = loop.Trainer("classifier", MODEL, first, stream, settings, 5, 0)
    metrics = [{name: float(value) for name, value in trainer.step(n).items()} for n in range(5)]
    assert all(a.dtype == np.float64 for group in trainer.moments().values() for a in group.values())
    return metrics, but_the_key_bias(trainer.params())


def but_the_key_bias(params: Arrays) -> Arrays:
    return {name: array for name, array in params.items() if not name.endswith("key/bias")}


@pytest.fixture(scope="module")
def unions() -> tuple[Any, Arrays]:
    """Trained on the unions in PyTorch, which needs no compilation for them; both must agree with it."""
    return train("torch", union, UNION)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_accumulating_is_one_batch_of_their_union(framework: str, unions: tuple[Any, Arrays]) -> None:
    metrics, params = train(framework, batch, replace(UNION, accumulate=3))
    for got, expected in zip(metrics, unions[0], strict=True):
        assert got.pop("accuracy") == pytest.approx(expected["accuracy"], rel=1e-6)  # always float32
        assert got == pytest.approx({name: expected[name] for name in got}, rel=BOUND)
    assert worst(params, unions[1]) < BOUND


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_sum_for_the_mean_is_noticed(
    framework: str, unions: tuple[Any, Arrays], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = {"jax": jax_loop, "torch": torch_optimizer}[framework]
    update = owner.update

    def summed(params: Any, state: Any, gradient: Any, *rest: Any) -> Any:
        return update(params, state, jax.tree.map(lambda mean: 3.0 * mean, gradient), *rest)

    monkeypatch.setattr(owner, "update", summed)
    _, params = train(framework, batch, replace(UNION, accumulate=3))
    assert worst(params, unions[1]) > 1e6 * BOUND


def test_each_batch_has_dropout_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps of three batches draw with six keys: the same in both frameworks, and those of six steps.

    Where PyTorch has no gradient and JAX zeros, weights decay alike.
    """
    drawn: dict[str, list[tuple[int, ...]]] = {"jax": [], "torch": []}

    def in_jax(params: Any, batch: Arrays, rng: jax.Array, *rest: Any) -> Any:
        drawn["jax"].append(tuple(int(word) for word in jax.random.key_data(rng)))
        return jax.tree.map(jnp.zeros_like, params), {}

    def in_torch(model: Any, batch: Any, rng: Key, *rest: Any) -> Any:
        drawn["torch"].append(tuple(rng))
        return {}

    monkeypatch.setattr(jax_loop, "gradient", in_jax)
    monkeypatch.setattr(torch_loop, "gradient", in_torch)
    first = {name: a.astype(np.float64) for name, a in torch_loop.initial_params(MODEL, 0).items()}
    after = []
    for loop in map(backend, FRAMEWORKS):
        for settings, steps in ((replace(UNION, accumulate=3), 2), (UNION, 6)):
            trainer = loop.Trainer("classifier", MODEL, first, batch, settings, steps, 0)
            for step in range(steps):
                trainer.step(step)
            after.append(but_the_key_bias(trainer.params()))
    assert drawn["jax"] == drawn["torch"]
    assert drawn["jax"][:6] == drawn["jax"][6:] and len(set(drawn["jax"])) == 6
    head = "head/kernel"
    assert np.abs(after[0][head]).max() < np.abs(first[head]).max()
    for name, array in after[0].items():
        np.testing.assert_allclose(after[2][name], array, rtol=1e-14)
