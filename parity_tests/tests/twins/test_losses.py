"""The losses of language models: padding counts for nothing, and all logits never exist at once."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from jax_impl import losses as jax_losses
from parity_tests.twins.check import find_twins
from torch_impl import losses as torch_losses

TOKENS, VOCAB = 56, 31  # of the twin's inputs


def inputs():
    (twin,) = find_twins("chunked_cross_entropy")
    return twin.inputs(np.random.default_rng(0))


def in_jax(loss, given, *names):
    """The loss and its gradients by the named inputs, in float64."""
    with jax.enable_x64(True):
        arrays = {name: jnp.asarray(array) for name, array in given.items()}
        value, gradients = jax.value_and_grad(lambda some: loss(arrays | some))({n: arrays[n] for n in names})
        return [np.asarray(value), *(np.asarray(gradients[name]) for name in names)]


def in_torch(loss, given, *names):
    arrays = {name: torch.tensor(array) for name, array in given.items()}
    for name in names:
        arrays[name].requires_grad_()
    value = loss(arrays)
    value.backward()
    return [value.detach().numpy(), *(arrays[name].grad.numpy() for name in names)]


RUNS = {"jax": (in_jax, jax_losses, jnp), "torch": (in_torch, torch_losses, torch)}


def plain(losses, library):
    def loss(given):
        logits = library.einsum("bpe,ve->bpv", given["hidden"], given["table"]) + given["bias"][None, None, :]
        return losses.weighted_cross_entropy(logits, given["labels"], given["weights"])

    return loss


def chunked(losses, chunk):
    return lambda given: losses.chunked_cross_entropy(chunk=chunk, **given)


@pytest.mark.parametrize("framework", RUNS)
@pytest.mark.parametrize("chunk", [1, 5, 8, 56, 1000])
def test_a_chunk_at_a_time_is_the_plain_loss(framework, chunk):
    run, losses, library = RUNS[framework]
    names = ("hidden", "table", "bias", "weights")
    expected = run(plain(losses, library), inputs(), *names)
    for got, wanted in zip(run(chunked(losses, chunk), inputs(), *names), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())


def pytorch_s(given):
    """The mean over the labels that are not PyTorch's -100."""
    logits = given["hidden"] @ given["table"].T + given["bias"]
    labels = torch.where(given["weights"] != 0, given["labels"].long(), -100)
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())


def optax_s(given):
    logits = given["hidden"] @ given["table"].T + given["bias"][None, None, :]
    real = given["weights"] != 0
    each = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.where(real, given["labels"], 0))
    return each.mean(where=real)


THEIRS = {"torch": (in_torch, pytorch_s), "optax": (in_jax, optax_s)}


@pytest.mark.parametrize("framework", RUNS)
@pytest.mark.parametrize("theirs", THEIRS)
def test_a_chunk_at_a_time_is_pytorch_s_and_optax_s_loss_with_its_gradients(framework, theirs):
    """`test_references` holds the other losses to them."""
    run, losses, _ = RUNS[framework]
    run_theirs, loss = THEIRS[theirs]
    names = ("hidden", "table", "bias")
    given = inputs()
    given["weights"] = (given["weights"] != 0).astype(np.float64)
    expected = run_theirs(loss, given, *names)
    for got, wanted in zip(run(chunked(losses, 5), given, *names), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-13 * np.abs(wanted).max())


@pytest.mark.parametrize("framework", RUNS)
def test_padding_counts_for_nothing(framework):
    """The mean over the real tokens alone is PyTorch's own; what stands at padding changes nothing."""
    run, losses, _ = RUNS[framework]
    given = inputs()
    given["weights"] = (given["weights"] != 0).astype(np.float64)
    real = given["weights"] != 0
    assert 0 < real.sum() < real.size
    logits = given["hidden"] @ given["table"].T + given["bias"]
    truth = torch.nn.functional.cross_entropy(
        torch.tensor(logits[real]), torch.tensor(given["labels"][real]).long()
    )
    loss, gradient = run(chunked(losses, 5), given, "hidden")
    np.testing.assert_allclose(loss, truth.numpy(), rtol=1e-13)
    assert not gradient[~real].any() and gradient[real].any()
    given["hidden"] = np.where(real[:, :, None], given["hidden"], np.nan)
    again = run(lambda given: losses.chunked_cross_entropy(chunk=5, **given), given, "table")
    np.testing.assert_array_equal(again[0], loss)


