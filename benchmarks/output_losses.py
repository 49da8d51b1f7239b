"""The plain and the fused loss in both frameworks: memory of the loss, memory and time of a gradient."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

from benchmarks import load
from benchmarks.output_share import BATCH, LENGTH, gpt
from jax_impl import fused_loss as jax_fused
from jax_impl import losses as jax_losses
from jax_impl.gpt import GPT as JaxGPT
from torch_impl import fused_loss as torch_fused
from torch_impl import losses as torch_losses
from torch_impl import random
from torch_impl.gpt import GPT as TorchGPT
from torch_impl.initializers import initialise

WIDTH = 256
MIB = 2**20


LOSSES: dict[str, tuple[Callable[..., Any], ...]] = {
    "jax": (jnp.einsum, jax_losses.weighted_cross_entropy, jax_fused.chunked_cross_entropy),
    "torch": (torch.einsum, torch_losses.weighted_cross_entropy, torch_fused.chunked_cross_entropy),
}


def loss(framework: str, kind: str) -> Callable[..., Any]:
    """Of hidden, table, labels and weights: "plain", of all logits, or "fused", as GPT's objective has it."""
    einsum, plain, fused = LOSSES[framework]
    if kind == "fused":
        return lambda *given: fused(*given, jax_fused.chunk_length(len(given[1])))
    return lambda hidden, table, *rest: plain(einsum("bpe,ve->bpv", hidden, table), *rest)


def jax_memory(kind: str, tokens: int, vocab: int) -> float:
    """MiB that the compiled gradient by hidden and table takes beside its arguments and results."""
    shapes = ((1, tokens, WIDTH), np.float32), ((vocab, WIDTH), np.float32)
    given = [
        jax.ShapeDtypeStruct(*one) for one in (*shapes, ((1, tokens), np.int32), ((1, tokens), np.float32))
    ]
    program = jax.jit(jax.grad(loss("jax", kind), argnums=(0, 1))).lower(*given).compile()
    memory: Any = program.memory_analysis()
    return memory.temp_size_in_bytes / MIB


def torch_memory(kind: str, tokens: int, vocab: int) -> float:
    """MiB that the process grows by at its peak, less the gradients by hidden and table."""
    hidden = torch.randn(1, tokens, WIDTH, requires_grad=True)
    table = torch.randn(vocab, WIDTH, requires_grad=True)
    labels, weights = torch.randint(0, vocab, (1, tokens)), torch.ones(1, tokens)
    peak = grown(lambda: loss("torch", kind)(hidden, table, labels, weights).backward())
    return peak - (hidden.numel() + table.numel()) * 4 / MIB


def grown(run: Callable[[], None]) -> float:
    """MiB from the process's size now to its largest while this runs; Linux tells."""
    load.forget_peak()
    before = load.resident_memory()
    run()
    peak = load.peak_memory()
    assert before is not None and peak is not None
    return (peak - before) / MIB


def jax_step(kind: str, layers: int, vocab: int) -> tuple[Callable[[], None], dict[str, float]]:
    """A GPT's gradient, compiled, and MiB of its program."""
    model = JaxGPT(gpt(WIDTH, layers, vocab))
    ids = jax.random.randint(jax.random.key(1), (BATCH, LENGTH), 0, vocab)
    params = jax.jit(model.init)(jax.random.key(0), ids[:1, :1])["params"]
    weights = jnp.ones(ids.shape)

    def of(params: Any) -> Any:
        hidden = model.apply({"params": params}, ids, method="hidden")
        return loss("jax", kind)(hidden, model.apply({"params": params}, method="table"), ids, weights)

    program = jax.jit(jax.value_and_grad(of)).lower(params).compile()
    memory: Any = program.memory_analysis()
    return lambda: jax.block_until_ready(program(params)), {
        "temporary_mib": memory.temp_size_in_bytes / MIB,
        "weights_and_gradients_mib": (memory.argument_size_in_bytes + memory.output_size_in_bytes) / MIB,
    }


def torch_step(kind: str, layers: int, vocab: int) -> tuple[Callable[[], None], dict[str, float]]:
    """The same in PyTorch; MiB that the process grows by, gradients included."""
    model = TorchGPT(gpt(WIDTH, layers, vocab))  # type: ignore[arg-type]
    initialise(model, random.key(0))
    ids = torch.randint(0, vocab, (BATCH, LENGTH), dtype=torch.int32)
    weights = torch.ones(BATCH, LENGTH)

    def run() -> None:
        model.zero_grad()
        loss("torch", kind)(model.hidden(ids), model.table(), ids, weights).backward()

    model.zero_grad()
    return run, {"grown_mib": grown(run)}


def in_turns(runs: dict[str, Callable[[], None]], rounds: int) -> dict[str, dict[str, float]]:
    """Seconds of each, on the clock and of the processor: the least and the median over rounds."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            wall, processor = time.perf_counter(), time.process_time()
            run()
            seen[name].append((time.perf_counter() - wall, time.process_time() - processor))
    found = {}
    for name, rows in seen.items():
        (least, busy), (median, busy_median) = np.min(rows[1:], axis=0), np.median(rows[1:], axis=0)
        found[name] = {
            "wall": least,
            "processor": busy,
            "wall_median": median,
            "processor_median": busy_median,
        }
    return found
