"""The converter between Flax's parameters and PyTorch's: one table, one row a parameter.

A row's einops pattern names the axes of both layouts, Flax's on the left. Names are flat:
"blocks_0/attention/query/kernel" is PyTorch's "blocks.0.attention.query.weight".

    row, table      what a row may be, and the rows of our own models
    engine          arrays from one side to the other, by any table
    fitting         between two models that are both known, where rows may overlap
    modules         into and out of PyTorch's modules; it alone needs PyTorch
    hugging_face    their checkpoints, and config_json their settings
    stored          where they keep each of our parameters
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch_impl.convert.engine import flax_name, to_flax, to_torch
    from torch_impl.convert.fitting import fit
    from torch_impl.convert.modules import axis_sizes, load, save
    from torch_impl.convert.row import Row
    from torch_impl.convert.table import TABLE

__all__ = ["TABLE", "Row", "axis_sizes", "fit", "flax_name", "load", "save", "to_flax", "to_torch"]

_PLACES = {
    "row": ["Row"],
    "table": ["TABLE"],
    "engine": ["flax_name", "to_flax", "to_torch"],
    "fitting": ["fit"],
    "modules": ["axis_sizes", "load", "save"],
}


def __getattr__(name: str) -> Any:
    """The public names when they are asked for, so that a table can be written without PyTorch."""
    for place, names in _PLACES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{place}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
