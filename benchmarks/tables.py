"""Records as tables: lines of Markdown for the page, and rows for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.contestants import ENTRIES
from benchmarks.figures import Row, rows, spread
from benchmarks.workloads import Workload

HEADER = ("", "ms: median (range)", "times ours", "of the matmul rate", "compile, s", "memory, MB", "others")


def sizes(workload: Workload) -> str:
    """A workload in words."""
    prompt = f", {workload.unit}" if workload.kind == "generate" else ""
    return (
        f"{workload.layers} layers, width {workload.embed}, {workload.heads} heads, "
        f"length {workload.length}, batch {workload.batch}, vocabulary {workload.vocab:,}{prompt}"
    )


def cells(row: Row) -> tuple[str, ...]:
    """A contestant's row, under `HEADER`."""
    ms = [1e3 * value for value in (row.seconds.median, row.seconds.least, row.seconds.greatest)]
    middle, least, greatest = (f"{float(f'{value:.3g}'):g}" for value in ms)
    return (
        ENTRIES[row.name].title,
        f"{middle} ({least} to {greatest})",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        f"{100 * row.share:.0f} %",
        f"{row.compile_seconds:.1f}",
        "" if row.memory_bytes is None else f"{row.memory_bytes / 1e6:.0f}",
        "" if row.others is None else f"{100 * row.others:.0f} %",
    )


def notes(record: Mapping[str, Any]) -> list[str]:
    """The machine's rates, who is not there and why, and what speaks against a comparison."""
    matmul = spread([max(rates["matmul"].values()) / 1e9 for rates in record["rates"]])
    copy = spread([rates["copy"] / 1e9 for rates in record["rates"]])
    said = [
        f"A {'generation' if record['workload']['kind'] == 'generate' else 'step'} is "
        f"{record['flops'] / 1e9:.3g} GFLOP; in the same rounds the machine did {matmul.median:.3g} GFLOP/s "
        f"({matmul.least:.3g} to {matmul.greatest:.3g}) in a matmul and copied {copy.median:.3g} GB/s "
        f"({copy.least:.3g} to {copy.greatest:.3g})."
    ]
    said += [f"Left out: {ENTRIES[name].title} ({why})." for name, why in record["left_out"].items()]
    return said + [f"Not alike: {doubt}." for doubt in record["doubts"]]


def markdown(records: Sequence[Mapping[str, Any]]) -> str:
    """A section a record."""
    sections = []
    for record in records:
        workload = Workload(**record["workload"])
        lines = [
            f"### {workload.name}",
            "",
            f"{sizes(workload)}. {record['machine']}, {record['date']}; {len(record['rates'])} rounds.",
            "",
            _line(HEADER),
            _line(["---"] + ["---:"] * (len(HEADER) - 1)),
            *(_line(cells(row)) for row in rows(record)),
            "",
            *notes(record),
        ]
        sections.append("\n".join(lines))
    return "\n\n".join(sections)


def _line(words: Sequence[str]) -> str:
    return f"| {' | '.join(words)} |"
