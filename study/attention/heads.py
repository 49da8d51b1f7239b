"""The attention weights of one text, head by head."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float

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
    tokens: tuple[str, ...]
    layers: tuple[str, ...]
    """The taps' names: "blocks.0/attention/weights"."""
    weights: Float[np.ndarray, "layers heads position position"]
    causal: bool
    """Whether no token sees what comes after it."""

    @property
    def shape(self) -> tuple[int, int]:
        """How many layers, and how many heads in each."""
        return self.weights.shape[0], self.weights.shape[1]


def of_ids(run: Run, ids: np.ndarray, tokens: tuple[str, ...], title: str) -> Heads:
    """The weights of every head for a row of tokens, in the framework that the run is open in.

    Raises ConfigError on an encoder-decoder.
    """
    module = import_module(f"study.attention.{run.framework}_weights")
    found = module.weights(run.model, run.params, inputs(run, ids))
    weights = np.stack([array[0] for array in found.values()])
    return Heads(title, tokens, tuple(found), weights, run.architecture.name.startswith("gpt"))


def inputs(run: Run, ids: np.ndarray) -> Mapping[str, np.ndarray]:
    """One row, as the model is called."""
    name = run.architecture.name
    if name == "encoder_decoder":
        raise ConfigError(f"{run.folder} holds an encoder-decoder, which reads two texts; give another run")
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
    return ids, tuple(shown(tokenizer, int(number)) for number in ids)


def shown(tokenizer: Any, number: int) -> str:
    """A token as a person reads it: its own text, spaces and line ends visible."""
    token = str(tokenizer.id_to_token(number))
    text = tokenizer.decode([number], skip_special_tokens=False)
    if token.startswith("##") or not text or "\ufffd" in text:
        text = token
    if token.startswith(("Ġ", "▁", " ")) and not text.startswith(" "):
        text = " " + text
    return text.replace(" ", SPACE).replace("\n", LINE)
