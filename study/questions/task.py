"""What the models of a question read: rows of tokens, and the token that is asked for at each place."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

IGNORED = -1  # the label where nothing is asked


class Rows(NamedTuple):
    """A batch."""

    ids: Int32[np.ndarray, "batch position"]
    labels: Int32[np.ndarray, "batch position"]
    """The token that is asked for, or `IGNORED`."""


Draw = Callable[[int], Rows]
"""The batch of a step, counted from 0: always the same one."""
