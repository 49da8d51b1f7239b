"""Hugging Face's config.json and the arguments of our models, both ways."""

from collections.abc import Mapping
from typing import Any

from data.errors import DataError

KINDS = ("bert", "gpt2", "openai-gpt", "llama")
ACTIVATIONS = {  # by kind, their name and ours; what OpenAI's first GPT calls gelu is the approximation
    "bert": {"gelu": "gelu"},
    "gpt2": {"gelu_new": "gelu_tanh"},
    "openai-gpt": {"gelu": "gelu_tanh"},
    "llama": {"silu": "silu"},
}
# Settings that change what is computed, and the only value that ours can have.
REFUSED: dict[str, dict[str, Any]] = {
    "bert": {"position_embedding_type": "absolute", "is_decoder": False},
    "gpt2": {"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False},
    "openai-gpt": {},
    "llama": {"attention_bias": False, "mlp_bias": False, "rope_scaling": None},
}


def model_arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of our `Bert` or `GPT` that a config.json describes, dropout left out.

    Raises:
        DataError: naming the setting that is missing, or that our models do not have.
    """
    kind = config.get("model_type")
    if kind not in KINDS:
        raise DataError(f"model_type={kind!r}: choose a checkpoint of {', '.join(KINDS)}.")
    for name, only in REFUSED[kind].items():
        if config.get(name, only) != only:
            raise DataError(f"{kind} with {name}={config[name]!r}: ours computes {name}={only!r} alone.")
    try:
        return {"bert": _bert, "gpt2": _gpt, "openai-gpt": _gpt, "llama": _llama}[kind](config)
    except KeyError as error:
        raise DataError(f"the config.json of {kind} has no setting {error}: write the file again.") from error


def hugging_face_config(arguments: Mapping[str, Any], special: Mapping[str, int]) -> dict[str, Any]:
    """The config.json of our `Bert` or `GPT`: `model_arguments` backwards.

    Args:
        arguments: all of the model's, those at their defaults too.
        special: ids of tokens, by Hugging Face's names: "pad_token_id".

    Raises:
        DataError: no architecture there computes the same.
    """
    kinds = ["bert"] if "segments" in arguments else ["gpt2", "openai-gpt", "llama"]
    wanted = {name: value for name, value in arguments.items() if name != "dropout"}
    if wanted.get("position_encoding") == "rotary":
        wanted["kv_heads"] = wanted["kv_heads"] or wanted["heads"]
    for kind in kinds:
        config = _written(kind, arguments) | dict(special)
        found = model_arguments(config)
        if found == {name: wanted[name] for name in found}:
            return config
    raise DataError(f"no architecture of {', '.join(kinds)} at Hugging Face computes this model: {wanted}.")


def head_dim_of(config: Mapping[str, Any]) -> int:
    """The width of a head."""
    embed = config["hidden_size"] if "hidden_size" in config else config["n_embd"]
    heads = config["num_attention_heads"] if "num_attention_heads" in config else config["n_head"]
    return config.get("head_dim") or embed // heads


def is_tied(config: Mapping[str, Any]) -> bool:
    """Whether the output layer is the token embedding; a config.json may leave it to the default."""
    return bool(config.get("tie_word_embeddings", config["model_type"] != "llama"))


def _bert(config: Mapping[str, Any]) -> dict[str, Any]:
    _activation("bert", config["hidden_act"])
    return _encoder_sizes(config) | {
        "segments": config["type_vocab_size"],
        "eps": config["layer_norm_eps"],
    }


def _gpt(config: Mapping[str, Any]) -> dict[str, Any]:
    kind = config["model_type"]
    return {
        "vocab": config["vocab_size"],
        "max_positions": config["n_positions"],
        "embed": config["n_embd"],
        "heads": config["n_head"],
        "mlp": config.get("n_inner") or 4 * config["n_embd"],
        "layers": config["n_layer"],
        "norm_position": "pre" if kind == "gpt2" else "post",
        "activation": _activation(kind, config["activation_function" if kind == "gpt2" else "afn"]),
        "position_encoding": "learned",
        "eps": config["layer_norm_epsilon"],
        "tied": is_tied(config),
        "window": None,
        "kv_heads": None,
        "gated": False,
        "norm": "layer",
        "use_bias": True,
        "theta": 10000.0,
    }


def _llama(config: Mapping[str, Any]) -> dict[str, Any]:
    sizes = _encoder_sizes(config)
    rope = config.get("rope_parameters") or {"rope_theta": config.get("rope_theta", 10000.0)}
    if rope.get("rope_type", "default") != "default":
        raise DataError(f"llama with scaled rotary positions ({rope}): ours computes the default alone.")
    if head_dim_of(config) * sizes["heads"] != sizes["embed"]:
        raise DataError(f"llama with head_dim={head_dim_of(config)} other than hidden_size / heads.")
    return sizes | {
        "norm_position": "pre",
        "activation": _activation("llama", config["hidden_act"]),
        "position_encoding": "rotary",
        "eps": config["rms_norm_eps"],
        "tied": is_tied(config),
        "window": None,
        "kv_heads": config.get("num_key_value_heads") or sizes["heads"],
        "gated": True,
        "norm": "rms",
        "use_bias": False,
        "theta": rope["rope_theta"],
    }


def _encoder_sizes(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "vocab": config["vocab_size"],
        "max_positions": config["max_position_embeddings"],
        "embed": config["hidden_size"],
        "heads": config["num_attention_heads"],
        "mlp": config["intermediate_size"],
        "layers": config["num_hidden_layers"],
    }


def _activation(kind: str, theirs: str) -> str:
    known = ACTIVATIONS[kind]
    if theirs not in known:
        raise DataError(f"{kind} with the activation {theirs!r}: known is {', '.join(known)}.")
    return known[theirs]


def _written(kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The config.json of this kind whose sizes these are; it may still be of another model."""
    a, (activation, *_) = arguments, ACTIVATIONS[kind]
    if kind in ("gpt2", "openai-gpt"):
        return {
            "model_type": kind,
            "vocab_size": a["vocab"],
            "n_positions": a["max_positions"],
            "n_embd": a["embed"],
            "n_head": a["heads"],
            "n_layer": a["layers"],
            "layer_norm_epsilon": a["eps"],
            "tie_word_embeddings": a["tied"],
            **(
                {"n_inner": a["mlp"], "activation_function": activation}
                if kind == "gpt2"
                else {"afn": activation}
            ),
            **{f"{part}_pdrop": a["dropout"] for part in ("embd", "attn", "resid")},
        }
    sizes = {
        "model_type": kind,
        "vocab_size": a["vocab"],
        "max_position_embeddings": a["max_positions"],
        "hidden_size": a["embed"],
        "num_attention_heads": a["heads"],
        "intermediate_size": a["mlp"],
        "num_hidden_layers": a["layers"],
        "hidden_act": activation,
    }
    if kind == "bert":
        return sizes | {
            "type_vocab_size": a["segments"],
            "layer_norm_eps": a["eps"],
            "hidden_dropout_prob": a["dropout"],
            "attention_probs_dropout_prob": a["dropout"],
        }
    return sizes | {
        "rms_norm_eps": a["eps"],
        "tie_word_embeddings": a["tied"],
        "num_key_value_heads": a["kv_heads"] or a["heads"],
        "rope_parameters": {"rope_type": "default", "rope_theta": a["theta"]},
        "attention_dropout": a["dropout"],
    }
