"""What both of ours share: a workload's model, optimizer and batches, with what makes them fast."""

import math
from collections.abc import Callable
from typing import Any

from benchmarks.workloads import Kind, Workload
from data import Batch, TextBatch, pack
from jax_impl.config import BertConfig, ClassifierConfig, EmbeddingConfig, GPTConfig
from train.architecture import Architecture
from train.config import Optimizer
from train.loops.backend import Stream

FAMILIES: dict[Kind, str] = {"gpt": "gpt", "mlm": "bert", "classifier": "classifier"}
MODELS: dict[Kind, tuple[str, Callable[..., EmbeddingConfig]]] = {
    "gpt": ("gpt", GPTConfig),
    "generate": ("gpt", GPTConfig),
    "mlm": ("bert_for_masked_lm", BertConfig),
    "classifier": ("classifier", ClassifierConfig),
    "inference": ("classifier", ClassifierConfig),
}
STEPS = 1_000_000  # the schedule's length: no run is that long


def optimizer(plain: bool) -> Optimizer:
    """AdamW without clipping; ``plain`` without PyTorch's kernel and compiler."""
    return Optimizer(
        learning_rate=1e-4,
        schedule="constant",
        warmup=0.0,
        clip=math.inf,
        fused=not plain,
        compiled=not plain,
    )


def architecture(workload: Workload, plain: bool = False) -> Architecture:
    """The model of a workload; ``plain`` without PyTorch's own kernel for attention."""
    name, config = MODELS[workload.kind]
    more: dict[str, Any] = {"fused": not plain}
    if config is ClassifierConfig:
        more["classes"] = workload.classes
    if config is BertConfig:
        more["lean"] = True
    return Architecture(
        name,
        config(
            embed=workload.embed,
            heads=workload.heads,
            mlp=workload.mlp,
            layers=workload.layers,
            vocab=workload.vocab,
            max_positions=workload.length,
            **more,
        ),
    )


def in_turn(batches: list[Batch]) -> Stream:
    """An endless stream of them; texts share rows, and packing them is part of a step."""

    def stream(number: int) -> Batch:
        batch = batches[number % len(batches)]
        return pack(batch) if isinstance(batch, TextBatch) else batch

    return stream


def inputs_of(batch: Any) -> dict[str, Any]:
    """What the model reads of texts."""
    return {name: array for name, array in batch._asdict().items() if name not in ("labels", "rows")}
