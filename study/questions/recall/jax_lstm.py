"""An LSTM in Flax, its four gates in one kernel."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from jax_impl.layers import Embedding, Linear, linear
from jax_impl.taps import Tap, no_tap
from study.questions.recall.settings import RecurrentConfig


class LSTM(nn.Module):
    """Hochreiter and Schmidhuber 1997, with a forget gate (Gers et al. 2000) that begins open: plus one.

    The gates are input, forget, cell, output, in this order. What is read is projected for all positions at
    once; what is remembered waits for the position before.
    """

    config: RecurrentConfig

    def setup(self) -> None:
        config = self.config
        self.up = Linear(config.embed, 4 * config.hidden)
        self.down = Linear(config.hidden, 4 * config.hidden, use_bias=False)

    def __call__(self, x: Float[Array, "batch position embed"]) -> Float[Array, "batch position hidden"]:
        read, kernel = self.up(x), self.down.kernel

        def step(state: Any, now: Float[Array, "batch gates"]) -> Any:
            hidden, cell = state
            gates = now + linear(hidden, kernel, None)
            inputs, forget, new, outputs = jnp.split(gates, 4, axis=-1)
            cell = jax.nn.sigmoid(forget + 1.0) * cell + jax.nn.sigmoid(inputs) * jnp.tanh(new)
            hidden = jax.nn.sigmoid(outputs) * jnp.tanh(cell)
            return (hidden, cell), hidden

        zeros = jnp.zeros((x.shape[0], self.config.hidden), x.dtype)
        _, hidden = jax.lax.scan(step, (zeros, zeros), read.transpose(1, 0, 2))
        return hidden.transpose(1, 0, 2)


class RecurrentModel(nn.Module):
    """Logits at each position of what was read up to there."""

    config: RecurrentConfig

    def setup(self) -> None:
        config = self.config
        self.token_embedding = Embedding(config.vocab, config.embed, config.embedding_std)
        self.lstm = LSTM(config)
        self.head = Linear(config.hidden, config.vocab)

    def __call__(
        self, ids: Int[Array, "batch position"], tap: Tap = no_tap
    ) -> Float[Array, "batch position vocab"]:
        x = tap("token_embedding", self.token_embedding(ids), "batch position embed")
        hidden = tap("lstm", self.lstm(x), "batch position hidden")
        return tap("logits", self.head(hidden), "batch position vocab")
