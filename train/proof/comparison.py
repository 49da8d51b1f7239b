"""The twins compared once: shared out to processes, remembered where all passed, told.

Neither framework is imported before something has to be computed.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track

from parity_tests.core.compare import Check, DType, all_passed
from parity_tests.core.isolate import Isolation
from parity_tests.core.page import page
from parity_tests.core.report import print_checks, to_json
from parity_tests.twins.names import names_of
from train import sources
from train.proof import cache, frameworks
from train.runs.durable import write, write_json

if TYPE_CHECKING:
    from train.proof.compared import Compared

Question = tuple[str, DType, int]  # a twin's name, a precision, a seed
Map = Callable[[Callable[[Question], "Compared"], Sequence[Question]], Iterable["Compared"]]


def compare_twins(
    name: str,
    dtypes: Sequence[DType],
    seed: int,
    json_path: Path | None,
    html_path: Path | None,
    console: Console,
    again: bool = False,
    mapped: Map = map,
) -> int:
    """Hold the twins that were asked for together, and each against its third-party references.

    It writes what it finds and returns the exit status, 1 where anything diverges. What passed before is not
    computed ``again``, unless that is asked for. ``mapped`` is `map`, or one that has several processes.
    """
    names = names_of(name)
    about = {"twins": sorted(names), "dtypes": list(dtypes), "seed": seed}
    entry = cache.digest(about, [])
    remembered = None if again else cache.recall(entry, lambda held: {*names} <= {one.model for one in held})
    if remembered is None:
        questions = [(name, dtype, seed) for dtype in dtypes for name in names]
        answers = track(
            mapped(answer, questions), "comparing the twins", len(questions), console=console, transient=True
        )
        found = dict(zip(questions, answers, strict=True))
        checks, isolations = in_order(found)
        if all_passed(checks) and of_one_code(found.values()):
            cache.remember(cache.digest(about, []), checks)
    else:
        checks, isolations = remembered, []
    print_checks(checks, console, isolations)
    if remembered is not None:
        console.print("Held before, for the same code, libraries and machine; --again computes it again.")
    write(json_path, lambda path: write_json(path, to_json(checks, isolations)))
    write(html_path, lambda path: path.write_text(page(checks, isolations), encoding="utf-8"))
    return 0 if all_passed(checks) else 1


def answer(question: Question) -> "Compared":
    """Compare one twin, in whichever process."""
    frameworks.introduce(cache.folder())
    from train.proof.compared import compared

    return compared(*question)


def in_order(found: "dict[Question, Compared]") -> tuple[list[Check], list[Isolation]]:
    """All checks, of each precision the twins' before the third parties', and what diverges by itself."""
    checks: list[Check] = []
    for dtype in dict.fromkeys(dtype for _, dtype, _ in found):
        of_dtype = [one for (_, other, _), one in found.items() if other == dtype]
        others = {number: held for one in of_dtype for number, held in one.others.items()}
        for held in [*(one.checks for one in of_dtype), *(others[number] for number in sorted(others))]:
            checks += held
    return checks, [isolation for one in found.values() for isolation in one.isolations]


def of_one_code(found: "Iterable[Compared]") -> bool:
    """Whether all was computed by the sources that are remembered with it: none was saved in between."""
    code, used = sources.whole(), [one.code for one in found]
    return code is not None and all(one is not None and one.items() <= code.items() for one in used)
