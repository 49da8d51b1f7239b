"""The process that a learner's code runs in: it reads what to do, runs it, and writes what came of it.

``python -m study.grade.worker FOLDER`` finds request.json and inputs.npz in a folder, and leaves answer.json
and answer.npz there. How far it has come is in the file stage: where the process ends without an answer, that
says why.
"""

import importlib.util
import json
import os
import resource
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from study.grade import found as finding
from study.grade.calls import as_asked
from study.grade.errors import GradeError

MEMORY = 16 << 30  # bytes of address space at most, much of which the frameworks only reserve
SEPARATOR = "|"  # between an array's group and its name, and between a case and a kind


@dataclass(frozen=True)
class Request:
    """What is asked of a learner's file."""

    file: str
    name: str
    """Of the function or class."""
    framework: str
    sizes: dict[str, int]
    rate: float
    """Of dropout, for a class that asks for one."""
    draws: int
    """How often it is run in training."""


@dataclass
class Answer:
    """What a learner's code did, by case; or why there is none."""

    stage: str
    error: str = ""
    """What went wrong, in the learner's own code or in how it is written."""
    line: int | None = None
    """Where in the file."""
    code: str = ""
    """That line."""
    kinds: dict[str, str] | None = None
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Cases that it cannot be asked, as it takes no mask."""
    failed: dict[str, list[Any]] = field(default_factory=dict)
    """Cases in which it raised: what went wrong, where, and that line."""
    drops: bool = False
    """Whether it asked for a rate of dropout, and got one."""
    renamed: dict[str, str] = field(default_factory=dict)
    """The file's WEIGHTS: pieces of its names, and what they are to be called."""


def main(folder: Path) -> None:
    limit()
    request = Request(**json.loads((folder / "request.json").read_text("utf-8")))
    with np.load(folder / "inputs.npz", allow_pickle=False) as file:
        inputs = unpacked(dict(file))
    given = inputs.pop("weights", {})
    answer, arrays = attempt(request, inputs, given, folder / "stage")
    np.savez(folder / "answer.npz", **packed(arrays))
    # Last, in one step: an answer that is there is whole.
    partial = folder / "answer.partial"
    partial.write_text(json.dumps(asdict(answer)), "utf-8")
    partial.rename(folder / "answer.json")


def limit() -> None:
    """Limits of this process, which a runaway loop meets before the machine does."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for kind, most in ((resource.RLIMIT_AS, min(MEMORY, there)), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        with suppress(ValueError, OSError):  # not every system limits both
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def attempt(
    request: Request, inputs: dict[str, Any], given: dict[str, np.ndarray], stage: Path
) -> tuple[Answer, dict[str, Any]]:
    """`carry_out`, whatever the learner's code raises."""
    answer = Answer("running the file")
    try:
        return answer, carry_out(request, inputs, given, answer, stage)
    except BaseException as error:  # SystemExit too
        answer.error = words(error)
        answer.line, answer.code = place(error, request.file)
        return answer, {}


def carry_out(
    request: Request, inputs: dict[str, Any], given: dict[str, np.ndarray], answer: Answer, stage: Path
) -> dict[str, Any]:
    """Run all cases; arrays by group: weights, training, and each kind of a case.

    ``answer`` has what is known so far, ``stage`` in a file.
    """

    def begin(words: str) -> None:
        answer.stage = words
        stage.write_text(words, "utf-8")

    begin("running the file")
    # Before what lies beside the file can be taken for a module of ours.
    side = import_module(f"study.grade.{request.framework}_side")
    module = loaded(Path(request.file))
    answer.renamed = {str(name): str(role) for name, role in getattr(module, "WEIGHTS", {}).items()}
    begin(f"building {request.name}")
    target = finding.member(module, request.name)
    learner = side.opened(target, module, request.sizes, request.rate)
    answer.drops = learner.drops
    arrays: dict[str, Any] = {}
    weights: dict[str, np.ndarray] = {}
    ran: list[str] = []
    for case, wanted in inputs.items():
        begin(f"calling it {case}")
        arguments = as_asked(learner.function, wanted)
        if arguments is None:
            answer.missing.append(case)
            continue
        try:
            if not weights:
                weights = given or drawn(learner.shapes(arguments))
                answer.kinds = learner.kinds(arguments)
                arrays["weights"] = weights
            trace = learner.run(weights, arguments)
            arrays |= {f"{case}{SEPARATOR}{kind}": named for kind, named in trace.arrays.items()}
            ran.append(case)
        except Exception as error:
            answer.failed[case] = [words(error), *place(error, request.file)]
    if request.draws and learner.drops and ran:
        begin("calling it in training")
        arguments = as_asked(learner.function, inputs[ran[0]])
        arrays["training"] = {"draws": learner.draws(weights, arguments, request.draws)}
    answer.notes = sorted(learner.call.notes)
    return arrays


def loaded(path: Path) -> Any:
    """The file, run as a module; what lies beside it can be imported."""
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location("learner", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["learner"] = module
    spec.loader.exec_module(module)
    return module


def drawn(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Weights of which no two are alike, nor is any zero or one."""
    rng = np.random.default_rng(0)
    return {
        name: (0.3 if len(shape) > 1 else 0.5) * rng.standard_normal(shape) for name, shape in shapes.items()
    }


def words(error: BaseException) -> str:
    """An error in a line."""
    if isinstance(error, GradeError):
        return str(error)
    first = str(error).strip().split("\n")[0][:300]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def place(error: BaseException, file: str) -> tuple[int | None, str]:
    """The last line of the learner's file that an error passed through, and its text."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if Path(one.filename) == Path(file)]
    return (frames[-1].lineno, frames[-1].line or "") if frames else (None, "")


def packed(groups: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """Named arrays of several groups as one dictionary, for a file."""
    return {
        f"{group}{SEPARATOR}{name}": array for group, named in groups.items() for name, array in named.items()
    }


def unpacked(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """By group, as they were before `packed`."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        group, _, name = key.rpartition(SEPARATOR)
        groups.setdefault(group, {})[name] = array
    return groups


if __name__ == "__main__":
    main(Path(sys.argv[1]))
