"""Every call is held to its annotations, those with axes and plain ones, unless a test asks for neither."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import pytest
import torch
from beartype.roar import BeartypeCallHintParamViolation
from jaxtyping import TypeCheckError

import jax_impl.layers
import jax_impl.losses
import torch_impl.layers
import torch_impl.losses
from data.sets.embedded import package_of

# Another dtype, an axis of two lengths, in either framework; a plain type.
WRONG: dict[str, tuple[type[Exception], Callable[[], Any]]] = {
    "dtype, JAX": (TypeCheckError, lambda: jax_impl.layers.add_bias(jnp.ones(2, int), None)),
    "dtype, PyTorch": (TypeCheckError, lambda: torch_impl.layers.add_bias(torch.ones(2, dtype=int), None)),
    "axis, JAX": (TypeCheckError, lambda: jax_impl.losses.accuracy(jnp.ones((2, 5)), jnp.ones(3, int))),
    "axis, PyTorch": (
        TypeCheckError,
        lambda: torch_impl.losses.accuracy(torch.ones(2, 5), torch.ones(3, dtype=int)),
    ),
    "plain": (BeartypeCallHintParamViolation, lambda: package_of(3)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_as_annotated_is_refused(name: str) -> None:
    error, call = WRONG[name]
    with pytest.raises(error):
        call()


@pytest.mark.usefixtures("unchecked")
def test_unchecked_the_code_itself_is_asked() -> None:
    assert jax_impl.layers.add_bias(jnp.ones(2, int), None).shape == (2,)
    with pytest.raises(AttributeError, match="partition"):
        package_of(3)  # type: ignore[arg-type]
