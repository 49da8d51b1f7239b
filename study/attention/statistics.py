"""What a head does, in four numbers; and whether it copies what came before."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from study.attention.heads import Heads, of_ids
from train.runs.load import Run

REPEATED = 24  # random tokens, twice


@dataclass(frozen=True)
class Head:
    """Means over the queries of a text; where it looks at itself, from the second on."""

    kind: str
    """Of an encoder-decoder, which attention."""
    layer: int
    head: int
    entropy: float
    """In nats: 0 looks at one token, log(n) at n tokens alike."""
    previous: float | None
    """The share on the token before; None where one sequence looks at another."""
    first: float
    """The share on the first token."""
    same: float | None
    """The share on the token itself; None likewise."""
    induction: float | None = None
    """On a random sequence that comes twice: the share on what followed the token's first appearance (Olsson
    et al. 2022). None where a model sees what comes, or is too short."""


def statistics(found: Heads, induction: Float[np.ndarray, "layers heads"] | None = None) -> list[Head]:
    """Each head's numbers."""
    layers, count = found.shape
    return [
        Head(
            found.kind,
            layer,
            head,
            *measured(found.weights[layer, head], found.itself),
            None if induction is None else float(induction[layer, head]),
        )
        for layer in range(layers)
        for head in range(count)
    ]


def measured(
    weights: Float[np.ndarray, "query key"], itself: bool = True
) -> tuple[float, float | None, float, float | None]:
    """Entropy, and the shares on the previous, the first and the same token."""
    if not itself:
        return entropy(weights), None, float(weights[:, 0].mean()), None
    rows = weights[1:]  # the first has no previous token, and a causal one sees itself alone
    if not len(rows):
        return 0.0, 0.0, 1.0, 1.0
    queries = np.arange(1, len(weights))
    return (
        entropy(rows),
        float(weights[queries, queries - 1].mean()),
        float(weights[queries, 0].mean()),
        float(weights[queries, queries].mean()),
    )


def entropy(rows: Float[np.ndarray, "query key"]) -> float:
    """The mean over the queries, in nats."""
    positive = np.where(rows > 0.0, rows, 1.0)
    return float(-(rows * np.log(positive)).sum(axis=1).mean())


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
