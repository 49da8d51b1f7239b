"""Paths that will be written, checked before the work that fills them."""

import difflib
import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from train.config import OWN, SETS, Config, ConfigError


def check_file(name: str, path: Path | None, suffixes: Collection[str] = ()) -> None:
    """Raise ConfigError, naming the setting, unless a file can be written there; None is no file."""
    if path is None:
        return
    if path.is_dir():
        raise ConfigError(f"{name}={path}: is a folder; give a file")
    if suffixes and path.suffix.lower() not in suffixes:
        raise ConfigError(f"{name}={path}: give a name that ends with {' or '.join(sorted(suffixes))}")
    if path.exists() and not os.access(path, os.W_OK):
        raise ConfigError(f"{name}={path}: is write-protected; give another file")
    _check_above(name, path, path.parent)


def check_folder(name: str, path: Path) -> None:
    """Raise ConfigError, naming the setting, unless a folder is there, or can be made."""
    _check_above(name, path, path)


def check_data_dir(path: Path | None) -> None:
    """Raise ConfigError where the folder of the data sets was named and is none."""
    if path is not None and not path.is_dir():
        raise ConfigError(f"data_dir={path}: no such folder; give the one that holds the data")


def find_data(config: Config, data_dir: Path | None) -> Config:
    """The configuration with the place where one's own data lies, if it is such and not loaded by name.

    Raises ConfigError where no data is named, and `data.DataError` where there is none at that path.
    """
    if not config.own:
        return config
    if config.data == OWN:
        raise ConfigError(f"data={OWN!r}: name the file or the folder of your texts with --data")
    from data.readers.hugging_face import is_named
    from data.sets.own import place_of  # loads what reads texts

    if is_named(config.data):
        return replace(config, data=place_of(config.data, data_dir).as_posix())
    close = difflib.get_close_matches(config.data, SETS, n=1)
    if close and not Path(config.data).exists() and data_dir is None:
        raise ConfigError(f"data={config.data!r}: no file or folder; did you mean {close[0]}?")
    return replace(config, data=os.path.abspath(place_of(config.data, data_dir)))


def _check_above(name: str, path: Path, folder: Path) -> None:
    above = next((one for one in (folder, *folder.parents) if one.exists() or one.is_symlink()), Path())
    if not above.is_dir():
        raise ConfigError(f"{name}={path}: {above} is no folder; give another place")
    if not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(f"{name}={path}: nothing can be written in {above}; give another place")
