"""The attention weights of one text, head by head."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

import data
from train.config import ConfigError
from train.runs.load import Run
from train.runs.predict import with_own_marks
from train.runs.their_settings import KEPT

WHOLE = 2**31  # tokens: no text is cut
SPACE, LINE = "␣", "↵"


@dataclass(frozen=True)
class Heads:
    """Who looks where: for each layer, how much of each query's attention each key has."""

    title: str
    queries: tuple[str, ...]
    """The tokens that look."""
    keys: tuple[str, ...]
    """Those that are looked at; in self-attention the same."""
    weights: Float[np.ndarray, "layers heads query key"]
    seen: Bool[np.ndarray, "query key"]
    """False where a mask hides a key."""
    kind: str = ""
    """Of an encoder-decoder, which attention: "encoder", "decoder" or "cross"."""

    @property
    def itself(self) -> bool:
        """Whether a sequence looks at itself."""
        return self.queries == self.keys

    @property
    def shape(self) -> tuple[int, int]:
        """How many layers, and how many heads in each."""
        return self.weights.shape[0], self.weights.shape[1]


def of_ids(run: Run, ids: np.ndarray, tokens: tuple[str, ...], title: str) -> Heads:
    """The weights of every head for a row of tokens, in the framework that the run is open in."""
    weights = np.stack([*tapped(run, inputs(run, ids)).values()])
    everywhere = np.ones(weights.shape[-2:], bool)
    seen = np.tril(everywhere) if run.architecture.name.startswith("gpt") else everywhere
    return Heads(title, tokens, tokens, weights, seen)


def tapped(run: Run, arrays: Mapping[str, np.ndarray]) -> dict[str, Float[np.ndarray, "heads query key"]]:
    """By tap ("blocks.0/attention/weights"), the weights for a batch of one row."""
    module = import_module(f"study.attention.{run.framework}_weights")
    return {name: array[0] for name, array in module.weights(run.model, run.params, arrays).items()}


def inputs(run: Run, ids: np.ndarray) -> Mapping[str, np.ndarray]:
    """One row, as the model is called."""
    name = run.architecture.name
    row = {"ids": ids[None], "mask": np.ones((1, len(ids)), bool)}
    if name in ("bert_for_masked_lm", "bert_pretraining"):
        row["masked_positions"] = np.zeros((1, 1), np.int32)
    return row


def read(run: Run, text: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """A text's ids with the marks that the model was trained with, and its tokens for a person.

    Raises ConfigError: no tokens, or more than the model has positions.
    """
    positions, tokenizer = run.architecture.config.max_positions, run.tokenizer
    if not text.strip():
        raise ConfigError("text='': it has no tokens; write a sentence")
    if (run.folder / KEPT).exists():
        (ids,) = with_own_marks(tokenizer, [text], WHOLE)
    else:
        marked = run.architecture.name.startswith("bert")
        (ids,) = data.encode(tokenizer, [text], WHOLE, marked).examples
    if len(ids) > positions:
        raise ConfigError(f"the text has {len(ids)} tokens, and the model {positions} positions: shorten it")
    return ids, words(tokenizer, ids)


def words(tokenizer: Any, ids: np.ndarray) -> tuple[str, ...]:
    """Tokens as a person reads them."""
    return tuple(shown(tokenizer, int(number)) for number in ids)


def shown(tokenizer: Any, number: int) -> str:
    """A token as a person reads it: its own text, spaces and line ends visible."""
    token = str(tokenizer.id_to_token(number))
    text = tokenizer.decode([number], skip_special_tokens=False)
    if token.startswith("##") or not text or "\ufffd" in text:
        text = token
    if token.startswith(("Ġ", "▁", " ")) and not text.startswith(" "):
        text = " " + text
    return text.replace(" ", SPACE).replace("\n", LINE)
