"""The multiverse: a tree of continuations, each with its probability, from one cache of the prompt."""

from collections.abc import Callable
from importlib import import_module
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

import data
from study.play.growth import Growth
from study.play.language import Language
from study.play.log_probs import finite, log_softmax
from study.play.tree import Node, Tree
from train.config import ConfigError
from train.runs.load import Run
from train.sizes import gigabytes, memory


class Branches(Protocol):
    """Texts that begin alike, read in one framework: each has a copy of what the prompt left in the cache."""

    def read(self, prompt: Int[np.ndarray, "position"]) -> Float[np.ndarray, "batch vocab"]:
        """Read the prompt, once; logits of what follows it, one row."""

    def extend(
        self, parents: Int[np.ndarray, "batch"], tokens: Int[np.ndarray, "batch"]
    ) -> Float[np.ndarray, "batch vocab"]:
        """Go on from copies of some rows by a token each; these are the rows then. Logits of what follows."""


def check_fits(language: Language, prompt: str, growth: Growth) -> list[int]:
    """The prompt's tokens.

    Raises ConfigError where what follows does not fit the model, or the memory, and `data.DataError` where
    the model has no such tokens.
    """
    growth.check()
    (ids,) = language.prompts([prompt])
    data.check_ids([np.array(ids, np.int32)], language.config.vocab)
    room = language.positions + 1 - len(ids)
    if growth.depth > room:
        remedy = f"give {room} or less" if room > 0 else "shorten the prompt"
        raise ConfigError(
            f"depth={growth.depth}: after a prompt of {len(ids)} tokens the model, of {language.positions} "
            f"positions, has room for {max(0, room)}: {remedy}"
        )
    config, rows = language.config, growth.rows(growth.depth - 1)  # each with its cache, and its parent's
    row = 4 * config.layers * (len(ids) + growth.depth) * config.key_heads * config.width + config.vocab
    if (needed := 4 * rows * row) > memory():
        raise ConfigError(
            f"branch={growth.branch}, depth={growth.depth}, threshold={growth.threshold}: the branches take "
            f"{gigabytes(needed)}; there are {gigabytes(memory())}. Give less, or a larger threshold"
        )
    return ids


def grow(run: Run, language: Language, prompt: str, growth: Growth) -> Tree:
    """The tree of what may follow a prompt.

    The prompt is read once. Then the branches of a level are read together, each from its own copy of its
    parent's cache.

    Raises what `check_fits` raises, and RunError where the model gives no numbers.
    """
    ids = check_fits(language, prompt, growth)
    new: Callable[..., Branches] = import_module(f"study.play.{run.framework}_branches").Branches
    branches = new(run.model, run.params, len(ids) + growth.depth - 1)
    root = Node(ids[-1], 1.0, 1.0, ())
    level, logits = [root], branches.read(np.array(ids, np.int32))
    for depth in range(growth.depth):
        for node, row in zip(level, logits, strict=True):
            sprout(node, finite(run, log_softmax(row)), growth.branch)
        followed = [
            (parent, child)
            for parent, node in enumerate(level)
            for child in node.children
            if child.mass >= growth.threshold and child.token not in language.ends.ends
        ]
        if not followed or depth + 1 == growth.depth:
            break
        level = [child for _, child in followed]
        parents = np.array([parent for parent, _ in followed], np.int32)
        logits = branches.extend(parents, np.array([child.token for child in level], np.int32))
    return Tree(language, prompt, tuple(ids), growth, root)


def sprout(node: Node, row: Float[np.ndarray, "vocab"], branch: int) -> None:
    """Give a node its likeliest children, by the log-probabilities of what follows it."""
    order, probabilities = np.argsort(-row, kind="stable"), np.exp(row)
    node.entropy = float(-(probabilities * row).sum())
    node.pruned = node.mass * float(probabilities[order[branch:]].sum())
    for token in order[:branch].tolist():
        share = float(probabilities[token])
        node.children.append(Node(token, share, node.mass * share, (*node.path, token)))
