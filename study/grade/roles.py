"""How much a weight's name says about its role in the reference."""

import re
from typing import NamedTuple

# By the reference's layer, what people call it.
WORDS = {
    "query": "q query queries",
    "key": "k key keys",
    "value": "v value values val",
    "query_projection": "q query queries",
    "key_projection": "k key keys",
    "value_projection": "v value values val",
    "output": "o out output proj projection unify combine concat dense fc mix",
    "up": "up in 1 first fc hidden expand intermediate i",
    "down": "down out 2 second proj contract output o",
    "attention_norm": "1 attention attn att first a",
    "feed_forward_norm": "2 ff ffn feed forward mlp second b",
    "final_norm": "f final last out end",
    "token_embedding": "token tokens tok word words wte te vocab t",
    "position_embedding": "position positions pos positional wpe pe place p",
    "segment_embedding": "segment segments seg type types token_type s",
    "output_embedding": "head lm output unembed logits decoder out vocab",
    "head": "head classifier logits output out fc cls linear classes",
    "transform": "transform dense linear fc proj",
    "norm": "norm ln layer",
    "word_bias": "bias word decoder",
}
VAGUE = {"proj", "projection", "dense", "linear", "fc", "layer", "norm"}  # words that many layers have
# What a weight's path says of the branch that it lies in.
BRANCHES = {
    "attention": "attn attention att mha self sa heads multi multihead",
    "feed_forward": "ff ffn mlp feed feedforward fc net",
    "words": "mlm head words predictions cls lm transform decoder",
    "embeddings": "embeddings embed embedding emb",
}
LEAVES = {
    "kernel": "weight kernel embedding w scale gamma g table",
    "bias": "bias b beta shift",
}
_LEAF = {word: leaf for leaf, words in LEAVES.items() for word in words.split()}
_BEFORE = re.compile(r"(weight|kernel|bias)_?(.+)|([wb])(_.+|.{1,2})", re.IGNORECASE)
_AFTER = re.compile(r"(.+)_(weight|kernel|bias|w|b)", re.IGNORECASE)
WHOLE = ("wte", "wpe")  # which are no W of anything


class Named(NamedTuple):
    """A weight's name: the layer that it belongs to, and whether it is its bias."""

    owner: str
    bias: bool


def named(name: str, dimensions: int) -> Named:
    """The owner of a weight: "blocks.0.q" of "blocks.0.q.weight"; "q" of a bare "W_q" and of "b_q"."""
    parent, _, last = name.replace("/", ".").rpartition(".")
    if last.lower() in _LEAF:
        return Named(parent, _LEAF[last.lower()] == "bias")
    if last not in WHOLE and (found := _AFTER.fullmatch(last) or _BEFORE.fullmatch(last)):
        kind, word = (piece for piece in found.groups() if piece)
        if found.re is _AFTER:
            kind, word = word, kind
        return Named(
            f"{parent}.{word.strip('_')}".strip("."), kind.lower() in ("b", "bias") and dimensions == 1
        )
    return Named(name.replace("/", "."), False)


def words(path: str) -> list[list[str]]:
    """The words of each piece of a path: "attn.queryProj_1" is [["attn"], ["query", "proj", "1"]]."""
    return [
        [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", piece)]
        for piece in re.split(r"[./]", path)
    ]


def score(owner: str, layer: str) -> int:
    """How well a learner's owner is named for a layer of the reference, "blocks_0/attention/query"."""
    pieces = words(owner)
    known = set(WORDS.get(layer.rpartition("/")[2], "").split())
    branch = next((name for name in BRANCHES if f"/{name}/" in f"/{layer}"), "")
    around = set(BRANCHES.get(branch, "").split())
    own = sum((1 if word in VAGUE else 4) for word in pieces[-1] if word in known) if pieces else 0
    before = sum(word in known for piece in pieces[:-1] for word in piece)
    return own + before + 2 * any(word in around for piece in pieces for word in piece)


def block_of(path: str) -> int | None:
    """The first number in a path: the block that a weight is in, if there are several."""
    found = re.search(r"\d+", path)
    return int(found[0]) if found else None
