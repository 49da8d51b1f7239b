"""Writing a recorded reference: the file is whole, or not there."""

import os
from contextlib import suppress

import numpy as np
from safetensors.numpy import save_file

from parity_tests.record.contract import KEY
from parity_tests.record.recorded import Recorded


def write_recorded(recorded: Recorded) -> None:
    """Write the file, beside its place first. Raises OSError where that fails, and leaves what was there."""
    path = recorded.path.resolve()
    partial = path.with_name(path.name + ".partial")
    try:
        partial.touch()
        mode = partial.stat().st_mode
        save_file(_stored(recorded), partial, metadata={KEY: recorded.contract.to_json()})
        partial.chmod(mode)  # it makes files that their owner alone reads
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what is said
            partial.unlink(missing_ok=True)
        raise


def _stored(recorded: Recorded) -> dict[str, np.ndarray]:
    """All arrays by their names in the file; row by row, as it takes bytes as they lie."""
    named = {f"{kind}/{name}": one for kind, found in recorded.arrays.items() for name, one in found.items()}
    named |= {f"read {n}/{name}": one for name, read in recorded.reads.items() for n, one in enumerate(read)}
    return {name: np.array(one, order="C") for name, one in named.items()}
