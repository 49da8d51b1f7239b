"""A folder that a run will be written into, and what is there already."""

import shlex
from pathlib import Path

from train.config import FRAMEWORKS, Framework
from train.paths import check_folder
from train.runs.files import RunError, read_json

FILES_OF_A_FRAMEWORK = (
    "metrics.jsonl",
    "checkpoint.safetensors",
    "checkpoint.safetensors.partial",
    "checkpoint.json",
    "report.json",
)
FILES = (
    *FILES_OF_A_FRAMEWORK,
    *(
        "config.json",
        "model.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "hugging_face.json",
        "parity.json",
        "curves.png",
    ),
    *(f"evaluation-{framework}.json" for framework in FRAMEWORKS),
)


def refuse_used(folder: Path, overwrite: bool | None = None) -> None:
    """Raise RunError where something new would be written over something else, or nothing can be written.

    ``overwrite``: whether a run may be there, and nothing else; None where nobody was asked.
    """
    check_folder("out", folder)
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not is_run(folder):
        raise RunError(f"{folder} is not empty, and no run: give another folder, or move that one away")
    if not overwrite:
        again = ", or begin again with --overwrite" if overwrite is False else ""
        state = f"a run that ended early: {how_to_go_on(folder)}" if unfinished(folder) else "a run"
        raise RunError(f"{folder} is not empty, it holds {state}; or give another folder{again}")


def is_run(folder: Path) -> bool:
    """Whether a folder is what a run, a trained or an imported one, began to write."""
    return all((folder / name).is_file() for name in ("model.json", "tokenizer.json"))


def unfinished(folder: Path) -> dict[Framework, int]:
    """The frameworks that have a checkpoint in a run and no report, each with the steps that it took."""
    return {
        framework: int(read_json(folder / framework / "checkpoint.json", f"{folder} is damaged")["step"])
        for framework in FRAMEWORKS
        if (folder / framework / "checkpoint.json").is_file()
        and not (folder / framework / "report.json").is_file()
    }


def how_to_go_on(folder: Path) -> str:
    """What is saved of a run that ended early, and the command that takes it up again."""
    for framework, steps in unfinished(folder).items():
        others = [f"{folder}-{number}" for number in range(2, 100)]
        free = next((other for other in others if not Path(other).exists()), others[-1])
        command = ["twinformer", "resume", str(folder), free, "--source", framework]
        return f"{folder / framework} holds {steps} steps; go on with: {shlex.join(command)}"
    return "no checkpoint was saved; begin again with the same command and --overwrite"


def remove_run(folder: Path) -> None:
    """Remove what a run wrote, and nothing else that lies in its folder."""
    for framework in FRAMEWORKS:
        for name in FILES_OF_A_FRAMEWORK:
            (folder / framework / name).unlink(missing_ok=True)
        if (folder / framework).is_dir() and not any((folder / framework).iterdir()):
            (folder / framework).rmdir()
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
