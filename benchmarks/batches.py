"""Batches of random tokens, the same for every contestant."""

import numpy as np

from benchmarks.workloads import NEW, Workload
from data import Batch
from data.batches.masking import MaskedBatch, masked_positions
from data.batches.next_token import NextTokenBatches
from data.batches.text import TrainBatches
from data.batches.windows import Windows

COUNT = 4  # batches, which take turns
SHORTEST = 16


def batches_of(workload: Workload, seed: int) -> list[Batch]:
    """Those of a workload; a prompt is the beginning of a row of the first.

    A classifier's rows are padded to the longest text; every other's are full.
    """
    drawn = np.random.default_rng(seed)
    rows, shape = COUNT * workload.batch, (workload.batch, workload.length)
    if workload.kind in ("classifier", "inference"):
        lengths = drawn.integers(min(SHORTEST, workload.length), workload.length + 1, rows)
        examples = [drawn.integers(1, workload.vocab, length).astype(np.int32) for length in lengths]
        labels = drawn.integers(0, workload.classes, rows).astype(np.int32)
        texts = TrainBatches(examples, labels, workload.batch, seed, (workload.length,))
        return [texts.stream(number) for number in range(COUNT)]
    if workload.kind == "mlm":
        count = masked_positions(workload.length)
        return [_masked(drawn, workload.vocab, shape, count) for _ in range(COUNT)]
    tokens = drawn.integers(0, workload.vocab, rows * workload.length + 1).astype(np.int32)
    windows = NextTokenBatches(Windows(tokens, workload.length, 0, 0), workload.batch, seed)
    return [windows.stream(number) for number in range(COUNT)]


def unlike(workload: Workload) -> int:
    """How many of the batches may differ in what they take: a classifier's, whose texts differ in length."""
    return COUNT if workload.kind in ("classifier", "inference") else 1


def _masked(drawn: np.random.Generator, vocab: int, shape: tuple[int, int], count: int) -> MaskedBatch:
    """15 % of each row are asked for; what stands there is drawn anew, which costs what [MASK] does."""
    ids = drawn.integers(0, vocab, shape).astype(np.int32)
    chosen = np.sort(
        drawn.permuted(np.tile(np.arange(shape[1], dtype=np.int32), (shape[0], 1)), axis=1)[:, :count]
    )
    labels = np.take_along_axis(ids, chosen, axis=1)
    np.put_along_axis(ids, chosen, drawn.integers(0, vocab, chosen.shape).astype(np.int32), axis=1)
    return MaskedBatch(ids, chosen, labels, np.ones(chosen.shape, np.float32))


def prompts_of(workload: Workload, batches: list[Batch]) -> np.ndarray:
    """What generation goes on from, "batch position"."""
    return np.ascontiguousarray(batches[0][0][:, : workload.length - NEW])
