"""A grade in words."""

from itertools import islice

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.grade.mistakes import Mistake
from study.grade.result import Grade

SHOWN = 3  # sets of mistakes that give the same numbers


def print_grade(grade: Grade, console: Console) -> None:
    """What was looked at, a line each; then what is wrong and where to look; then what else there is to
    tell.
    """
    console.print(
        Text(f"{grade.name} in {grade.file.name}: {grade.part.name}, {grade.framework}", style="bold")
    )
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in grade.findings:
        table.add_row(
            Text("right" if one.passed else "wrong", "green" if one.passed else "red"), one.name, one.said
        )
    console.print(table)
    # Of several that give the same numbers and are mended alike, the first is told.
    told = {tuple(one.look for one in mistakes): mistakes for mistakes in reversed(grade.mistakes)}
    for number, mistakes in enumerate(islice(reversed(told.values()), SHOWN)):
        console.print(Text("or " if number else "", "bold") + said(mistakes))
    for words in grade.told:
        console.print(Text(words))
    console.print(Text("All that was looked at is right.", "bold green") if grade.passed else Text(""))


def said(mistakes: tuple[Mistake, ...]) -> Text:
    """One set of mistakes: what each is, and where to look."""
    text = Text()
    for number, one in enumerate(mistakes):
        words = f"{one.said[0].upper()}{one.said[1:]}" if not number else f" And {one.said}"
        text.append(f"{words}.", "bold").append(f" Look: {one.look}.")
    return text


def as_text(grade: Grade) -> str:
    """What `print_grade` prints, without colours."""
    console = Console(width=100, no_color=True, force_terminal=False, markup=False, emoji=False)
    with console.capture() as captured:
        print_grade(grade, console)
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())
