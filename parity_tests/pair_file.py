"""A pair in a Python file, for pipelines: read, compared or recorded, and told to GitHub."""

import os
import runpy
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parity_tests.core.compare import first_divergence
from parity_tests.core.report import sentence
from parity_tests.map.find import FoundTable
from parity_tests.pair import Comparison, compare, record, table_of
from parity_tests.pair_named import PREFIX, is_checkpoint

NEEDED = ("reference", "candidate", "inputs")
KNOWN = (*NEEDED, "weights", "taps", "bound")
ON_FILE = ("reference", "candidate")  # what is needed where the reference is the path of a recorded one
RECORDED = ("reference", "inputs")


class PairError(ValueError):
    """A file that defines no pair, or a pair that cannot be compared; the message says why."""


def compare_file(path: Path, dtype: str) -> Comparison:
    """`compare` of what the file defines: reference, candidate and inputs, perhaps weights, taps and bound.

    The file is run, with its folder on the path, as a script is. The reference may be the path of a recorded
    one, beside the file; inputs and weights are in it then. Raises PairError where the file fails or defines
    too little, or `compare` refuses what it defines.
    """
    pair = _defined(path)
    reference, needed = pair.get("reference"), [*NEEDED]
    if isinstance(reference, str | Path) and not str(reference).startswith(PREFIX):
        pair["reference"] = path.parent / reference
        needed = needed if is_checkpoint(pair["reference"]) else [*ON_FILE]
    _check_names(path, pair, needed)
    with _told(f"{path}: "):
        return compare(**{name: pair[name] for name in KNOWN if name in pair}, dtype=dtype)


def record_file(path: Path, out: Path, dtype: str, digests: bool) -> None:
    """`record` of the reference and inputs that the file defines, with its weights and taps, if it has them.

    Raises PairError as `compare_file` does.
    """
    pair = _defined(path)
    _check_names(path, pair, RECORDED)
    given = {name: pair[name] for name in (*RECORDED, "weights", "taps") if name in pair}
    with _told(f"{path}: "):
        record(**given, path=out, dtype=dtype, digests=digests)


def map_files(reference: str, candidate: str | None, inputs: str | None) -> FoundTable:
    """The table between two models, each a file's object or, of the reference, the name of a checkpoint.

    "port.py" is what that file calls reference, candidate or inputs, "port.py:model" what it calls so.
    Without a candidate, and without inputs, these are in the file of the one before. Raises PairError as
    `compare_file` does.
    """
    files: dict[str, dict[str, Any]] = {}

    def named(text: str, name: str) -> Any:
        file, _, asked = text.partition(":")
        if Path(file).suffix != ".py":
            if name == "reference":
                return text
            raise PairError(f"{name} {text!r} is no file: give FILE.py, or FILE.py:NAME")
        if not Path(file).is_file():
            raise PairError(f"{name}: there is no file {file}")
        if file not in files:
            files[file] = _defined(Path(file))
        if (asked or name) not in files[file]:
            raise PairError(f"{file} defines no {asked or name}: give {file}:NAME for what it calls so")
        return files[file][asked or name]

    candidate = candidate or reference.partition(":")[0]
    inputs = inputs or candidate.partition(":")[0]
    sides = named(reference, "reference"), named(candidate, "candidate"), named(inputs, "inputs")
    with _told(""):
        return table_of(*sides)


def _check_names(path: Path, pair: Mapping[str, Any], needed: Sequence[str]) -> None:
    if missing := [name for name in needed if name not in pair]:
        raise PairError(f"{path} defines no {missing[0]}: it needs {', '.join(needed)}")


@contextmanager
def _told(where: str) -> Iterator[None]:
    """What is refused is told with the file's name, where there is one."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise PairError(f"{where}{error.args[0] if error.args else error}") from error


def tell_github(path: Path, comparison: Comparison) -> None:
    """An annotation at the file where the models diverge; and the report in the step's summary, if there is
    one (the environment's GITHUB_STEP_SUMMARY)."""
    diverging = first_divergence(comparison.checks)
    if diverging is not None:
        # What ends a command is written by its number there.
        causes = [f"Likely cause: {finding.text}." for finding in comparison.findings[:1]]
        words = " ".join([sentence(diverging), *causes]).replace("%", "%25").replace("\n", "%0A")
        print(f"::error file={path},title=parity::{words}")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        title = "parity" if comparison.passed else "no parity"
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"### {path.name}: {title}\n\n```text\n{comparison}\n```\n")


def _defined(path: Path) -> dict[str, Any]:
    """The names of the file, after it has run."""
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        return runpy.run_path(str(path), run_name="pair")
    except Exception as error:
        frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == str(path)]
        number = frames[-1].lineno if frames else getattr(error, "lineno", None)
        place = f"{path}, line {number}" if number else str(path)
        raise PairError(f"{place}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent.resolve()))
