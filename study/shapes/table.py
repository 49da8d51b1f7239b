"""The atlas in the terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.shapes.atlas import REST, Atlas
from study.shapes.trace import Shape

WIDTH = 200  # of what goes into a file or another program, where lines are not broken

# One colour an axis, wherever it stands; of those that people with any colour vision can tell apart.
COLOURS = {
    "batch": "bright_black",
    "position": "cyan",
    "query": "cyan",
    "key": "blue",
    "heads": "yellow",
    "head_dim": "magenta",
    "embed": "green",
    "mlp": "red",
    "vocab": "bright_blue",
    "classes": "bright_magenta",
}


def print_atlas(atlas: Atlas, console: Console) -> None:
    """Taps in order of execution, parameters in both layouts, totals."""
    if atlas.taps:
        console.print(_taps(atlas))
    if atlas.parameters:
        console.print(_parameters(atlas))
    if atlas.kind:
        console.print(_stored(atlas))
    console.print(totals(atlas))


def _taps(atlas: Atlas) -> Table:
    table = Table(
        title=f"{atlas.name}: what is computed, in order", box=None, pad_edge=False, title_justify="left"
    )
    for header in ("tap", "axes", "JAX", "PyTorch", "dtype", "bytes", "operations"):
        table.add_column(header, justify="right" if header in ("bytes", "operations") else "left")
    for row in atlas.taps:
        same = row.jax == row.torch
        shapes = (shape(row.jax), "the same" if same else shape(row.torch))
        table.add_row(row.name, axes(row.sizes), *shapes, row.dtype, f"{row.bytes:,}", f"{row.work.total:,}")
    if atlas.rest.total:
        table.add_row(REST, "", "", "", "", "", f"{atlas.rest.total:,}")
    return table


def _parameters(atlas: Atlas) -> Table:
    table = Table(title="Parameters", box=None, pad_edge=False, title_justify="left")
    for header in ("Flax", "", "PyTorch", "", "from Flax's layout to PyTorch's", ""):
        table.add_column(header)
    for row in atlas.parameters:
        names = row.jax_name, shape(row.jax), row.torch_name, shape(row.torch), row.pattern
        table.add_row(*names, _mark(row.transposed))
    return table


def _stored(atlas: Atlas) -> Table:
    title = f"Parameters in a checkpoint of Hugging Face ({atlas.kind})"
    table = Table(title=title, box=None, pad_edge=False, title_justify="left")
    for header in ("Flax", "the file's tensor", "", "its part", "from Flax's layout to the file's", ""):
        table.add_column(header)
    for row in atlas.parameters:
        if row.stored:
            tensor, whole, part, pattern = row.stored
            table.add_row(row.jax_name, tensor, shape(whole), part, pattern, _mark(row.stored_transposed))
        else:
            table.add_row(row.jax_name, "not in it")
    return table


def _mark(transposed: bool) -> Text:
    return Text("transposed", "bold red") if transposed else Text("")


def axes(sizes: dict[str, int]) -> Text:
    """Names with sizes: "batch 2 · heads 3"."""
    parts = [Text(f"{name} {size}", COLOURS.get(name, "")) for name, size in sizes.items()]
    return Text(" · ").join(parts)


def shape(sizes: Shape) -> str:
    return "(" + ", ".join(map(str, sizes)) + ("," if len(sizes) == 1 else "") + ")"


def listed(sizes: Iterable[tuple[str, int]]) -> str:
    """Names with sizes, in a sentence: "batch 2, heads 3"."""
    return ", ".join(f"{name} {size}" for name, size in sizes)


def totals(atlas: Atlas) -> str:
    """What the whole takes, in a line or two."""
    transposed = sum(row.transposed for row in atlas.parameters)
    share = atlas.matmul / atlas.operations if atlas.operations else 0.0
    lines = [
        f"{atlas.operations:,} floating-point operations forward, {share:.0%} of them in matmuls"
        + (f"; XLA counts {atlas.xla:,.0f}." if atlas.xla else ".")
    ]
    if atlas.parameters:
        lines.append(
            f"{atlas.parameter_count:,} parameters, {4 * atlas.parameter_count:,} bytes in float32; of "
            f"{len(atlas.parameters)} arrays PyTorch keeps {transposed} transposed: its Linear computes x Wᵀ."
        )
    if atlas.kind:
        stored = sum(row.stored_transposed for row in atlas.parameters)
        lines.append(f"A checkpoint of {atlas.kind} keeps {stored} transposed.")
    return "\n".join(lines)
