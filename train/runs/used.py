"""A folder that a run will be written into, and what is there already."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from train.config import FRAMEWORKS, Framework
from train.loops.memory import ran_out
from train.paths import check_folder
from train.runs import plan
from train.runs.checkpoint import NAME, CheckpointError, older, read_about
from train.runs.errors import GoOn
from train.runs.files import RunError
from train.runs.lock import LOCK, OWNER

EVENTS = "events.out.tfevents.*.twinformer"  # for TensorBoard
ASIDE = "filling.partial"  # what `filling` writes to
FILES_OF_A_FRAMEWORK = (
    *("metrics.jsonl", "speed.jsonl", "samples.jsonl"),
    *("checkpoint.safetensors", "checkpoint.json", "report.json"),
)
FILES = (
    *FILES_OF_A_FRAMEWORK,
    *("run.json", "config.json", "data.json", "model.json", "tokenizer.json", "tokenizer_config.json"),
    *("hugging_face.json", "generation_config.json", "parity.json", "curves.png"),
    *(f"evaluation-{framework}.json" for framework in FRAMEWORKS),
)


def refuse_used(folder: Path, overwrite: bool | None = None) -> None:
    """Raise RunError where something new would be written over something else, or nothing can be written.

    ``overwrite``: whether a run may be there, and nothing else; None where nobody was asked.
    """
    check_folder("out", folder)
    if not folder.exists() or not held(folder):
        return
    if not is_run(folder):
        raise RunError(f"{folder} is not empty, and no run: give another folder, or move that one away")
    if not overwrite:
        again = ", or begin again with --overwrite" if overwrite is False else ""
        state = f"a run that ended early: {how_to_go_on(folder)}" if unfinished(folder) else "a run"
        raise RunError(f"{folder} is not empty, it holds {state}; or give another folder{again}")


def held(folder: Path) -> list[str]:
    """The names in a folder, but for what owning and filling it leave where a machine dies."""
    names = [path.name for path in folder.iterdir()]
    return [name for name in names if name.removesuffix(".partial") not in (LOCK, OWNER) and name != ASIDE]


def is_run(folder: Path) -> bool:
    """Whether a folder is what a run, a trained or an imported one, began to write."""
    began = plan.is_planned(folder) or (folder / f"{plan.NAME}.partial").is_file()
    return began or all((folder / name).is_file() for name in ("model.json", "tokenizer.json"))


def steps_saved(folder: Path) -> dict[Framework, int]:
    """The steps that each framework's checkpoint has behind it, in a run."""
    found: dict[Framework, int] = {}
    for framework in FRAMEWORKS:
        path = folder / framework / NAME
        if path.is_file():
            try:
                found[framework] = int(read_about(path).get("step", 0))
            except CheckpointError:
                found[framework] = 0
    return found


def unfinished(folder: Path) -> bool:
    """Whether a run that trained here, or was to, has no report."""
    begun = plan.is_planned(folder) or bool(steps_saved(folder))
    return begun and not (folder / "report.json").is_file()


def how_to_go_on(folder: Path) -> str:
    """What is saved of a run that ended early, and the command that takes it up again."""
    saved = steps_saved(folder)
    if not saved:
        return "no checkpoint is there; begin again with the same command and --overwrite"
    steps = " and ".join(f"{folder / framework} holds {number} steps" for framework, number in saved.items())
    command = ["twinformer", "resume", str(folder)]
    if not plan.is_planned(folder):  # of version 0.1
        command += [f"{folder}-2", "--source", next(iter(saved))]
    return f"{steps}; go on with: {shlex.join(command)}"


@contextmanager
def surviving(folder: Path) -> Iterator[None]:
    """What the machine does to a run is told with what is saved of it, as a note of the error."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) or ran_out(error):
            with suppress(OSError):
                error.add_note(GoOn(how_to_go_on(folder)))
        raise


def warn_unfinished(folder: Path) -> None:
    """Say on the error stream that a run is unfinished, if it is."""
    if unfinished(folder) and (saved := steps_saved(folder)):
        steps = " and ".join(f"{number} in {framework}" for framework, number in saved.items())
        sys.stderr.write(f"twinformer: {folder} is unfinished (steps saved: {steps})\n")


def remove_run(folder: Path) -> None:
    """Remove what a run wrote, and nothing else that lies in its folder."""
    for framework in FRAMEWORKS:
        for path in (*older(folder / framework), *(folder / framework).glob(EVENTS)):
            path.unlink()
        _remove(folder / framework, FILES_OF_A_FRAMEWORK)
        if (folder / framework).is_dir() and not any((folder / framework).iterdir()):
            (folder / framework).rmdir()
    _remove(folder, FILES)


def _remove(folder: Path, names: tuple[str, ...]) -> None:
    """The files of these names, and what was being written under them."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
        (folder / f"{name}.partial").unlink(missing_ok=True)
