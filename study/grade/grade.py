"""Grading a learner's file: what it is, running it, and judging what came back."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from study.grade import exact, found, process, training
from study.grade.errors import GradeError
from study.grade.judge import judge
from study.grade.parts import BY_NAME, TABLE, Part
from study.grade.process import Ran
from study.grade.result import Grade
from study.grade.worker import Request


def subject(path: Path, part: str | None, framework: str | None, name: str | None) -> tuple[Part, str, str]:
    """Which part a file is, in which framework, and what it is called there. Raises GradeError where that is
    open.
    """
    source = found.read(path)
    imported = found.frameworks(source)
    if framework is None:
        if len(imported) != 1:
            has = " and ".join(imported) or "neither JAX nor PyTorch"
            raise GradeError(f"{path} imports {has}: choose with --framework jax or --framework torch")
        framework = imported[0]
    if part is None:
        names = [name] if name else list(found.defined(source))
        likely = list(dict.fromkeys(one for each in names for one in _called(each)))
        if len(likely) != 1:
            raise GradeError(
                f"{path} could be {' or '.join(one.name for one in likely) or 'any part'}: choose one with "
                f"--part, of {', '.join(BY_NAME)}"
            )
        part = likely[0].name
    chosen = BY_NAME[part]
    return chosen, framework, found.choose(source, chosen.aliases, part, name)


def _called(name: str) -> list[Part]:
    """The part that a name means, if it means one: the one in whose aliases it stands first."""
    word = found.plain(name)
    return sorted((one for one in TABLE if word in one.aliases), key=lambda one: one.aliases.index(word))[:1]


def grade(
    path: Path,
    part: str | None = None,
    framework: str | None = None,
    name: str | None = None,
    watch: Callable[[str], None] = lambda words: None,
    seconds: float = process.SECONDS,
) -> Grade:
    """Grade a learner's file. Raises GradeError where it is open what is to be graded, or the file cannot be
    read.
    """
    chosen, framework, name = subject(path, part, framework, name)
    result = Grade(path, chosen, framework, name)
    asked = chosen.asked
    more = exact.cases(chosen, asked)
    watch(f"running {path.name}")
    ran = process.run(request(path, name, framework, chosen), {**asked, **more}, seconds=seconds)
    if _runs(result, ran, asked):
        judge(result, ran, asked, watch)
    return result


def request(path: Path, name: str, framework: str, part: Part) -> Request:
    """What is asked of a learner's file."""
    draws = training.draws_of(part.name)
    return Request(str(path.resolve()), name, framework, part.sizes, training.RATE, draws)


def _runs(result: Grade, ran: Ran, asked: Mapping[str, Any]) -> bool:
    """Whether there are outputs to look at; what went wrong otherwise is found."""
    answer = ran.answer
    if answer.error:
        result.find(answer.stage, False, _where(answer.error, answer.line, answer.code))
        if last := ran.printed.strip().splitlines()[-1:]:
            result.tell(f"the last that it printed is {last[0][:100]!r}")
        return False
    failed: dict[str, list[str]] = {}
    for case, (what, line, code) in answer.failed.items():
        if case in asked:
            failed.setdefault(_where(what, line, code), []).append(case)
    for what, cases in failed.items():
        result.find("runs", False, f"{what}, {'; '.join(cases) if len(cases) < len(asked) else 'always'}")
    if missing := [case for case in answer.missing if case in asked]:
        result.find(
            "takes a mask", False, f"it has no argument mask, so it was not asked {' or '.join(missing)}"
        )
    for case, trace in list(ran.traces.items()):
        shape = trace.arrays["forward"]["output"].shape
        if shape != result.part.shape:
            axes = ", ".join(result.part.output.split())
            if case in asked:
                result.find("shape", False, f"{shape} {case}, where ({axes}) is {result.part.shape}")
                del ran.traces[case]
    return any(case in asked for case in ran.traces)


def _where(what: str, line: int | None, code: str) -> str:
    return f"{what} (line {line}: {code})" if line else what
