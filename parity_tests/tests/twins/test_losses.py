"""The losses of language models: padding counts for nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jax_impl import losses as jax_losses
from parity_tests.tests.twins.loss_runs import RUNS
from parity_tests.twins.check import find_twins
from torch_impl import losses as torch_losses

LOSSES = {"jax": jax_losses, "torch": torch_losses}


@pytest.mark.parametrize("framework", RUNS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_smoothing_is_pytorch_s_which_ignores_padding_too(framework, smoothing):
    run, losses = RUNS[framework], LOSSES[framework]
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
