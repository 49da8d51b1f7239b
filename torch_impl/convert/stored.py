"""Where a checkpoint of Hugging Face keeps each of our parameters, by the tables that import it."""

import re
from collections.abc import Collection
from typing import NamedTuple

from torch_impl.config import BertConfig, GPTConfig
from torch_impl.convert.hugging_face import full_names
from torch_impl.convert.row import Row, match
from torch_impl.convert.shapes import groups, paths, their_shape
from torch_impl.convert.table import TABLE
from torch_impl.convert.tables import table


class Stored(NamedTuple):
    """The place of one parameter in a checkpoint."""

    tensor: str
    """Its name in the file."""
    shape: tuple[int, ...]
    """Of the whole tensor."""
    part: str
    """What of it is this parameter, as numpy is asked for it: "[:, 24:48]". Nothing where it is all."""
    axes: str
    """An einops pattern from Flax's layout to that part's."""


def stored(
    kind: str, ours: BertConfig | GPTConfig, model: str, classes: int = 0, names: Collection[str] = ()
) -> dict[str, Stored]:
    """By Flax's name of a parameter, where a checkpoint keeps it. What theirs does not have is left out.

    Args:
        kind: the "model_type" of their config.json: "gpt2".
        ours: the settings of our model.
        model: its name: "gpt_classifier".
        classes: how many its head tells apart.
        names: the tensors of a file, where there is one; else they are called as a model with heads has them.
    """
    made = table(kind, ours, model)
    read = full_names({name: name for name in names}, made)
    found = {}
    for row in made.rows:
        for path in paths(row, ours.layers):
            (tensor,) = row.names("torch", path)
            shape = their_shape(row, path, ours, classes)
            members = row.names("flax", path)
            for number, name in enumerate(members):
                part = _part(row, number, len(members), shape)
                found[name] = Stored(read.get(tensor, tensor), shape, part, _axes(row, name))
    return found


def _part(row: Row, number: int, count: int, shape: tuple[int, ...]) -> str:
    """Which piece of a tensor is the parameter of this number, where a row stacks several."""
    if count == 1:
        return ""
    stacked = row.layout("flax").split()[0]
    axis = next(place for place, group in enumerate(groups(row)) if stacked in re.findall(r"\w+", group))
    size = shape[axis] // count
    return f"[{':, ' * axis}{number * size}:{(number + 1) * size}]"


def _axes(row: Row, name: str) -> str:
    """The pattern of one parameter, with the names that our own table has for its axes."""
    ours = next(own.layout("flax").split() for own in TABLE if match(str(own.flax), name) is not None)
    theirs = row.layout("flax").split()[isinstance(row.flax, tuple) :]
    known = dict(zip(theirs, ours, strict=True))
    renamed = (
        re.sub(r"\w+", lambda word: known.get(word[0], ""), group).replace("( ", "(") for group in groups(row)
    )
    return f"{' '.join(ours)} -> {' '.join(renamed)}"
