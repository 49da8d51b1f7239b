"""Ours in PyTorch, through the trainer that `twinformer train` has: the mirror of `ours_jax`."""

from typing import Any

import torch

from benchmarks.batches import prompts_of
from benchmarks.contestants import Contestant
from benchmarks.contestants.ours import FAMILIES, STEPS, architecture, in_turn, inputs_of, optimizer
from benchmarks.contestants.torch_parts import DEVICE, generation, tensor, wait
from benchmarks.workloads import NEW, Workload
from data import Batch
from torch_impl import convert
from torch_impl.generate import generate
from train.loops import torch_loop


def build(workload: Workload, batches: list[Batch], plain: bool = False) -> Contestant:
    """Settings of the run that make it faster go in `benchmarks.contestants.ours`, or here.

    ``plain`` leaves them out of a GPT's training, which is then as it is by default.
    """
    ours = architecture(workload, plain)
    params = torch_loop.initial_params(ours, 0)
    count = sum(array.size for array in params.values())
    if workload.trains:
        family = FAMILIES[workload.kind]
        trainer = torch_loop.Trainer(family, ours, params, in_turn(batches), optimizer(plain), STEPS, 0)
        return Contestant(count, trainer.step, wait, lambda result: float(result["loss"]))
    model: Any = torch_loop.build_model(ours)
    convert.load(model, params)
    model.to(DEVICE)
    if workload.kind != "generate":
        compiled, stream = torch.compile(model.eval(), dynamic=False), in_turn(batches)

        @torch.inference_mode()
        def step(number: int) -> Any:
            inputs = inputs_of(stream(number))
            return compiled(**{name: tensor(array).to(DEVICE) for name, array in inputs.items()})

        return Contestant(count, step, wait, lambda logits: logits.cpu().numpy())
    model = torch_loop.with_compiled_step(model)
    prompts = prompts_of(workload, batches)
    lengths = [prompts.shape[1]] * workload.batch
    return generation(model, lambda ids: generate(model, ids, lengths, NEW)[0], prompts)
