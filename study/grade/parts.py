"""What can be graded: attention, heads, a block, and the three models, with the sizes they are built in.

Every size that can be its own is another number, so that a shape tells whose axis it is. A row has a real
token at least: what a query that may see nothing gets is nobody's mistake.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from parity_tests.runners.arrays import Inputs
from parity_tests.twins.inputs import Twin
from parity_tests.twins.registry import MODELS, PARTS

BATCH, POSITION, KEY = 3, 7, 5
HEADS, HEAD_DIM = 3, 4
SIZES = {
    "embed": HEADS * HEAD_DIM,
    "heads": HEADS,
    "head_dim": HEAD_DIM,
    "mlp": 20,
    "vocab": 17,
    "max_positions": 9,
    "segments": 2,
    "classes": 6,
    "layers": 2,
}
# The cases, as they end a sentence.
ANY, PADDED, CAUSAL = "where every key is seen", "under a padding mask", "under a causal mask"
FEWER = "with fewer keys than queries"


@dataclass(frozen=True)
class Part:
    """One exercise: what a learner's function or module is built with and called with, and our twin of it."""

    name: str
    aliases: tuple[str, ...]
    """What people call it, in small letters without underscores, the likeliest first."""
    arguments: tuple[str, ...]
    """What it is called with, in order; a mask may be left out where all keys are seen."""
    output: str
    """The axes of what it returns."""
    twin: Twin
    cases: Callable[[np.random.Generator], dict[str, Inputs]]
    """Inputs by what they try, as the learner gets them."""
    ours: Callable[[Inputs], Inputs] = field(default=lambda inputs: inputs)
    """The same as our twin gets them."""

    @property
    def sizes(self) -> dict[str, int]:
        """What a learner's module is built with, by the axis's name."""
        return {name: SIZES[name] for name in self.twin.arguments}

    @cached_property
    def asked(self) -> dict[str, Inputs]:
        """The inputs that every learner gets, by case."""
        return self.cases(np.random.default_rng(1))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what it returns."""
        lengths = {"batch": BATCH, "position": POSITION, **SIZES}
        return tuple(lengths[axis] for axis in self.output.split())


def _lengths(position: int) -> np.ndarray:
    """True at the real tokens of rows with all, some and one."""
    return np.arange(position)[None, :] < np.array([position, position // 2, 1])[:, None]


def _attention(rng: np.random.Generator) -> dict[str, Inputs]:
    def drawn(key: int) -> Inputs:
        lengths = {"query": POSITION, "key": key, "value": key}
        return {name: rng.standard_normal((BATCH, length, HEAD_DIM)) for name, length in lengths.items()}

    return {
        **_masked(drawn(POSITION), heads=False),
        FEWER: {**drawn(KEY), "mask": np.ones((BATCH, POSITION, KEY), bool)},
    }


def _masked(free: Inputs, heads: bool) -> dict[str, Inputs]:
    """Under each mask, (batch query key), or (batch 1 query key) where there are several heads."""
    shape = (BATCH, POSITION, POSITION)
    masks = {
        ANY: np.ones(shape, bool),
        PADDED: np.broadcast_to(_lengths(POSITION)[:, None], shape),
        CAUSAL: np.broadcast_to(np.tri(POSITION, dtype=bool), shape),
    }
    return {case: {**free, "mask": mask[:, None] if heads else mask} for case, mask in masks.items()}


def _hidden(heads: bool) -> Callable[[np.random.Generator], dict[str, Inputs]]:
    return lambda rng: _masked({"x": rng.standard_normal((BATCH, POSITION, SIZES["embed"]))}, heads)


def _tokens(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(1, SIZES["vocab"], (BATCH, POSITION), dtype=np.int32)


def _classified(rng: np.random.Generator) -> dict[str, Inputs]:
    ids = _tokens(rng)
    real = _lengths(POSITION)
    return {
        ANY: {"ids": ids, "mask": np.ones_like(real)},
        PADDED: {"ids": np.where(real, ids, 0).astype(np.int32), "mask": real},
    }


def _bert(rng: np.random.Generator) -> dict[str, Inputs]:
    begins = np.array([[3], [2], [0]])
    segment_ids = (np.arange(POSITION) >= begins).astype(np.int32)
    return {
        name: {"ids": case["ids"], "segment_ids": segment_ids, "mask": case["mask"]}
        for name, case in _classified(rng).items()
    }


def _needed(inputs: Inputs) -> Inputs:
    """Without a mask that hides nothing, as a learner is called."""
    return {name: array for name, array in inputs.items() if name != "mask" or not array.all()}


def _itself(inputs: Inputs) -> Inputs:
    """x attends to itself."""
    return {**_needed(inputs), "context": inputs["x"]}


def _all_positions(inputs: Inputs) -> Inputs:
    """The words at every position are asked for."""
    places = np.broadcast_to(np.arange(POSITION, dtype=np.int32), (BATCH, POSITION))
    return {**inputs, "masked_positions": places}


def _twin(pair: Any, *sizes: str, **settings: Any) -> Twin:
    chosen: Mapping[str, Any] = {name: SIZES[name] for name in sizes}
    return Twin("reference", pair, lambda rng: {}, {**chosen, **settings})


_BLOCK = ("embed", "heads", "mlp")
_MODEL = ("vocab", "max_positions", *_BLOCK, "layers")

TABLE = (
    Part(
        "attention",
        ("scaleddotproductattention", "dotproductattention", "sdpa", "attention", "attend"),
        ("query", "key", "value", "mask"),
        "batch position head_dim",
        _twin(PARTS["scaled_dot_product_attention"]),
        _attention,
        _needed,
    ),
    Part(
        "single_head",
        ("singleheadattention", "singlehead", "onehead", "selfattention", "attentionhead", "head"),
        ("x", "mask"),
        "batch position head_dim",
        _twin(PARTS["SingleHeadAttention"], "embed", "head_dim"),
        _hidden(heads=False),
        _itself,
    ),
    Part(
        "multi_head",
        ("multiheadattention", "multihead", "multiheadselfattention", "mha", "selfattention", "attention"),
        ("x", "mask"),
        "batch position embed",
        _twin(PARTS["MultiHeadAttention"], "embed", "heads"),
        _hidden(heads=True),
        _itself,
    ),
    Part(
        "block",
        ("transformerblock", "block", "encoderblock", "transformerencoderlayer", "encoderlayer", "layer"),
        ("x", "mask"),
        "batch position embed",
        _twin(PARTS["TransformerBlock"], *_BLOCK),
        _hidden(heads=True),
        _needed,
    ),
    Part(
        "classifier",
        ("textclassifier", "transformerclassifier", "sentimentclassifier", "classifier"),
        ("ids", "mask"),
        "batch classes",
        _twin(MODELS["classifier"], *_MODEL, "classes"),
        _classified,
    ),
    Part(
        "bert",
        ("bertformaskedlm", "bert", "maskedlm", "bertmodel"),
        ("ids", "segment_ids", "mask"),
        "batch position vocab",
        _twin(MODELS["bert_for_masked_lm"], *_MODEL, "segments"),
        _bert,
        _all_positions,
    ),
    Part(
        "gpt",
        ("gpt", "gptmodel", "languagemodel", "decoder", "transformer"),
        ("ids",),
        "batch position vocab",
        _twin(MODELS["gpt"], *_MODEL),
        lambda rng: {ANY: {"ids": _tokens(rng)}},
    ),
)
BY_NAME = {part.name: part for part in TABLE}
