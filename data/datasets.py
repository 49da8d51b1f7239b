"""The data sets by name."""

import difflib
import os
from collections.abc import Callable
from pathlib import Path

from data import embedded, polarity
from data.errors import DataError
from data.labelled import LabelledText

# Each loader takes the folder that holds the data sets, or None to download.
DATASETS: dict[str, Callable[[Path | None], LabelledText]] = {
    "embedded": lambda data_dir: embedded.load(),
    "polarity": polarity.load,
}


def load(name: str, data_dir: Path | None = None) -> LabelledText:
    """Return the data set `name`, one of `DATASETS`.

    Args:
        name: the data set.
        data_dir: the folder that holds the data sets. Without it the environment variable
            TWINFORMER_DATA is used, and without that the data set is downloaded.

    Raises:
        DataError: there is no such data set, or it could not be read.
    """
    if name not in DATASETS:
        close = difflib.get_close_matches(name, DATASETS, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise DataError(f"unknown data set {name!r}{hint}; choose one of: {', '.join(DATASETS)}.")
    if data_dir is None and os.environ.get("TWINFORMER_DATA"):
        data_dir = Path(os.environ["TWINFORMER_DATA"])
    return DATASETS[name](data_dir)
