"""The shape of a parameter, from its name and the settings: no framework is asked, and nothing is built."""

from torch_impl.config import BertConfig, GPTConfig
from torch_impl.convert.row import match
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
