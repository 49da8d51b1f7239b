"""Hugging Face's config.json and our settings, read and written by one table."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch_impl.config import BertConfig, Config, GPTConfig
from torch_impl.convert.kinds import KINDS
from torch_impl.convert.rotary_json import read_rope, read_window, write_rope, write_window

LAYERS = 4096  # no model has more, and lists as long as these are made
ROTATED = 1 << 21  # no model has more positions, and a table as long as these is made


class ConvertError(ValueError):
    """A checkpoint that is not, or cannot become, a model of ours: the message names what does not fit."""


def shown(value: Any) -> str:
    """A value of a file in a message, of which it makes no book."""
    return ascii(value)[:99]


def our_config(config: Mapping[str, Any]) -> BertConfig | GPTConfig:
    """The settings that a config.json describes, dropout left out.

    Raises:
        ConvertError: naming the setting that is missing, or that our models do not have.
    """
    name = config.get("model_type")
    if not isinstance(name, str) or name not in KINDS:
        raise ConvertError(f"model_type={shown(name)}: choose a checkpoint of {', '.join(KINDS)}.")
    kind = KINDS[name]
    for key, only in kind.only.items():
        if config.get(key) not in (None, only):
            raise ConvertError(f"{name} with {key}={shown(config[key])}: ours computes {key}={only!r} alone.")
    given = {**kind.defaults, **config}
    try:
        theirs = given[kind.activation]
        settings = {ours: _value(key, ours, given[key]) for key, ours in kind.keys.items()} | dict(kind.fixed)
    except KeyError as error:
        raise ConvertError(
            f"the config.json of {name} has no setting {error}: add it, as the model was trained."
        ) from error
    if not isinstance(theirs, str) or theirs not in kind.activations:
        known = ", ".join(kind.activations)
        raise ConvertError(f"{name} with {kind.activation}={shown(theirs)}: ours computes {known} alone.")
    settings["activation"] = kind.activations[theirs]
    try:
        _complete(settings, name, config)
        return canonical(kind.config(**settings))
    except (TypeError, ValueError) as error:
        raise ConvertError(f"{name}: {error}") from error


def _value(key: str, field: str, value: Any) -> Any:
    """The value of their key for our field, if it is of that kind: True, a number, or a whole number."""
    kind = {"tied": bool, "eps": float}.get(field, int)
    fits = isinstance(value, bool) if kind is bool else type(value) in (int, kind)
    if value is not None and not fits:
        wanted = {bool: "true or false", float: "a number", int: "a whole number"}[kind]
        raise ConvertError(f"{key}={shown(value)}: give {wanted}.")
    if field == "layers" and value is not None and value > LAYERS:
        raise ConvertError(f"{key}={value}: no model has more than {LAYERS:,}.")
    return value


def their_config(ours: Config, special: Mapping[str, Any]) -> dict[str, Any]:
    """The config.json of our `Bert` or `GPT`: `our_config` backwards.

    Args:
        ours: the settings; what a head adds to them is left out.
        special: ids of tokens, by Hugging Face's names: "pad_token_id".

    Raises:
        ConvertError: no architecture there computes the same.
    """
    tried = [name for name, kind in KINDS.items() if isinstance(ours, kind.config)]
    for name in tried:
        kind = KINDS[name]
        known = [field.name for field in dataclasses.fields(kind.config)]
        bare = kind.config(**{name: getattr(ours, name) for name in known})
        config = {"model_type": name, **_written(name, bare), **special}
        try:
            found = our_config(config)
        except ConvertError:
            continue  # it has a setting that this architecture lacks
        if found == canonical(bare):
            return config
    raise ConvertError(f"no architecture of {', '.join(tried)} at Hugging Face computes this model: {ours}.")


def canonical(ours: Any) -> Any:
    """The same model by the fewest settings, no dropout, no kernels: what is equal so computes the same."""
    changes: dict[str, Any] = {"dropout": 0.0, "fused": False}
    if ours.width * ours.heads == ours.embed:
        changes["head_dim"] = None
    if ours.key_heads == ours.heads:
        changes["kv_heads"] = None
    if ours.input_bias == ours.use_bias:
        changes["qkv_bias"] = None
    if isinstance(ours, GPTConfig):
        if ours.window is None:
            changes["window_every"] = 2
        if ours.position_encoding != "rotary":
            changes |= {"theta": 10000.0, "rope_scaling": None}
    return dataclasses.replace(ours, **changes)


def _complete(settings: dict[str, Any], name: str, config: Mapping[str, Any]) -> None:
    """The settings that are not one key and one field."""
    if name == "roberta":  # whose table of positions begins with those of the padding
        if settings["position_offset"] is None or settings["position_offset"] < 0:
            given = settings["position_offset"]
            raise ConvertError(
                f"pad_token_id={given}: positions are counted from it, so give the padding's id"
            )
        settings["position_offset"] += 1
        settings["max_positions"] -= settings["position_offset"]
    if name in ("bert", "roberta") and not settings["segments"]:
        raise ConvertError("type_vocab_size=0: give 1 or more")
    if name in ("gpt2", "openai-gpt") and settings.get("mlp") is None:
        settings["mlp"] = 4 * (settings["embed"] or 0)
    if settings.get("position_encoding") == "rotary":
        if (settings["max_positions"] or 0) > ROTATED:
            raise ConvertError(
                f"max_position_embeddings={settings['max_positions']}: no model has more than {ROTATED:,}"
            )
        settings |= read_rope(config) | read_window(name, config, settings["layers"])


def _written(name: str, ours: Any) -> dict[str, Any]:
    """The config.json of this kind whose sizes these are; it may still be of another model."""
    kind = KINDS[name]
    config = {key: getattr(ours, field) for key, field in kind.keys.items()}
    config[kind.activation] = {ours: theirs for theirs, ours in reversed([*kind.activations.items()])}.get(
        ours.activation
    )
    config |= dict.fromkeys(kind.dropout, ours.dropout)
    if name == "roberta":
        config["max_position_embeddings"] += ours.position_offset
        config["pad_token_id"] = ours.position_offset - 1
    if "num_key_value_heads" in config:
        config |= {"num_key_value_heads": ours.key_heads, "head_dim": ours.width}
        config |= write_rope(ours) | write_window(name, ours)
    return config
