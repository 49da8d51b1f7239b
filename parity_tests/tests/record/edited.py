"""A recorded reference with something in it changed, as a stranger would have written it."""

import json
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from parity_tests.record.contract import KEY


def edited(source: Path, path: Path, about=lambda header: None, arrays=lambda arrays: None) -> Path:
    """Written to ``path``; the two functions change the header's JSON and the arrays in place."""
    with safe_open(source, "numpy") as file:
        header = json.loads(file.metadata()[KEY])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    about(header)
    arrays(tensors)
    tensors = {name: np.array(array, order="C") for name, array in tensors.items()}
    save_file(tensors, path, metadata={KEY: json.dumps(header)})
    return path
