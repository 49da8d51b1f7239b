"""Ours in JAX, through the trainer that `twinformer train` has."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.batches import prompts_of
from benchmarks.contestants import Contestant
from benchmarks.contestants.ours import FAMILIES, STEPS, architecture, in_turn, inputs_of, optimizer
from benchmarks.workloads import NEW, Workload
from data import Batch
from jax_impl.generate import generate
from train.loops import jax_loop


def build(workload: Workload, batches: list[Batch], plain: bool = False) -> Contestant:
    """Settings of the run that make it faster go in `benchmarks.contestants.ours`, or here.

    ``plain`` leaves them out of a GPT's training, which is then as it is by default.
    """
    ours = architecture(workload, plain)
    params = jax_loop.initial_params(ours, 0)
    count = sum(array.size for array in params.values())
    if workload.trains:
        family = FAMILIES[workload.kind]
        trainer = jax_loop.Trainer(family, ours, params, in_turn(batches), optimizer(plain), STEPS, 0)
        # The norm is a result of the update, so the weights are there when it is.
        return Contestant(
            count,
            trainer.step,
            lambda result: jax.block_until_ready(result["gradient_norm"]),
            lambda result: float(result["loss"]),
        )
    tree = jax_loop.params_tree(params)
    model: Any = jax_loop.build_model(ours)
    if workload.kind == "generate":
        prompts = prompts_of(workload, batches)
        lengths, bound = [prompts.shape[1]] * workload.batch, model.bind({"params": tree})

        def step(number: int) -> Any:
            return generate(bound, jnp.asarray(prompts), lengths, NEW)[0]
    else:
        stream = in_turn(batches)
        forward = jax.jit(lambda tree, inputs: model.apply({"params": tree}, **inputs))

        def step(number: int) -> Any:
            return forward(tree, inputs_of(stream(number)))

    return Contestant(count, step, jax.block_until_ready, np.asarray)
