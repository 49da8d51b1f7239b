"""Buckets: the few widths that batches may have, so that short examples are padded little.

Each width is a shape that JAX compiles for, so there are few of them.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np

from data.errors import DataError

MULTIPLE = 8  # accelerators are at ease with widths that are multiples of this


def choose_buckets(lengths: Sequence[int], count: int, positions: int) -> tuple[int, ...]:
    """Return the widths, ascending, that examples of these lengths need least padding for.

    Widths are multiples of 8 (or `positions`, which no width exceeds). The last holds the longest
    example: give the lengths of every example that will be batched.

    Args:
        lengths: how many tokens each example has.
        count: the largest number of buckets; each costs a compilation in JAX.
        positions: the largest number of tokens that the model takes.

    Raises:
        DataError: no lengths, an example longer than `positions`, or `count` below 1.
    """
    if not len(lengths) or count < 1:
        raise DataError(f"{count} buckets for {len(lengths)} examples: both must be at least 1.")
    longest = max(lengths)
    if longest > positions:
        raise DataError(
            f"an example has {longest} tokens, but the model takes {positions}; "
            "truncate the examples or raise positions."
        )
    rounded = np.minimum(-(-np.asarray(lengths) // MULTIPLE) * MULTIPLE, positions)
    widths, counts = np.unique(rounded, return_counts=True)
    held = [0, *np.cumsum(counts).tolist()]  # held[i]: examples within the i smallest widths

    @cache
    def best(last: int, buckets: int) -> tuple[int, tuple[int, ...]]:
        """Fewest padded tokens, and their cut, for the examples within widths[last]."""
        width = int(widths[last])
        cuts: list[tuple[int, tuple[int, ...]]] = [(held[last + 1] * width, (width,))]
        if buckets > 1:
            for before in range(last):
                tokens, cut = best(before, buckets - 1)
                cuts.append((tokens + (held[last + 1] - held[before + 1]) * width, (*cut, width)))
        return min(cuts)

    return best(len(widths) - 1, count)[1]
