"""Attention weights of a model of one's own, drawn as those of a run.

twinformer.draw_attention(model(**inputs, output_attentions=True).attentions, words, "heads.png")
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from study.attention.draw import save
from study.attention.heads import Heads
from study.attention.statistics import Head, statistics
from train.config import ConfigError
from train.paths import check_file

SUFFIXES = (".png", ".svg", ".pdf", ".html")
OFF = 0.01  # of a row's sum: bfloat16 rounds a weight by 0.4 %
SDPA = "transformers keeps them where the model was loaded with attn_implementation='eager'"


def draw_attention(
    weights: Any,
    words: Iterable[str],
    out: str | Path,
    *,
    keys: Iterable[str] | None = None,
    mask: Any = None,
    row: int | None = None,
    layer: int | None = None,
    head: int | None = None,
) -> list[Head]:
    """Write a picture or a page of attention weights, and return what each head does.

    Args:
        weights: an array (layers heads query key) or (heads query key) of numpy, JAX or PyTorch; or a list of
            arrays, one a layer in their order, each (batch heads query key) or (heads query key). They are
            what a softmax over the keys gives, before any dropout.
        words: the tokens that look, one a query.
        out: a file that ends with .png, .svg, .pdf or .html.
        keys: the tokens that are looked at, where they are others, as in cross-attention.
        mask: True or 1 where a query may look at a key: (query key), or (key) for all queries; axes of size 1
            may stand before. What it hides is grey.
        row: which one of a batch, counted from 0.
        layer: one layer alone, counted from 0.
        head: with ``layer``, one head over its words.

    Raises ConfigError, which names the argument: words of another number, rows that do not sum to one, NaN,
    a mask that hides what is looked at, a batch without ``row``.
    """
    check_file("out", out := Path(out), SUFFIXES)
    stacked = _stacked(weights, row)
    queries = _words("words", words, stacked.shape[2], "query")
    looked = queries if keys is None else _words("keys", keys, stacked.shape[3], "key")
    if len(looked) != stacked.shape[3]:
        raise ConfigError(
            f"words: {len(looked)}, but there are {stacked.shape[3]} keys; name them with keys="
        )
    seen = _mask(mask, (len(queries), len(looked)))
    _check(stacked, seen)
    for name, number, count in (("layer", layer, stacked.shape[0]), ("head", head, stacked.shape[1])):
        if number is not None and not 0 <= number < count:
            raise ConfigError(f"{name}={number}: there are {count}; give one from 0 to {count - 1}")
    if head is not None and layer is None:
        raise ConfigError(f"head={head}: of which layer? give layer too")
    found = Heads("weights of one's own", queries, looked, stacked, seen)
    each = statistics(found)
    save([found], each, out, layer, head, "Drawn by Twinformer.")
    return each


def _stacked(weights: Any, row: int | None) -> Float[np.ndarray, "layers heads query key"]:
    """All layers as one array."""
    if weights is None:
        raise ConfigError(f"weights=None: {SDPA}")
    if isinstance(weights, list | tuple):
        if not weights:
            raise ConfigError("weights: there are none; give an array, or a list of one a layer")
        layers = [_layer(f"weights[{number}]", one, row) for number, one in enumerate(weights)]
        for number, one in enumerate(layers):
            if one.shape != layers[0].shape:
                raise ConfigError(
                    f"weights[{number}] is {one.shape}, but weights[0] {layers[0].shape} (heads query key): "
                    "give layers that are alike"
                )
        found = np.stack(layers)
    else:
        found = _array("weights", weights)
        if row is not None:
            raise ConfigError(
                f"row={row}: goes with a list of arrays, one a layer; an array's first axis is layers"
            )
        found = found[None] if found.ndim == 3 else found
    if found.ndim != 4 or not found.size:
        raise ConfigError(
            f"weights of shape {found.shape}: give (layers heads query key) or a list, one a layer"
        )
    return found


def _layer(name: str, value: Any, row: int | None) -> Float[np.ndarray, "heads query key"]:
    """One layer's weights, of one row of its batch."""
    array = _array(name, value)
    if array.ndim == 3 and row is None:
        return array
    if array.ndim != 4:
        extra = ", where row= has no batch to choose from" if array.ndim == 3 else ""
        raise ConfigError(
            f"{name} of shape {array.shape}{extra}: give (batch heads query key) or (heads query key)"
        )
    if row is None and len(array) != 1:
        raise ConfigError(f"{name} holds {len(array)} rows: say which with row=, from 0 to {len(array) - 1}")
    if row is not None and not 0 <= row < len(array):
        raise ConfigError(f"row={row}: {name} holds {len(array)}; give one from 0 to {len(array) - 1}")
    return array[row or 0]


def _array(name: str, value: Any) -> Float[np.ndarray, "..."]:
    """An array of either framework as numpy, in float64."""
    if value is None:
        raise ConfigError(f"{name} is None: {SDPA}")
    if hasattr(value, "detach"):  # PyTorch's
        value = value.detach().cpu().double()
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        kind = type(value).__name__
        raise ConfigError(f"{name} is no array but {kind}: give arrays in a list, one a layer") from error
    return array


def _words(name: str, given: Any, count: int, axis: str) -> tuple[str, ...]:
    """One word a token."""
    words = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (None,)
    if not all(isinstance(word, str) for word in words):
        raise ConfigError(f"{name}={given!r:.60}: give a list of texts, one a token")
    if len(words) != count:
        raise ConfigError(
            f"{name}: {len(words)}, but the weights have {count} along the axis {axis}; give one each"
        )
    return words


def _mask(mask: Any, shape: tuple[int, int]) -> Bool[np.ndarray, "query key"]:
    """Where a query may look at a key."""
    if mask is None:
        return np.ones(shape, bool)
    array = _array("mask", mask)
    if not np.isin(array, (0.0, 1.0)).all():
        raise ConfigError("mask holds other numbers than 0 and 1: it is True or 1 where a query may look")
    array = array.reshape(
        [size for place, size in enumerate(array.shape) if size != 1 or place >= array.ndim - 2]
    )
    try:
        return np.broadcast_to(array.astype(bool), shape).copy()
    except ValueError as error:
        raise ConfigError(f"mask of shape {array.shape}: the weights are {shape} (query key)") from error


def _check(weights: Float[np.ndarray, "layers heads query key"], seen: Bool[np.ndarray, "query key"]) -> None:
    """Raise ConfigError, naming the place, where these are no weights of attention."""
    sums = weights.sum(axis=-1)
    blind = ~seen.any(axis=-1)  # a query that may see no key
    for wrong, words in (
        (~np.isfinite(weights).all(axis=-1), "holds what is no finite number"),
        ((weights < 0.0).any(axis=-1), "goes below zero: give the weights after the softmax, no scores"),
        (
            (abs(sums - 1.0) > OFF) & ~blind,
            "sums to {:.3f}, not to one: give the weights after the softmax, and without dropout (eval mode)",
        ),
        (
            ((weights > OFF) & ~seen).any(axis=-1) & ~blind,
            "looks at what the mask hides: the mask is True or 1 where a query may look",
        ),
    ):
        if wrong.any():
            layer, head, query = map(int, np.argwhere(wrong)[0])
            said = words.format(sums[layer, head, query])
            raise ConfigError(f"weights of layer {layer}, head {head}: the row of query {query} {said}")
