"""A new folder that gets all of its files, or none."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from train.runs.durable import naming, sync_folder
from train.runs.lock import owned
from train.runs.used import ASIDE, refuse_used


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """A place to write a new or empty folder's files to; at the end of the block they move into it.

    The folder has one owner meanwhile. Where anything fails nothing is left; a machine that dies leaves the
    place, which counts for nothing and which the next one clears.

    Raises RunError where the folder is used, or another process fills it.
    """
    refuse_used(folder)
    with owned(folder):
        refuse_used(folder)
        aside = folder / ASIDE
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        names: list[str] = []
        try:
            with naming(folder):
                yield aside
                names = sorted(path.name for path in aside.iterdir())
                for name in names:
                    with (aside / name).open("rb") as file:
                        os.fsync(file.fileno())
                for name in names:
                    (aside / name).replace(folder / name)
                sync_folder(folder)
        except BaseException:
            for name in names:
                with suppress(OSError):  # what went wrong first is what is said
                    (folder / name).unlink(missing_ok=True)
            raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)
