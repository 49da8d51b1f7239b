"""What a head does, in four numbers; and whether it copies what came before."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from study.attention.heads import Heads, of_ids
from train.runs.load import Run

REPEATED = 24  # random tokens, twice


@dataclass(frozen=True)
class Head:
    """Means over the queries of a text; those that see one token alone are left out."""

    layer: int
    head: int
    entropy: float
    """In nats: 0 looks at one token, log(n) at n tokens alike."""
    previous: float
    """The share on the token before."""
    first: float
    """The share on the first token."""
    same: float
    """The share on the token itself."""
    induction: float | None = None
    """On a random sequence that comes twice: the share on what followed the token's first appearance (Olsson
    et al. 2022). None where a model sees what comes, or is too short."""


def statistics(found: Heads, induction: Float[np.ndarray, "layers heads"] | None = None) -> list[Head]:
    """Each head's numbers."""
    layers, count = found.shape
    return [
        Head(
            layer,
            head,
            *measured(found.weights[layer, head]),
            None if induction is None else float(induction[layer, head]),
        )
        for layer in range(layers)
        for head in range(count)
    ]


def measured(weights: Float[np.ndarray, "query key"]) -> tuple[float, float, float, float]:
    """Entropy, and the shares on the previous, the first and the same token."""
    rows = weights[1:]  # the first has no previous token, and a causal one sees itself alone
    if not len(rows):
        return 0.0, 0.0, 1.0, 1.0
    positive = np.where(rows > 0.0, rows, 1.0)
    queries = np.arange(1, len(weights))
    return (
        float(-(rows * np.log(positive)).sum(axis=1).mean()),
        float(weights[queries, queries - 1].mean()),
        float(weights[queries, 0].mean()),
        float(weights[queries, queries].mean()),
    )


def induction(run: Run, seed: int = 0) -> Float[np.ndarray, "layers heads"] | None:
    """Each head's share on the token after the same token's first appearance; None where there is none."""
    config = run.architecture.config
    length = min(REPEATED, config.max_positions // 2)
    if not run.architecture.name.startswith("gpt") or length < 4:
        return None
    once = np.random.default_rng(seed).choice(config.vocab, length, replace=False).astype(np.int32)
    found = of_ids(run, np.concatenate([once, once]), (), "")
    queries = np.arange(length, 2 * length - 1)
    return found.weights[:, :, queries, queries - length + 1].mean(axis=-1)
