"""The atlas as one HTML file that needs nothing else."""

from importlib.metadata import version
from pathlib import Path

from study.page import render
from study.shapes.atlas import Atlas
from study.shapes.formula import TERMS, variants
from study.shapes.subject import Subject

TEMPLATE = Path(__file__).with_name("page.html.jinja")
LONGEST = 512  # of the slider, where the model has no table of positions


def page(subject: Subject, atlas: Atlas) -> str:
    """The page: blocks that open, axes that light up, sliders for batch, length and heads."""
    arguments = subject.twin.arguments
    known = {
        "name": atlas.name,
        "kind": atlas.kind,
        "terms": TERMS,
        "batch": subject.batch,
        "length": subject.length,
        "longest": arguments.get("max_positions") or LONGEST,
        "heads": arguments.get("heads"),
        "taps": [
            {"name": row.name, "axes": row.axes, "same": row.jax == row.torch, "dtype": row.dtype}
            for row in atlas.taps
        ],
        "parameters": [
            {
                "jax": row.jax_name,
                "torch": row.torch_name,
                "pattern": row.pattern,
                "transposed": row.transposed,
                "stored": row.stored and {**row.stored._asdict(), "transposed": row.stored_transposed},
            }
            for row in atlas.parameters
        ],
        "variants": [one.to_json() for one in variants(subject)],
    }
    versions = ", ".join(f"{name} {version(name)}" for name in ("jax", "flax", "torch"))
    return render(TEMPLATE, known, name=atlas.name, versions=versions)
