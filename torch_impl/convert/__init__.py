"""The converter between Flax's parameters and PyTorch's: one table, one row a parameter.

A row's einops pattern names the axes of both layouts, Flax's on the left. Read forwards it takes Flax
arrays to PyTorch's layout, read backwards PyTorch's to Flax's; gradients and optimizer moments have the
layout of their parameter and go the same way. Arrays move, numbers do not change: a round trip is bitwise
equal. Every key must be claimed by exactly one row.

Names are flat: "blocks_0/attention/query/kernel" is PyTorch's "blocks.0.attention.query.weight". `rows`
says what a row may be.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from torch_impl.convert.engine import OTHER, Row, claim, fill, flax_path, move, places

__all__ = ["TABLE", "Row", "axis_sizes", "fit", "flax_name", "load", "save", "to_flax", "to_torch"]

Arrays = dict[str, np.ndarray]

TABLE = (
    Row("*token_embedding/embedding", "*token_embedding.weight", "vocab embed -> vocab embed"),
    Row(
        "*position_embedding/embedding",
        "*position_embedding.weight",
        "position embed -> position embed",
    ),
    Row("*segment_embedding/embedding", "*segment_embedding.weight", "segment embed -> segment embed"),
    Row("*output_embedding/embedding", "*output_embedding.weight", "vocab embed -> vocab embed"),
    Row("*norm/scale", "*norm.weight", "embed -> embed"),
    Row("*norm/bias", "*norm.bias", "embed -> embed"),
    Row("*query/kernel", "*query.weight", "embed heads head_dim -> (heads head_dim) embed"),
    Row("*query/bias", "*query.bias", "heads head_dim -> (heads head_dim)"),
    Row("*key/kernel", "*key.weight", "embed heads head_dim -> (heads head_dim) embed"),
    Row("*key/bias", "*key.bias", "heads head_dim -> (heads head_dim)"),
    Row("*value/kernel", "*value.weight", "embed heads head_dim -> (heads head_dim) embed"),
    Row("*value/bias", "*value.bias", "heads head_dim -> (heads head_dim)"),
    Row("*output/kernel", "*output.weight", "heads head_dim embed -> embed (heads head_dim)"),
    Row("*output/bias", "*output.bias", "embed -> embed"),
    Row("*projection/kernel", "*projection.weight", "embed head_dim -> head_dim embed"),
    Row("*projection/bias", "*projection.bias", "head_dim -> head_dim"),
    Row("*gate/kernel", "*gate.weight", "embed mlp -> mlp embed"),
    Row("*gate/bias", "*gate.bias", "mlp -> mlp"),
    Row("*up/kernel", "*up.weight", "embed mlp -> mlp embed"),
    Row("*up/bias", "*up.bias", "mlp -> mlp"),
    Row("*down/kernel", "*down.weight", "mlp embed -> embed mlp"),
    Row("*down/bias", "*down.bias", "embed -> embed"),
    Row("*head/kernel", "*head.weight", "embed classes -> classes embed"),
    Row("*head/bias", "*head.bias", "classes -> classes"),
    Row("*dense/kernel", "*dense.weight", "embed pooled -> pooled embed"),
    Row("*dense/bias", "*dense.bias", "pooled -> pooled"),
    Row("*transform/kernel", "*transform.weight", "embed transformed -> transformed embed"),
    Row("*transform/bias", "*transform.bias", "transformed -> transformed"),
    Row("*word_bias", "*word_bias", "vocab -> vocab"),
    Row("*next_sentence/kernel", "*next_sentence.weight", "embed classes -> classes embed"),
    Row("*next_sentence/bias", "*next_sentence.bias", "classes -> classes"),
)


def to_torch(arrays: Mapping[str, np.ndarray], table: Sequence[Row] = TABLE) -> Arrays:
    """Flax's flat parameters in PyTorch's names and layout."""
    converted: Arrays = {}
    for (row, path), names in places(arrays, "flax", table).items():
        targets = [fill(pattern, path) for pattern in row.patterns("torch")]
        _put(converted, targets, names, move(arrays, names, row, "flax", {}))
    return converted


def to_flax(
    arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int], table: Sequence[Row] = TABLE
) -> Arrays:
    """PyTorch's state in Flax's names and layout.

    ``sizes`` gives the length of the axes that PyTorch's layout merges, as `axis_sizes` reads them off a
    module: ``{"head_dim": 64}``.
    """
    converted: Arrays = {}
    for (row, path), names in places(arrays, "torch", table).items():
        targets = [fill(pattern, map(flax_path, path)) for pattern in row.patterns("flax")]
        _put(converted, targets, names, move(arrays, names, row, "torch", sizes))
    return converted


def fit(
    arrays: Mapping[str, np.ndarray],
    source: str,
    shapes: Mapping[str, tuple[int, ...]],
    table: Sequence[Row],
) -> Arrays:
    """The parameters of one framework in the names and layout of a model of the other.

    ``source`` is where ``arrays`` come from, "flax" or "torch"; ``shapes`` has the names and shapes of the
    other model's parameters, which also tell the sizes of axes that the source merges. Both must be covered:
    a parameter that is claimed by no row or by two, is on one side only or has another shape is an error
    that names it (KeyError, ValueError).
    """
    target = OTHER[source]
    ours, theirs = places(arrays, source, table), places(shapes, target, table)
    for here, there, framework in ((ours, theirs, source), (theirs, ours, target)):
        for (row, path), names in here.items():
            if (row, path) not in there:
                expected = ", ".join(fill(pattern, path) for pattern in row.patterns(OTHER[framework]))
                raise KeyError(
                    f"{framework} parameter {names[0]!r} has no counterpart: its row expects {expected!r} in "
                    f"{OTHER[framework]}; add it there, correct the row, or take it out of a copy of the "
                    "model: delete it if it is not used, or make it a buffer"
                )
    fitted: Arrays = {}
    for (row, path), names in ours.items():
        targets = theirs[row, path]
        moved = move(arrays, names, row, source, row.sizes(target, [shapes[name] for name in targets]))
        for name, array in zip(targets, moved, strict=True):
            if array.shape != shapes[name]:
                raise ValueError(
                    f"{names[0]!r} of shape {arrays[names[0]].shape} becomes {array.shape} by its row "
                    f"{row.axes!r}, but {name!r} has shape {shapes[name]}"
                )
            fitted[name] = array
    return fitted


def flax_name(name: str, table: Sequence[Row] = TABLE) -> str:
    """What Flax calls the parameter that PyTorch calls ``name``; its row must have one name there."""
    row, _, path = claim(name, "torch", table)
    (pattern,) = row.patterns("flax")
    return fill(pattern, map(flax_path, path))


def axis_sizes(model: nn.Module) -> dict[str, int]:
    """The axes that PyTorch's layouts merge, read off the modules that split them.

    head_dim alone will do, and it is the same for all modules where the number of heads is not: there may
    be fewer of keys and values.
    """
    found = (getattr(module, "head_dim", None) for module in model.modules())
    widths = {size for size in found if isinstance(size, int)}
    if len(widths) > 1:
        raise ValueError(
            f"modules of one model have different head_dim: {sorted(widths)}; convert each alone"
        )
    return {"head_dim": widths.pop()} if widths else {}


def load(model: nn.Module, params: Mapping[str, np.ndarray]) -> None:
    """Put Flax's flat parameters into a model, bitwise and in their dtype.

    A parameter that is missing, left over or of another shape is an error that names it.
    """
    state = {name: torch.tensor(array) for name, array in to_torch(params).items()}
    model.load_state_dict(state, assign=True)


def save(model: nn.Module) -> Arrays:
    """A model's parameters in Flax's names and layout: `load` backwards."""
    state = {name: tensor.detach().cpu().numpy() for name, tensor in model.named_parameters()}
    return to_flax(state, axis_sizes(model))


def _put(converted: Arrays, targets: list[str], names: list[str], arrays: list[np.ndarray]) -> None:
    """Put arrays into their places, which must be free."""
    for target, array in zip(targets, arrays, strict=True):
        if target in converted:
            raise KeyError(f"{names[0]!r} and another parameter both convert to {target!r}")
        converted[target] = array
