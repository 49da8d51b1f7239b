"""Whether contestants do the same work: what speaks against it is said in the record and the table."""

import math
from collections.abc import Mapping
from typing import Any

from benchmarks.contestants import OURS
from benchmarks.workloads import Workload

NEAR = 0.3  # nats around the loss of a model that knows nothing
ALIKE = 0.03  # of our parameters


def doubts(workload: Workload, contestants: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for each first loss, shape or number of parameters that is not as it should be."""
    found = []
    expected = math.log(workload.classes if workload.kind in ("classifier", "inference") else workload.vocab)
    shape = [workload.batch, workload.length]
    for name, facts in contestants.items():
        loss = facts.get("first_loss")
        if loss is not None and not abs(loss - expected) <= NEAR:
            found.append(f"{name}: its first loss is {loss:.4g}, and not near {expected:.4g}")
        if facts.get("shape", shape) != shape:
            found.append(f"{name}: it generated tokens of shape {facts['shape']}, and not {shape}")
        if OURS in contestants:
            share = facts["parameters"] / contestants[OURS]["parameters"]
            if not abs(share - 1) <= ALIKE:
                found.append(f"{name}: it has {share:.3g} times our parameters")
    return found
