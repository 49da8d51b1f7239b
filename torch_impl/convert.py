"""The converter between Flax's parameters and PyTorch's: one table, one row a parameter.

A row's einops pattern names the axes of both layouts, Flax's on the left. Read forwards it takes Flax
arrays to PyTorch's layout, read backwards PyTorch's to Flax's; gradients and optimizer moments have the
layout of their parameter and go the same way. Arrays move, numbers do not change: a round trip is bitwise
equal. Every key must be claimed by exactly one row.

Names are flat: "blocks_0/attention/query/kernel" is PyTorch's "blocks.0.attention.query.weight". The
``*`` of a row stands for the path before it, which is the same path in both frameworks but for "/" and
".", and for how a list numbers its members.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from einops import EinopsError, rearrange
from torch import nn

Arrays = dict[str, np.ndarray]


class Row(NamedTuple):
    """The names of one kind of parameter in both frameworks, and its axes in both layouts."""

    flax: str
    torch: str
    axes: str


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
    for name, array in arrays.items():
        row, path = _claim(name, "flax", table)
        path = re.sub(r"_(\d+)(?=/|$)", r".\1", path).replace("/", ".")
        _put(converted, row.torch.replace("*", path), name, array, row.axes, {})
    return converted


def to_flax(
    arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int], table: Sequence[Row] = TABLE
) -> Arrays:
    """PyTorch's state in Flax's names and layout.

    ``sizes`` gives the length of the axes that PyTorch's layout merges, as `axis_sizes` reads them off a
    module: ``{"head_dim": 64}``.
    """
    converted: Arrays = {}
    for name, array in arrays.items():
        row, _ = _claim(name, "torch", table)
        flax_axes, torch_axes = row.axes.split(" -> ")
        merging = " ".join(re.findall(r"\((.*?)\)", torch_axes))
        merged = {axis: sizes[axis] for axis in re.findall(r"\w+", merging) if axis in sizes}
        _put(converted, flax_name(name, table), name, array, f"{torch_axes} -> {flax_axes}", merged)
    return converted


def flax_name(name: str, table: Sequence[Row] = TABLE) -> str:
    """What Flax calls the parameter that PyTorch calls ``name``."""
    row, path = _claim(name, "torch", table)
    return row.flax.replace("*", re.sub(r"\.(\d+)(?=\.|$)", r"_\1", path).replace(".", "/"))


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


def _claim(name: str, framework: str, table: Sequence[Row]) -> tuple[Row, str]:
    """The one row that claims a key, and the path that its ``*`` stands for."""
    claims = []
    for row in table:
        pattern = re.escape(getattr(row, framework)).replace(r"\*", "(.*)")
        if match := re.fullmatch(pattern, name):
            claims.append((row, match[1] if match.groups() else ""))
    if len(claims) != 1:
        rows = [getattr(row, framework) for row, _ in claims]
        raise KeyError(
            f"{framework} parameter {name!r} is claimed by {rows or 'no row'} of the table; "
            "exactly one row must claim it"
        )
    return claims[0]


def _put(
    converted: Arrays, target: str, name: str, array: np.ndarray, axes: str, sizes: Mapping[str, int]
) -> None:
    """Rearrange one array into its place, which must be free."""
    if target in converted:
        raise KeyError(f"{name!r} and another parameter both convert to {target!r}")
    try:
        converted[target] = np.ascontiguousarray(rearrange(array, axes, **sizes))
    except EinopsError as error:
        raise ValueError(
            f"{name!r} of shape {array.shape} does not fit its row {axes!r} with {dict(sizes)}"
        ) from error
