"""The output layer fused with its loss: the plain loss, without the logits of all tokens."""

import subprocess
import sys
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from jax_impl import fused_loss as jax_fused
from jax_impl import losses as jax_losses
from parity_tests.tests.twins.loss_runs import RUNS, in_jax, in_torch
from parity_tests.twins.check import find_twins
from torch_impl import fused_loss as torch_fused
from torch_impl import losses as torch_losses

TOKENS, VOCAB = 56, 31  # of the twin's inputs


def inputs():
    (twin,) = find_twins("chunked_cross_entropy")
    return twin.inputs(np.random.default_rng(0))


PLAIN = {
    "jax": (jnp.einsum, jax_losses.weighted_cross_entropy),
    "torch": (torch.einsum, torch_losses.weighted_cross_entropy),
}
FUSED = {"jax": jax_fused.chunked_cross_entropy, "torch": torch_fused.chunked_cross_entropy}


def plain(framework):
    einsum, loss = PLAIN[framework]

    def of(given):
        logits = einsum("bpe,ve->bpv", given["hidden"], given["table"])
        if given["bias"] is not None:
            logits = logits + given["bias"][None, None, :]
        return loss(logits, given["labels"], given["weights"])

    return of


def fused(framework, chunk):
    return lambda given: FUSED[framework](chunk=chunk, **given)


def close(found, expected, bound=1e-12):
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=bound * np.abs(wanted).max())


@pytest.mark.parametrize("framework", RUNS)
@pytest.mark.parametrize("chunk", [1, 5, 8, 56, 1000])
def test_a_chunk_at_a_time_is_the_plain_loss(framework, chunk):
    names = ("hidden", "table", "bias", "weights")
    found, expected = (
        RUNS[framework](loss, inputs(), *names) for loss in (fused(framework, chunk), plain(framework))
    )
    close(found, expected)


@pytest.mark.parametrize("framework", RUNS)
def test_gradients_pass_on_what_becomes_of_the_loss(framework):
    """It is squared; the hidden vectors are rows of the table, as of tied embeddings; and no bias."""

    def tied(loss):
        def of(given):
            rows = given["table"][given["ids"]]
            return 3.0 * loss(given | {"hidden": rows, "bias": None}) ** 2

        return of

    given = inputs()
    del given["hidden"], given["bias"]
    ids = np.random.default_rng(1).integers(0, VOCAB, (8, 7))

    def run(loss):
        return RUNS[framework](
            tied(lambda all: loss({n: a for n, a in all.items() if n != "ids"})),
            given | {"ids": ids},
            "table",
        )

    close(run(fused(framework, 5)), run(plain(framework)))


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
    run = RUNS[framework]
    run_theirs, loss = THEIRS[theirs]
    names = ("hidden", "table", "bias")
    given = inputs()
    given["weights"] = (given["weights"] != 0).astype(np.float64)
    expected = run_theirs(loss, given, *names)
    for got, wanted in zip(run(fused(framework, 5), given, *names), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-13 * np.abs(wanted).max())


@pytest.mark.parametrize("framework", RUNS)
def test_padding_counts_for_nothing(framework):
    """The mean over the real tokens alone is PyTorch's own; what stands at padding changes nothing."""
    run = RUNS[framework]
    given = inputs()
    given["weights"] = (given["weights"] != 0).astype(np.float64)
    real = given["weights"] != 0
    assert 0 < real.sum() < real.size
    logits = given["hidden"] @ given["table"].T + given["bias"]
    truth = torch.nn.functional.cross_entropy(
        torch.tensor(logits[real]), torch.tensor(given["labels"][real]).long()
    )
    loss, gradient = run(fused(framework, 5), given, "hidden")
    np.testing.assert_allclose(loss, truth.numpy(), rtol=1e-13)
    assert not gradient[~real].any() and gradient[real].any()
    given["hidden"] = np.where(real[:, :, None], given["hidden"], np.nan)
    again = run(fused(framework, 5), given, "table")
    np.testing.assert_array_equal(again[0], loss)


@pytest.mark.parametrize("framework", RUNS)
def test_a_batch_without_a_label_has_loss_zero(framework):
    run = RUNS[framework]
    given = inputs() | {"weights": np.zeros((8, 7))}
    loss, gradient = run(fused(framework, 5), given, "hidden")
    assert loss == 0.0 and not gradient.any()


def largest_of(jaxpr):
    """The number of elements of the largest array that a program makes, scans included."""
    sizes = [variable.aval.size for equation in jaxpr.eqns for variable in equation.outvars]
    values = [value for equation in jaxpr.eqns for value in equation.params.values()]
    inner = [one for one in jax.tree.leaves(values, is_leaf=is_jaxpr) if is_jaxpr(one)]
    return max([*sizes, *(largest_of(getattr(one, "jaxpr", one)) for one in inner)], default=0)


def is_jaxpr(value):
    return hasattr(value, "eqns") or hasattr(value, "jaxpr")


def jax_largest(loss, given):
    """That of the loss and its gradients."""

    def both(hidden, table):
        return jax.value_and_grad(
            lambda *some: loss(arrays | dict(zip(("hidden", "table"), some, strict=True)))
        )(hidden, table)

    with jax.enable_x64(True):
        arrays = {name: jnp.asarray(array) for name, array in given.items()}
        return largest_of(jax.make_jaxpr(both)(arrays["hidden"], arrays["table"]).jaxpr)


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
    largest = {"jax": jax_largest, "torch": torch_largest}[framework]
    assert largest(plain(framework), given) >= TOKENS * VOCAB
    below = max(given["hidden"].size, given["table"].size) + 5 * 24  # the last chunk is padded
    assert largest(fused(framework, 5), given) <= below < TOKENS * VOCAB


