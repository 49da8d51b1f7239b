"""What is measured, each workload with the operations that its mathematics asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from data import Batch
from data.batches.masking import MaskedBatch
from data.batches.text import TextBatch

Kind = Literal["gpt", "mlm", "classifier", "inference", "generate"]
NEW = 112  # tokens that are generated


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Sizes of a model and its batches: float32, AdamW, no dropout, no clipping."""

    name: str
    kind: Kind
    layers: int
    embed: int
    heads: int
    length: int
    """Positions of a row, the most where rows differ (a classifier's)."""
    batch: int
    vocab: int
    classes: int = 2

    @property
    def mlp(self) -> int:
        return 4 * self.embed

    @property
    def trains(self) -> bool:
        return self.kind in ("gpt", "mlm", "classifier")

    @property
    def unit(self) -> str:
        """What is timed."""
        return "generation" if self.kind == "generate" else "step" if self.trains else "batch"


A = {"layers": 4, "embed": 128, "heads": 4, "length": 64, "batch": 12, "vocab": 65}
B = {"layers": 4, "embed": 256, "heads": 4, "length": 128, "batch": 32, "vocab": 8192}
C = {"layers": 2, "embed": 256, "heads": 4, "length": 128, "batch": 16, "vocab": 50257}
TEXTS = {"layers": 2, "embed": 128, "heads": 4, "length": 64, "batch": 64, "vocab": 20000}

WORKLOADS = {
    one.name: one
    for one in (
        Workload(name="gpt_a", kind="gpt", **A),
        Workload(name="gpt_b", kind="gpt", **B),
        Workload(name="gpt_c", kind="gpt", **C),
        Workload(name="mlm_b", kind="mlm", **B),
        Workload(name="classifier_train", kind="classifier", **TEXTS),
        Workload(name="classifier_inference", kind="inference", **TEXTS),
        Workload(name="generate_1", kind="generate", **B | {"batch": 1}),
        Workload(name="generate_8", kind="generate", **B | {"batch": 8}),
        Workload(name="generate_vocab", kind="generate", **C | {"batch": 1}),
    )
}


def step_flops(workload: Workload, batches: Sequence[Batch]) -> float:
    """The mean over batches of a step's model FLOPs (Chowdhery et al. 2022, appendix B).

    Matmuls alone, two operations a product, each position with every real one of its row; backward is twice
    forward. What an implementation computes beside that (padding, logits that nobody asked for, a forward
    pass again) does not count.
    """
    if workload.kind == "generate":
        return float(generation_flops(workload))
    return float(np.mean([(3 if workload.trains else 1) * forward_flops(workload, one) for one in batches]))


def forward_flops(workload: Workload, batch: Batch) -> int:
    """Those of one forward pass."""
    embed, mask = workload.embed, getattr(batch, "mask", None)
    lengths = np.full(workload.batch, workload.length) if mask is None else mask.sum(axis=1)
    blocks = block_flops(workload, int(lengths.sum()), int((lengths**2).sum()))
    if isinstance(batch, TextBatch):
        return blocks + 2 * embed * workload.classes * len(lengths)
    if isinstance(batch, MaskedBatch):
        return blocks + 2 * embed * (embed + workload.vocab) * batch.labels.size
    return blocks + 2 * embed * workload.vocab * int(lengths.sum())


def generation_flops(workload: Workload) -> int:
    """Those of one generation: each position is read once, with those up to it; the last is not read."""
    read = workload.length - 1
    blocks = block_flops(workload, read, read * (read + 1) // 2)
    return workload.batch * (blocks + 2 * workload.embed * workload.vocab * NEW)


def block_flops(workload: Workload, tokens: int, pairs: int) -> int:
    """Those of all blocks forward, with so many pairs of a query and a key."""
    embed = workload.embed
    linear = 4 * embed * embed + 2 * embed * workload.mlp
    return workload.layers * (2 * linear * tokens + 4 * embed * pairs)
