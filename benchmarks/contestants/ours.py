"""What both of ours share: the model and the optimizer of a workload."""

import math
from collections.abc import Callable
from typing import Any

from benchmarks.workloads import Kind, Workload
from data import Batch
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
OPTIMIZER = Optimizer(learning_rate=1e-4, schedule="constant", warmup=0.0, clip=math.inf)


def architecture(workload: Workload) -> Architecture:
    """The model of a workload; settings that make ours faster belong here."""
    name, config = MODELS[workload.kind]
    classes: dict[str, Any] = {"classes": workload.classes} if config is ClassifierConfig else {}
    return Architecture(
        name,
        config(
            embed=workload.embed,
            heads=workload.heads,
            mlp=workload.mlp,
            layers=workload.layers,
            vocab=workload.vocab,
            max_positions=workload.length,
            **classes,
        ),
    )


def in_turn(batches: list[Batch]) -> Stream:
    """An endless stream of them."""
    return lambda number: batches[number % len(batches)]
