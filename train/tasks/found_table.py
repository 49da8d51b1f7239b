"""What was seen of one's own data, as tables before the training."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from data.sets.found import Found
from data.sets.rows import NAMES

SHOWN = 12  # classes


def print_found(found: Found, console: Console) -> None:
    """How the data was read, the texts of each class and split, and the rows with something the matter."""
    console.print(f"{found.path}: {found.read}", highlight=False)
    table = Table()
    table.add_column("class" if "texts" not in found.counts else "")
    for split in NAMES:
        table.add_column(split, justify="right")
    for name, counts in list(found.counts.items())[:SHOWN]:
        table.add_row(Text(name), *(f"{counts[split]:,}" for split in NAMES))
    rest = list(found.counts.values())[SHOWN:]
    if rest:
        totals = (sum(counts[split] for counts in rest) for split in NAMES)
        table.add_row(f"{len(rest)} more", *(f"{total:,}" for total in totals))
    console.print(table)
    if not found.findings:
        return
    table = Table()
    for heading in ("rows", "what", "first", "what became of them"):
        table.add_column(heading, justify="right" if heading == "rows" else "left")
    for one in found.findings:
        table.add_row(f"{one.rows:,}", *map(Text, (one.what, one.first, one.done)))
    console.print(table)