@pytest.mark.parametrize("framework", RUNS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_smoothing_is_pytorch_s_which_ignores_padding_too(framework, smoothing):
    run, losses, _ = RUNS[framework]
    (twin,) = find_twins("weighted_cross_entropy")
    given = twin.inputs(np.random.default_rng(0))
    given["weights"] = (given["weights"] != 0).astype(np.float64)
    logits = torch.tensor(given["logits"], requires_grad=True)
    truth = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1),
        torch.tensor(given["labels"]).long().flatten(),
        ignore_index=-100,
        label_smoothing=smoothing,
    )
    truth.backward()
    loss, gradient = run(
        lambda given: losses.weighted_cross_entropy(smoothing=smoothing, **given), given, "logits"
    )
    np.testing.assert_allclose(loss, truth.detach().numpy(), rtol=1e-14)
    np.testing.assert_allclose(gradient, logits.grad.numpy(), rtol=0, atol=1e-16)
    assert not gradient[given["weights"] == 0].any()


@pytest.mark.parametrize("framework", RUNS)
def test_a_batch_without_a_label_has_loss_zero(framework):
    run, losses, _ = RUNS[framework]
    given = inputs() | {"weights": np.zeros((8, 7))}
    loss, gradient = run(chunked(losses, 5), given, "hidden")
    assert loss == 0.0 and not gradient.any()


def test_accuracies_by_hand_also_in_64_bit_runs():
    """Labels are int32 where JAX's argmax is int64; the token without weight does not count."""
    logits = np.array([[[3.0, 1.0], [0.0, 2.0], [5.0, 4.0]]])
    labels, weights = np.array([[0, 0, 1]], np.int32), np.array([[3.0, 1.0, 0.0]])
    with jax.enable_x64(True):
        given = [jnp.asarray(array) for array in (logits, labels, weights)]
        assert float(jax_losses.weighted_accuracy(*given)) == 0.75
        assert float(jax_losses.accuracy(given[0][0], given[1][0])) == pytest.approx(1 / 3)
    given = [torch.tensor(array) for array in (logits, labels, weights)]
    assert float(torch_losses.weighted_accuracy(*given)) == 0.75
    assert float(torch_losses.accuracy(given[0][0], given[1][0])) == pytest.approx(1 / 3)


def jax_largest(loss, given):
    """The number of elements of the largest array in the loss and its gradients, scans included."""

    def largest(jaxpr):
        sizes = [variable.aval.size for e in jaxpr.eqns for variable in e.outvars]
        inner = [
            i for e in jaxpr.eqns for p in e.params.values() for i in jax.tree.leaves(p, is_leaf=is_jaxpr)
        ]
        return max([*sizes, *(largest(getattr(i, "jaxpr", i)) for i in inner if is_jaxpr(i))], default=0)

    def is_jaxpr(value):
        return hasattr(value, "eqns") or hasattr(value, "jaxpr")

    def both(hidden, table):
        return jax.value_and_grad(
            lambda *some: loss(arrays | dict(zip(("hidden", "table"), some, strict=True)))
        )(hidden, table)

    with jax.enable_x64(True):
        arrays = {name: jnp.asarray(array) for name, array in given.items()}
        return largest(jax.make_jaxpr(both)(arrays["hidden"], arrays["table"]).jaxpr)


class Largest(TorchDispatchMode):
    """Watches every tensor that PyTorch makes, forward and backward."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.elements = max(self.elements, tensor.numel())
        return result


def torch_largest(loss, given):
    with Largest() as watched:
        in_torch(loss, given, "hidden", "table")
    return watched.elements


@pytest.mark.parametrize("framework", RUNS)
def test_all_logits_never_exist_together(framework):
    given = inputs()
    _, losses, library = RUNS[framework]
    largest = {"jax": jax_largest, "torch": torch_largest}[framework]
    assert largest(plain(losses, library), given) >= TOKENS * VOCAB
    below = max(given["hidden"].size, given["table"].size) + 5 * 24  # the last chunk is padded
    assert largest(chunked(losses, 5), given) <= below < TOKENS * VOCAB
