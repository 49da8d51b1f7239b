"""Who is measured: ours, and what others would use instead. A file a stack, imported in its own process.

A file has `build(workload, batches, ...)`, which gives a `Contestant`; how its runs are set stands there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.workloads import Kind

TRAINING: tuple[Kind, ...] = ("gpt", "mlm", "classifier")
ALL: tuple[Kind, ...] = (*TRAINING, "inference", "generate")
OURS = "jax"  # what the others' times are divided by


@dataclass(frozen=True)
class Contestant:
    """A model on the device, ready for its first step."""

    parameters: int
    """Numbers that are learned, tied ones once."""
    step: Callable[[int], Any]
    """Take step ``number``, counted from 0 (or generate once). The result may still be being computed."""
    wait: Callable[[Any], None]
    """Return when a step's result, and what it changed, is there."""
    read: Callable[[Any], Any]
    """What a result says: the loss of a step; the logits of a batch; the tokens that were generated."""


@dataclass(frozen=True)
class Entry:
    """A contestant by name, before anything of it is imported."""

    title: str
    module: str
    """In this folder."""
    packages: tuple[str, ...]
    """Which must be installed."""
    kinds: tuple[Kind, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of its `build`."""

    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [package for package in self.packages if find_spec(package) is None]


HF, KERAS = ("torch", "transformers"), ("jax", "keras", "keras_hub")
COMPILED = {"compiled": True}
ENTRIES = {
    "jax": Entry("ours in JAX", "ours_jax", ("jax",), ALL),
    "torch": Entry("ours in PyTorch", "ours_torch", ("torch",), ALL),
    "hf-torch": Entry("transformers", "hf", HF, ALL),
    "hf-torch-compiled": Entry("transformers, torch.compile", "hf", HF, ALL, COMPILED),
    "plain-torch": Entry("PyTorch in nanoGPT's manner, torch.compile", "plain", ("torch",), ("gpt",)),
    "torch-encoder": Entry("torch.nn.TransformerEncoder", "encoder", ("torch",), (*TRAINING, "inference")),
    "nnx": Entry("flax.nnx and optax", "nnx", ("jax", "flax", "optax"), ALL),
    "keras-hub": Entry("Keras Hub on JAX", "keras", KERAS, ("gpt", "generate")),
}
PEERS = [name for name in ENTRIES if name != OURS]


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the batch, in float64; of logits that were not trained on."""
    wide = logits.astype(np.float64)
    log_total = np.log(np.exp(wide - wide.max(axis=-1, keepdims=True)).sum(axis=-1)) + wide.max(axis=-1)
    return float((log_total - wide[np.arange(len(labels)), labels]).mean())
