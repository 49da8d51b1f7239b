"""The attention of an encoder-decoder: of the source, of what the model writes, and from one to the other."""

from typing import Any

import numpy as np

from data.sets.reversal import BEGIN, END, FIRST_SYMBOL
from study.attention.heads import Heads, tapped, words
from train.config import ConfigError
from train.loops.backend import backend
from train.runs.load import Run


def of_source(run: Run, text: str) -> list[Heads]:
    """The three attentions: encoder, decoder and cross, for a source and the likeliest target.

    A row of the decoder reads a token and writes the next one, from the mark that begins a text on.

    Raises ConfigError: no symbols, one that the model does not know, or more than it has positions.
    """
    source = read(run, text)
    config: Any = run.architecture.config
    mask, positions = np.ones((1, len(source)), bool), config.max_positions
    (found,) = backend(run.framework).greedy(run.model, run.params, source[None], mask, BEGIN, positions)
    written = found[: np.argmax(found == END) + 1] if END in found else found
    target = np.concatenate([[BEGIN], written[:-1]]).astype(np.int32)
    arrays = tapped(run, {"source": source[None], "target": target[None], "source_mask": mask})
    before, after, following = (words(run.tokenizer, ids) for ids in (source, target, written))
    steps = tuple(f"{read} → {next}" for read, next in zip(after, following, strict=True))
    causal = np.tri(len(target), dtype=bool)
    kinds = {
        "encoder": (before, before, np.ones((len(source), len(source)), bool), "encoder.#/attention/weights"),
        "decoder": (after, after, causal, "decoder.#/attention/weights"),
        "cross": (
            steps,
            before,
            np.ones((len(target), len(source)), bool),
            "decoder.#/cross_attention/weights",
        ),
    }
    layers = range(config.layers)
    return [
        Heads(text, queries, keys, np.stack([arrays[tap.replace("#", str(n))] for n in layers]), seen, kind)
        for kind, (queries, keys, seen, tap) in kinds.items()
    ]


def read(run: Run, text: str) -> np.ndarray:
    """The ids of a source. Raises ConfigError."""
    vocab = run.architecture.config.vocab
    names = [str(run.tokenizer.id_to_token(number)) for number in range(FIRST_SYMBOL, vocab)]
    known = {name: number for number, name in enumerate(names, FIRST_SYMBOL)}
    for symbol in text.split():
        if symbol not in known:
            raise ConfigError(
                f"{symbol!r} is no symbol of this model: write some of {names[0]} to {names[-1]}, with spaces"
            )
    source = np.array([known[symbol] for symbol in text.split()], np.int32)
    if not len(source):
        raise ConfigError(f"{text=}: it has no symbols; write some of {names[0]} to {names[-1]}, with spaces")
    positions = run.architecture.config.max_positions
    if len(source) >= positions:
        raise ConfigError(
            f"the text has {len(source)} symbols, and the model {positions} positions, one of which is the "
            "end's: shorten it"
        )
    return source
