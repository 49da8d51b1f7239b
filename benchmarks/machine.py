"""What the machine itself can do: `python -m benchmarks.machine`, a process like a contestant's."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import torch

from benchmarks.serve import serve

SIZE = 2048  # of a square matmul
WORDS = 2**26  # float32 that are copied: far more than caches hold


class Machine:
    """Measures anew each time it is asked."""

    def __init__(self) -> None:
        place = "cuda" if torch.cuda.is_available() else "cpu"
        self.tensor = torch.ones(SIZE, SIZE, device=place)
        self.array = jnp.ones((SIZE, SIZE))
        self.product = jax.jit(jnp.matmul)
        self.source = torch.ones(WORDS, device=place)
        self.target = torch.empty_like(self.source)

    def device(self) -> dict[str, Any]:
        """The accelerator; None: there is none."""
        first = jax.devices()[0]
        return {"name": None if first.platform == "cpu" else first.device_kind}

    def rates(self) -> dict[str, Any]:
        """float32 operations a second by framework, and bytes read and written a second by copying."""
        operations, moved = 2 * SIZE**3, 2 * 4 * WORDS
        return {
            "matmul": {
                "jax": operations / best(lambda: self.product(self.array, self.array).block_until_ready()),
                "torch": operations / best(lambda: self.waited(self.tensor @ self.tensor)),
            },
            "copy": moved / best(lambda: self.waited(self.target.copy_(self.source))),
        }

    def waited(self, result: torch.Tensor) -> torch.Tensor:
        if result.is_cuda:
            torch.cuda.synchronize()
        return result


def best(work: Callable[[], Any], times: int = 2) -> float:
    """The fewest seconds of some runs, after one that warms up."""
    work()
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        found.append(time.perf_counter() - begin)
    return min(found)


if __name__ == "__main__":
    serve(Machine)
