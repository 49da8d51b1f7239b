"""Hugging Face's config.json and our settings: one table of their keys and our fields, read both ways."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch_impl.config import BertConfig, Config, GPTConfig
from torch_impl.convert.rotary_json import read_rope, read_window, write_rope, write_window


class ConvertError(ValueError):
    """A checkpoint that is not, or cannot become, a model of ours: the message names what does not fit."""


@dataclass(frozen=True)
class Kind:
    """One ``model_type``: which of their keys is which field of ours, and what is settled without a key."""

    config: type[BertConfig] | type[GPTConfig]
    keys: Mapping[str, str]
    """Their key and our field, of one value."""
    activation: str
    """Their key of the activation."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Our fields that this architecture has no choice of."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What they take for a key that is left out, where files do that."""
    only: Mapping[str, Any] = field(default_factory=dict)
    """Their settings that change what is computed, and the only value that ours can have."""
    dropout: tuple[str, ...] = ()
    """Their keys of dropout, which is written and not read: training is ours."""
    activations: Mapping[str, str] = field(default_factory=lambda: ACTIVATIONS)
    """Their names and ours."""


ACTIVATIONS: dict[str, str] = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
_TRANSFORMER = {
    "vocab_size": "vocab",
    "max_position_embeddings": "max_positions",
    "hidden_size": "embed",
    "num_attention_heads": "heads",
    "intermediate_size": "mlp",
    "num_hidden_layers": "layers",
}
_BERT = _TRANSFORMER | {"type_vocab_size": "segments", "layer_norm_eps": "eps"}
_BERT_ONLY = {"position_embedding_type": "absolute", "is_decoder": False}
_BERT_DROPOUT = ("hidden_dropout_prob", "attention_probs_dropout_prob")
_GPT = {
    "vocab_size": "vocab",
    "n_positions": "max_positions",
    "n_embd": "embed",
    "n_head": "heads",
    "n_layer": "layers",
    "layer_norm_epsilon": "eps",
    "tie_word_embeddings": "tied",
}
_GPT_DROPOUT = ("embd_pdrop", "attn_pdrop", "resid_pdrop")
_LLAMA = _TRANSFORMER | {
    "num_key_value_heads": "kv_heads",
    "head_dim": "head_dim",
    "rms_norm_eps": "eps",
    "tie_word_embeddings": "tied",
}
_LLAMA_FIXED = {"position_encoding": "rotary", "norm": "rms", "gated": True, "use_bias": False}
_LLAMA_DEFAULTS = {"head_dim": None, "tie_word_embeddings": False}
_LLAMA_ONLY = {"attention_bias": False, "mlp_bias": False, "partial_rotary_factor": 1.0}

# In the order in which an export tries them.
KINDS = {
    "bert": Kind(BertConfig, _BERT, "hidden_act", {}, {}, _BERT_ONLY, _BERT_DROPOUT),
    "roberta": Kind(
        BertConfig,
        _BERT | {"pad_token_id": "position_offset"},
        "hidden_act",
        defaults={"pad_token_id": 1},
        only=_BERT_ONLY,
        dropout=_BERT_DROPOUT,
        activations={"gelu": "gelu"},  # the head has it whatever the blocks have
    ),
    "distilbert": Kind(
        BertConfig,
        {
            "vocab_size": "vocab",
            "max_position_embeddings": "max_positions",
            "dim": "embed",
            "n_heads": "heads",
            "hidden_dim": "mlp",
            "n_layers": "layers",
        },
        "activation",
        {"segments": 0, "pooler_activation": "relu", "eps": 1e-12},
        dropout=("dropout", "attention_dropout", "seq_classif_dropout"),
        activations={"gelu": "gelu", "relu": "relu"},
    ),
    "gpt2": Kind(
        GPTConfig,
        _GPT | {"n_inner": "mlp"},
        "activation_function",
        defaults={"n_inner": None, "tie_word_embeddings": True},
        only={"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False},
        dropout=_GPT_DROPOUT,
    ),
    "openai-gpt": Kind(
        GPTConfig,
        _GPT,
        "afn",
        {"norm_position": "post"},
        {"tie_word_embeddings": True},
        dropout=_GPT_DROPOUT,
        activations={
            "gelu": "gelu_tanh",
            "relu": "relu",
            "silu": "silu",
            "swish": "silu",
        },  # their gelu is this
    ),
    "llama": Kind(
        GPTConfig,
        _LLAMA,
        "hidden_act",
        _LLAMA_FIXED,
        _LLAMA_DEFAULTS | {"num_key_value_heads": None},
        _LLAMA_ONLY,
        ("attention_dropout",),
    ),
    "mistral": Kind(
        GPTConfig,
        _LLAMA,
        "hidden_act",
        _LLAMA_FIXED,
        _LLAMA_DEFAULTS,
        _LLAMA_ONLY,
        ("attention_dropout",),
    ),
    "qwen2": Kind(
        GPTConfig,
        _LLAMA,
        "hidden_act",
        _LLAMA_FIXED | {"qkv_bias": True},
        _LLAMA_DEFAULTS,
        _LLAMA_ONLY,
        ("attention_dropout",),
    ),
    "qwen3": Kind(
        GPTConfig,
        _LLAMA,
        "hidden_act",
        _LLAMA_FIXED | {"qk_norm": True},
        _LLAMA_DEFAULTS | {"head_dim": 128},
        _LLAMA_ONLY,
        ("attention_dropout",),
    ),
}


def our_config(config: Mapping[str, Any]) -> BertConfig | GPTConfig:
    """The settings that a config.json describes, dropout left out.

    Raises:
        ConvertError: naming the setting that is missing, or that our models do not have.
    """
    name = config.get("model_type")
    if name not in KINDS:
        raise ConvertError(f"model_type={name!r}: choose a checkpoint of {', '.join(KINDS)}.")
    kind = KINDS[name]
    for key, only in kind.only.items():
        if config.get(key, only) != only:
            raise ConvertError(f"{name} with {key}={config[key]!r}: ours computes {key}={only!r} alone.")
    given = {**kind.defaults, **config}
    try:
        theirs = given[kind.activation]
        settings = {ours: given[key] for key, ours in kind.keys.items()} | dict(kind.fixed)
    except KeyError as error:
        raise ConvertError(
            f"the config.json of {name} has no setting {error}: write the file again."
        ) from error
    if theirs not in kind.activations:
        known = ", ".join(kind.activations)
        raise ConvertError(f"{name} with the activation {theirs!r}: known is {known}.")
    settings["activation"] = kind.activations[theirs]
    try:
        _complete(settings, name, config)
        return canonical(kind.config(**settings))
    except (TypeError, ValueError) as error:
        raise ConvertError(f"{name}: {error}") from error


def their_config(ours: Config, special: Mapping[str, int]) -> dict[str, Any]:
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
    """The same model by the fewest settings, and without dropout: what is equal so computes the same."""
    changes: dict[str, Any] = {"dropout": 0.0}
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
        if not isinstance(settings["position_offset"], int):
            raise ConvertError("pad_token_id=None: positions are counted from it, so give the padding's id")
        settings["position_offset"] += 1
        settings["max_positions"] -= settings["position_offset"]
    if name in ("bert", "roberta") and not settings["segments"]:
        raise ConvertError("type_vocab_size=0: give 1 or more")
    if name in ("gpt2", "openai-gpt"):
        settings["mlp"] = settings.get("mlp") or 4 * settings["embed"]
    if settings.get("position_encoding") == "rotary":
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
