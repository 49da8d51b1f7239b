"""Keras Hub's GPT-2 on JAX, trained by a compiled step, and its `generate` with the cache."""

from functools import partial
from typing import Any

import jax
import keras
import keras_hub
import numpy as np

from benchmarks.batches import prompts_of
from benchmarks.contestants import Contestant
from benchmarks.workloads import NEW, Workload
from data import Batch


def build(workload: Workload, batches: list[Batch]) -> Contestant:
    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=workload.vocab, num_layers=workload.layers, num_heads=workload.heads,
        hidden_dim=workload.embed, intermediate_dim=workload.mlp, dropout=0.0,
        max_sequence_length=workload.length,
    )  # fmt: skip
    model: Any = keras_hub.models.GPT2CausalLM(backbone=backbone, preprocessor=None)
    count = model.count_params()
    if workload.kind == "generate":
        model.compile(sampler="greedy")
        return Contestant(count, greedy(model, workload, batches), jax.block_until_ready, np.asarray)
    return Contestant(count, Steps(model, batches), jax.block_until_ready, float)


class Steps:
    """The training loop of Keras's guide to JAX, which waits for no loss, as `train_on_batch` does."""

    def __init__(self, model: Any, batches: list[Batch]) -> None:
        optimizer = keras.optimizers.AdamW(1e-4, weight_decay=0.1)
        optimizer.build(model.trainable_variables)
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

        def forward(trained: Any, fixed: Any, ids: Any, labels: Any) -> Any:
            inputs = {"token_ids": ids, "padding_mask": jax.numpy.ones_like(ids)}
            logits, fixed = model.stateless_call(trained, fixed, inputs, training=True)
            return loss_of(labels, logits), fixed

        @partial(jax.jit, donate_argnums=0)
        def update(state: Any, ids: Any, labels: Any) -> Any:
            trained, fixed, moments = state
            (loss, fixed), gradient = jax.value_and_grad(forward, has_aux=True)(trained, fixed, ids, labels)
            trained, moments = optimizer.stateless_apply(moments, gradient, trained)
            return (trained, fixed, moments), loss

        variables = model.trainable_variables, model.non_trainable_variables, optimizer.variables
        self.state = jax.tree.map(lambda variable: variable.value, tuple(map(list, variables)))
        self.batches, self.update = batches, update

    def __call__(self, number: int) -> jax.Array:
        self.state, loss = self.update(self.state, *self.batches[number % len(self.batches)])
        return loss


def greedy(model: Any, workload: Workload, batches: list[Batch]) -> Any:
    prompts = prompts_of(workload, batches)
    ids = np.pad(prompts, ((0, 0), (0, NEW)))
    mask = np.pad(np.ones_like(prompts), ((0, 0), (0, NEW)))

    def step(number: int) -> Any:
        return model.generate({"token_ids": ids, "padding_mask": mask}, stop_token_ids=None)["token_ids"]

    return step
