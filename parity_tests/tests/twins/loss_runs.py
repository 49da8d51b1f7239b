"""A loss and its gradients in either framework, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import torch


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


RUNS = {"jax": in_jax, "torch": in_torch}
