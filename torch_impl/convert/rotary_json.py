"""What config.json says of rotary positions and of windows, in the spellings that there are of both."""

from collections.abc import Mapping
from typing import Any

from torch_impl.config import GPTConfig, RopeScaling

KNOWN = {  # their names and ours
    "factor": "factor",
    "low_freq_factor": "low_freq_factor",
    "high_freq_factor": "high_freq_factor",
    "original_max_position_embeddings": "original_max_positions",
}
USED = {"default": [], "linear": ["factor"], "llama3": [*KNOWN]}


def read_rope(config: Mapping[str, Any]) -> dict[str, Any]:
    """``theta`` and ``rope_scaling``: of "rope_parameters", or of "rope_theta" beside "rope_scaling"."""
    key = "rope_scaling" if config.get("rope_scaling") else "rope_parameters"
    said = config.get(key) or {}
    rope = dict(said) if isinstance(said, Mapping) else {"rope_type": said}
    kind = rope.pop("rope_type", rope.get("type", "default"))
    rope.pop("type", None)
    theta = rope.pop("rope_theta", config.get("rope_theta", 10000.0))
    whole = rope.pop("partial_rotary_factor", 1.0)
    unknown = kind != "default" and rope.keys() - KNOWN.keys()  # theirs ignores them in the default one
    if kind not in (*USED,) or whole != 1.0 or unknown:
        raise ValueError(
            f"{key}={ascii(said)[:300]}: ours computes the rope_types {', '.join(USED)} alone, with "
            f"{', '.join(KNOWN)}"
        )
    if theta is None:
        raise ValueError("rope_theta=None: give a number above 0, or leave it out")
    if kind == "default":
        return {"theta": theta, "rope_scaling": None}
    longest = config.get("max_position_embeddings")
    rope["original_max_position_embeddings"] = (
        config.get("original_max_position_embeddings")
        or rope.get("original_max_position_embeddings")
        or longest
    )
    if missing := [name for name in USED[kind] if rope.get(name) is None]:
        raise ValueError(f"{key} with rope_type={kind!r} and without {missing[0]}: add it there")
    settings = {KNOWN[name]: rope[name] for name in USED[kind]}
    return {"theta": theta, "rope_scaling": RopeScaling(kind=kind, **settings)}


def write_rope(ours: GPTConfig) -> dict[str, Any]:
    """`read_rope` backwards, in the new spelling and in the old one."""
    scaling = ours.rope_scaling
    kind = "default" if scaling is None else scaling.kind
    rope = {"rope_type": kind} | {name: getattr(scaling, KNOWN[name]) for name in USED[kind]}
    old = {"rope_theta": ours.theta, "rope_scaling": None if scaling is None else rope}
    return {"rope_parameters": rope | {"rope_theta": ours.theta}, **old}


def read_window(name: str, config: Mapping[str, Any], layers: int) -> dict[str, Any]:
    """``window`` and ``window_every``: of all blocks, or of those that "layer_types" says."""
    if name == "mistral":
        return {"window": config.get("sliding_window", 4096), "window_every": 1}
    window = config.get("sliding_window") if config.get("use_sliding_window") else None
    if name == "llama" or window is None:
        return {"window": None}
    first = config.get("max_window_layers", 28)
    kinds = config.get("layer_types") or [
        "sliding_attention" if number >= first else "full_attention" for number in range(layers)
    ]
    if not isinstance(kinds, list):
        raise ValueError(f"layer_types={ascii(kinds)[:99]}: give a list of one for each layer")
    local = [kind == "sliding_attention" for kind in kinds]
    if not any(local):
        return {"window": None}
    for every in range(1, layers + 1):
        if local == [(number + 1) % every == 0 for number in range(layers)]:
            return {"window": window, "window_every": every}
    said = "layer_types" if config.get("layer_types") else "max_window_layers"
    raise ValueError(
        f"use_sliding_window=True with {said}={config.get(said, first)!r}: ours has the window in "
        "every block, or in every second, third, and so on"
    )


def write_window(name: str, ours: GPTConfig) -> dict[str, Any]:
    """`read_window` backwards."""
    if name == "mistral":
        return {"sliding_window": ours.window}
    if name == "llama":
        return {}
    kinds = [
        "sliding_attention" if ours.is_local(number) else "full_attention" for number in range(ours.layers)
    ]
    return {
        "use_sliding_window": ours.window is not None,
        "sliding_window": ours.window,
        "max_window_layers": ours.layers,
        "layer_types": kinds,
    }
