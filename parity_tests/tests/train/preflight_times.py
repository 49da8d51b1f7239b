"""How long the preflight of each recipe takes, nothing remembered, each in a process of its own.

``python -m parity_tests.tests.train.preflight_times`` for all whose data is there, or with some recipes'
names.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from data import DataError
from train.recipes import find, recipes


def seconds(recipe: str) -> float:
    """Of one preflight. Raises DataError where its data is not there, ParityError where it does not hold."""
    from train.proof import cache
    from train.proof.preflight import preflight
    from train.tasks.task import prepare

    task = prepare(find(recipe).config, None, framework="jax")
    with (
        tempfile.TemporaryDirectory() as empty,
        patch.object(cache, "folder", lambda: Path(empty)),
    ):
        begun = time.perf_counter()
        preflight(task, Path(empty) / "parity.json")
        return time.perf_counter() - begun


def main() -> None:
    match sys.argv[1:]:
        case ["--one", name]:
            try:
                print(f"{name:28}{seconds(name):6.1f} s")
            except DataError as error:
                print(f"{name:28}  {str(error).splitlines()[0]}")
        case names:
            # A recipe that begins with another run has no weights to begin with here.
            for name in names or [name for name, recipe in recipes().items() if not recipe.begins]:
                subprocess.run([sys.executable, "-m", __spec__.name, "--one", name], check=True)


if __name__ == "__main__":
    main()
