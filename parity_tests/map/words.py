"""What the words in parameters' names mean: the field has many for few things."""

import re
from collections.abc import Sequence
from functools import cache

_MEANS = {
    "query": "q query wq",
    "key": "k key wk",
    "value": "v value wv",
    "output": "o out output wo",
    "norm": "norm layernorm ln rmsnorm batchnorm groupnorm bn gn",
    "up": "up fc1 fc wide intermediate lin1 w3 wi",
    "down": "down fc2 narrow lin2 w2",
    "gate": "gate w1",
    "token": "token tokens word words wte",
    "position": "position positions pos wpe",
    "segment": "segment segments type",
    "embed": "embed embedding embeddings emb",
    "attention": "attention attn self mha",
    "mlp": "mlp ffn feed forward ff",
    "final": "final f last",
    "head": "head lm classifier logits score",
    "conv": "conv convolution patch patches",
    "short": "short shortcut downsample skip",
    "ih": "ih ii if ig io ir iz in",
    "hh": "hh hi hf hg ho hr hz hn",
    "mean": "mean",
    "variance": "var variance",
    "bias": "bias beta",
    # That it lies in a layer, is a matrix or learned, does not say which part it is.
    "": "layer layers block blocks h encoder decoder model transformer module cell kernel weight scale gamma "
    "w proj projection lin dense linear c l running",
}
_MEANING = {word: meaning for meaning, words in _MEANS.items() for word in words.split()}
# What is one matrix in some models and several in others, in the order in which they lie there.
TOGETHER = ("query key value", "key value", "gate up", "i f g o", "r z n")


def pieces(name: str) -> list[str]:
    """A path's pieces; a number at the end of one is a piece of its own: "layers_0/up" has three."""
    parts = re.split(r"[./]", name)
    return [piece for part in parts for piece in re.split(r"_?(?<=[a-z_])(?=\d+$)", part) if piece]


def role(name: str) -> str:
    """What an array does in its part: "bias", "mean", "variance"; empty for what multiplies."""
    last = re.split(r"[./]", name)[-1]
    if re.fullmatch(r"b(_.*|\d*)|.*bias\d*", last):
        return "bias"
    words = last.split("_")
    said = {_meaning(word) for word in words}
    return next((role for role in ("bias", "mean", "variance") if role in said), "")


def owner(name: str) -> str:
    """The part that an array is of; empty for the model itself."""
    return name[: max(name.rfind("."), name.rfind("/"), 0)]


def likeness(one: str, other: str) -> float:
    """How much of what two names say is the same, from 0 to 1."""
    left, right = _meanings(one), _meanings(other)
    return len(left & right) / len(left | right) if left | right else 1.0


def in_known_order(names: Sequence[str]) -> list[str] | None:
    """Parts that are known to lie in one matrix together, in their order; None where they are not known."""
    for known in (words.split() for words in TOGETHER):
        for said in (_meanings, _gates):
            found = {word: name for name in names for word in said(name) if word in known}
            if len(names) == len(known) == len(set(found.values())):
                return [found[word] for word in known]
    return None


@cache
def _meanings(name: str) -> set[str]:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return {_meaning(word) for word in re.split(r"[./_]", words)} - {""}


def _meaning(word: str) -> str:
    """What a word means; itself without its number, where it is not known."""
    bare = word.rstrip("0123456789")
    return _MEANING.get(word, _MEANING.get(bare, bare))


def _gates(name: str) -> set[str]:
    """The gate that a recurrent cell's parameter is of: "hf" is f's."""
    return {piece[-1] for piece in pieces(name) if len(piece) == 2}
