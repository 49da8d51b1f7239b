"""All mutants, and what would make a row of them worthless."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from parity_tests.tests.mutants.models import MUTANTS as MODELS
from parity_tests.tests.mutants.mutant import Mutant
from parity_tests.tests.mutants.pipeline import MUTANTS as PIPELINE

ROOT = Path(__file__).parents[3]
MUTANTS = (*MODELS, *PIPELINE)


def mutated(mutant: Mutant, root: Path) -> dict[str, str]:
    """The text of each file that a mutant changes, by its path from ``root``.

    Raises ValueError where an edit does not fit: its old text must occur exactly once.
    """
    texts: dict[str, str] = {}
    for edit in mutant.edits:
        text = texts.get(edit.path) or (root / edit.path).read_text(encoding="utf-8")
        if (count := text.count(edit.old)) != 1 or edit.old == edit.new:
            raise ValueError(f"{edit.path} has {edit.old!r} {count} times: once, and another text for it")
        texts[edit.path] = text.replace(edit.old, edit.new)
    return texts


def problems(mutants: Sequence[Mutant], root: Path) -> Iterator[str]:
    """What keeps rows from saying anything: edits that do not fit or compile, tests that do not exist."""
    for name, count in Counter(mutant.name for mutant in mutants).items():
        if count > 1:
            yield f"{name!r}: {count} mutants of this name"
    for mutant in mutants:
        try:
            for path, text in mutated(mutant, root).items():
                compile(text, path, "exec")
        except (OSError, ValueError, SyntaxError) as error:
            yield f"{mutant.name!r}: {error}"
        for test in mutant.tests:
            file, _, function = test.partition("::")
            path = root / file
            if not path.is_file() or f"def {function.partition('[')[0]}" not in path.read_text(
                encoding="utf-8"
            ):
                yield f"{mutant.name!r}: there is no test {test}"
        if not (mutant.edits and mutant.tests):
            yield f"{mutant.name!r}: a mutant has edits, and tests that should see them"
