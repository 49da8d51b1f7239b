"""Attention weights off the taps of a model in PyTorch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from train.runs.checkpoint import Arrays


def weights(model: Any, params: Arrays, inputs: Mapping[str, np.ndarray]) -> Arrays:
    """By tap, in the order of execution: each (batch heads query key). The model holds its weights."""
    found: Arrays = {}

    def tap(name: str, value: torch.Tensor, axes: str) -> torch.Tensor:
        if name.endswith("/weights"):
            found[name] = value.double().cpu().numpy()
        return value

    device = next(model.parameters()).device
    with torch.no_grad():
        model(**{name: torch.tensor(array, device=device) for name, array in inputs.items()}, tap=tap)
    return found