@pytest.mark.parametrize("framework", RUNS)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_sums_in_float32(framework, dtype):
    """A sum of 512 equal parts in bfloat16 stands still at 256 of them."""
    hidden, table = np.ones((1, 512, 4)), np.zeros((3, 4))
    labels, weights = np.zeros((1, 512), np.int32), np.ones((1, 512), np.float32)
    if framework == "jax":
        given = [
            jnp.asarray(hidden, dtype),
            jnp.asarray(table, dtype),
            jnp.asarray(labels),
            jnp.asarray(weights),
        ]
        gradient = jax.grad(jax_fused.chunked_cross_entropy, argnums=1)(*given, 1)
        assert gradient.dtype == dtype
    else:
        kind = getattr(torch, dtype)
        given = [torch.tensor(hidden, dtype=kind), torch.tensor(table, dtype=kind, requires_grad=True)]
        torch_fused.chunked_cross_entropy(*given, torch.tensor(labels), torch.tensor(weights), 1).backward()
        gradient = given[1].grad.float().numpy()
        assert given[1].grad.dtype == kind
    expected = np.array([1 / 3 - 1, 1 / 3, 1 / 3])[:, None] * np.ones(4)
    np.testing.assert_allclose(np.asarray(gradient, np.float32), expected, rtol=2**-8)


def test_without_a_gradient_no_gradient_is_made():
    """In JAX nothing is as large as the table, whose gradient would be the largest."""
    given = inputs() | {"table": np.ones((400, 24)), "bias": np.ones(400)}
    arrays = {name: jnp.asarray(array) for name, array in given.items()}
    assert largest_of(jax.make_jaxpr(fused("jax", 5))(arrays).jaxpr) < given["table"].size
    tensors = {name: torch.tensor(array) for name, array in given.items()}
    tensors["table"].requires_grad_()
    expected = fused("torch", 5)(tensors)
    with torch.no_grad(), mock.patch.object(torch_fused, "_MeanLoss"):
        torch.testing.assert_close(fused("torch", 5)(tensors), expected.detach(), rtol=1e-14, atol=0)


def test_under_jit_and_vmap_the_gradients_are_the_same():
    given = {
        name: jnp.asarray(array, np.float32 if array.dtype == np.float64 else None)
        for name, array in inputs().items()
    }
    single = jax.grad(lambda table: fused("jax", 5)(given | {"table": table}))
    tables = jnp.stack([given["table"], 2.0 * given["table"]])
    many = jax.jit(jax.vmap(single))(tables)
    for got, table in zip(many, tables, strict=True):
        np.testing.assert_allclose(got, single(table), rtol=0, atol=1e-6)


def test_second_derivatives_are_refused_in_pytorch():
    """They would be wrong: the first ones are constants there."""
    given = {name: torch.tensor(array) for name, array in inputs().items()}
    hidden = given["hidden"].requires_grad_()
    (first,) = torch.autograd.grad(fused("torch", 5)(given) ** 2, hidden, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


COMPILED = """
import torch
from torch_impl.fused_loss import chunked_cross_entropy
hidden, table, bias = torch.randn(2, 7, 8), torch.randn(11, 8, requires_grad=True), torch.randn(11)
given = hidden, table, torch.randint(0, 11, (2, 7)), torch.ones(2, 7), 5, bias
compiled = torch.compile(chunked_cross_entropy, backend="aot_eager", fullgraph=True)
losses = (2.0 * loss(*given) for loss in (chunked_cross_entropy, compiled))
expected, found = (torch.autograd.grad(loss, table)[0] for loss in losses)
torch.testing.assert_close(found, expected)
"""


def test_it_compiles_into_one_graph():
    """In a process of its own: here the types of all arguments are looked at, which has no graph."""
    subprocess.run([sys.executable, "-c", COMPILED], check=True)


@pytest.mark.usefixtures("optimised")
def test_memory_grows_with_neither_tokens_nor_their_logits():
    """The compiled program's: beside the chunk's logits and the table's gradient there is little."""

    def temporary(tokens, vocab, chunk):
        shapes = ((1, tokens, 16), (vocab, 16)), ((1, tokens),)
        floats = [jax.ShapeDtypeStruct(shape, np.float32) for shape in shapes[0]]
        labels, weights = (jax.ShapeDtypeStruct((1, tokens), kind) for kind in (np.int32, np.float32))
        gradient = jax.jit(jax.grad(jax_fused.chunked_cross_entropy, argnums=(0, 1)), static_argnums=4)
        program = gradient.lower(*floats, labels, weights, chunk).compile()
        return program.memory_analysis().temp_size_in_bytes

    few, many = temporary(256, 4000, 64), temporary(1024, 4000, 64)
    one_token = 4 * (3 * 16 + 8)  # its vectors, padded and as chunks, and what else there is one of a token
    assert many - few <= 768 * one_token < 768 * 4000 * 4 / 50
    logits_and_table = 4 * 4000 * (64 + 2 * 16)
    assert few <= 1.5 * logits_and_table
    assert temporary(1024, 8000, 32) <= 1.5 * logits_and_table + 4 * 4000 * 2 * 16
