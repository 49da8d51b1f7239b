"""The shape of a parameter, from its name and the settings: no framework is asked, and nothing is built."""

import math
import re
from collections.abc import Iterable

from torch_impl.config import BertConfig, GPTConfig
from torch_impl.convert.row import Row, match
from torch_impl.convert.table import TABLE


def flax_shape(name: str, config: BertConfig | GPTConfig, classes: int) -> tuple[int, ...]:
    """The shape of a parameter of BERT or GPT in Flax's layout, by the axes of its row in the table.

    Args:
        name: as Flax spells it: "blocks_0/attention/query/kernel".
        config: the settings of its model.
        classes: how many the model's head tells apart.

    Raises:
        KeyError: no such parameter.
    """
    heads = config.key_heads if match("*key/*", name) or match("*value/*", name) else config.heads
    sizes = {
        "vocab": config.vocab,
        "position": config.max_positions,
        "segment": getattr(config, "segments", 0),
        "embed": config.embed,
        "heads": heads,
        "head_dim": config.width,
        "mlp": config.mlp,
        "pooled": config.embed,
        "transformed": config.embed,
        "classes": 2 if name.startswith("next_sentence/") else classes,
    }
    if match("*query_norm/*", name) or match("*key_norm/*", name):
        sizes["embed"] = config.width
    axes = next((row.layout("flax").split() for row in TABLE if match(str(row.flax), name) is not None), None)
    if axes is None:
        raise KeyError(name)
    if name.endswith("position_embedding/embedding"):
        sizes["position"] += getattr(config, "position_offset", 0)
    return tuple(sizes[axis] for axis in axes)


def their_shape(
    row: Row, path: Iterable[str], config: BertConfig | GPTConfig, classes: int
) -> tuple[int, ...]:
    """The shape of the tensor that a row of Hugging Face's `tables` has at a path, in their layout."""
    shape = flax_shape(row.names("flax", path)[0], config, classes)
    stacked = (len(row.patterns("flax")),) if isinstance(row.flax, tuple) else ()
    sizes = dict(zip(re.findall(r"\w+", row.layout("flax")), (*stacked, *shape), strict=True))
    return tuple(math.prod(sizes[axis] for axis in re.findall(r"\w+", group)) for group in groups(row))


def groups(row: Row) -> list[str]:
    """The axes of a row's tensor in their layout, those that are merged together: "(heads head_dim)"."""
    return re.findall(r"\(.*?\)|\w+", row.layout("torch"))


def paths(row: Row, layers: int) -> list[tuple[str, ...]]:
    """The paths of a row of theirs: the number of each layer, or none."""
    return [(str(number),) for number in range(layers)] if "#" in row.patterns("torch")[0] else [()]
