"""Attention in numpy, with all that is done wrong in it as settings."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np
from scipy.special import softmax

HIDDEN = float(np.finfo(np.float32).min)  # a query that may see no key weighs all alike, as in Flax
WINDOWS = 8  # widths of a window that are tried, where attention's weights are heard by themselves
SCALES = {
    "1 / sqrt(head_dim)": lambda width, heads, keys: 1 / sqrt(width),
    "1": lambda width, heads, keys: 1.0,
    "1 / sqrt(embed)": lambda width, heads, keys: 1 / sqrt(width * heads),
    "1 / head_dim": lambda width, heads, keys: 1 / width,
    "sqrt(head_dim)": lambda width, heads, keys: sqrt(width),
    "1 / sqrt(heads)": lambda width, heads, keys: 1 / sqrt(heads),
    "1 / sqrt(keys)": lambda width, heads, keys: 1 / sqrt(keys),
}
ORDERS = ("heads head_dim", "head_dim heads")
ROLES = ("queries", "keys", "values")
TURNS = ("no pairs", "halves", "interleaved pairs")
ROTARY: dict[str, Sequence[Any]] = {
    "rotary positions": TURNS,
    "rotary positions begin at": (0, 1, 2),
    "rotary base": (10_000, 500_000, 1_000_000),
}
OPTIONS: dict[str, Sequence[Any]] = {
    "scale of the scores": tuple(SCALES),
    "heads are split": ORDERS,
    "heads are merged": ORDERS,
    "softmax is taken": ("over the keys", "over the queries"),
    "order of queries, keys and values": (
        "queries, keys, values",
        "keys, queries, values",
        "queries, values, keys",
        "values, keys, queries",
        "keys, values, queries",
        "values, queries, keys",
    ),
    **ROTARY,
}


def attend(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    masks: Mapping[str, np.ndarray | None],
    hidden: float = HIDDEN,
    **settings: Any,
) -> np.ndarray | None:
    """(batch query embed), and twice (batch key embed), to (batch query embed); None where they do not fit.

    ``masks`` has by name what may be seen, with the axes (batch heads query key), or any that broadcast, and
    ``hidden`` is the score of the rest.
    """
    heads = settings["heads"]
    given = dict(zip(ROLES, (query, key, value), strict=True))
    taken = [given[role] for role in settings["order of queries, keys and values"].split(", ")]
    width, rest = divmod(query.shape[-1], heads)
    if rest or any(array.shape[-1] % width for array in taken):
        return None
    q, k, v = (split(array, width, settings["heads are split"]) for array in taken)
    q, k = (turned(array, settings) for array in (q, k))
    if q.shape[1] % k.shape[1] or k.shape[:3] != v.shape[:3] or q.shape[0] != k.shape[0]:
        return None
    k, v = (np.repeat(array, q.shape[1] // k.shape[1], axis=1) for array in (k, v))
    scores = q @ k.swapaxes(-1, -2)
    scores *= SCALES[settings["scale of the scores"]](width, heads, k.shape[2])
    allowed = masks[settings["a query sees"]]
    if allowed is not None:
        scores = np.where(allowed, scores, hidden)
    with np.errstate(invalid="ignore"):
        weights = softmax(scores, axis=-1 if settings["softmax is taken"] == "over the keys" else -2)
    return merged(weights @ v, settings["heads are merged"])


def split(x: np.ndarray, width: int, order: str) -> np.ndarray:
    """(batch position embed) to (batch heads position head_dim)."""
    if order == ORDERS[0]:
        return x.reshape(*x.shape[:2], -1, width).swapaxes(1, 2)
    return np.moveaxis(x.reshape(*x.shape[:2], width, -1), -1, 1)


def merged(x: np.ndarray, order: str) -> np.ndarray:
    """(batch heads position head_dim) to (batch position embed)."""
    together = x.transpose(0, 2, 1, 3) if order == ORDERS[0] else x.transpose(0, 2, 3, 1)
    return together.reshape(x.shape[0], x.shape[2], -1)


def turned(x: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Rotary positions (Su et al. 2021) on (batch heads position head_dim), by pairs of either kind."""
    if settings["rotary positions"] == "no pairs" or x.shape[-1] % 2:
        return x
    half = x.shape[-1] // 2
    rates = float(settings["rotary base"]) ** (-np.arange(half) / half)
    places = settings["rotary positions begin at"] + np.arange(x.shape[2])
    angles = places[:, None] * rates
    cos, sin = np.cos(angles), np.sin(angles)
    if settings["rotary positions"] == "halves":
        a, b = x[..., :half], x[..., half:]
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)
    a, b = x[..., 0::2], x[..., 1::2]
    return np.stack([a * cos - b * sin, b * cos + a * sin], axis=-1).reshape(x.shape)


def seen(
    inputs: Mapping[str, np.ndarray], batch: int, queries: int, keys: int, windows: int = 0
) -> dict[str, np.ndarray | None]:
    """What may be seen, by name, as (batch heads query key): all, what is not later, what the inputs say."""
    told: dict[str, np.ndarray] = {}
    for name, array in inputs.items():
        if array.dtype.kind not in "bui" or (shown := _mask(array != 0, (batch, queries, keys))) is None:
            continue
        where = f"{name} True" if array.dtype == bool else f"{name} other than 0"
        told |= {f"keys with {where}": shown, f"keys without {where}": ~shown}
    behind = np.arange(queries)[:, None] - np.arange(keys) + max(keys - queries, 0)
    found: dict[str, np.ndarray] = {
        "keys not later than the query": behind >= 0,
        "keys not later than one after the query": behind >= -1,
        "keys earlier than the query": behind > 0,
        "keys not earlier than the query": behind <= 0,
    }
    for width in range(1, min(keys, windows + 1)):
        window = (behind >= 0) & (behind < width)
        found[f"keys not later than the query, and no more than {width} of them"] = window
    both = {f"{name}, {words}": mask & shown for name, mask in found.items() for words, shown in told.items()}
    return {"all keys": None, **told, **found, **both}


def _mask(shown: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray | None:
    """As (batch heads query key), where it says something of keys; None where it is no mask."""
    batch, queries, keys = shape
    if shown.shape == (batch, keys):
        return shown[:, None, None]
    if shown.ndim == 3:
        shown = shown[:, None]
    fits = shown.ndim in (2, 4) and shown.shape[-1] == keys and shown.shape[-2] in (1, queries)
    return shown if fits and (shown.ndim == 2 or shown.shape[0] in (1, batch)) else None
