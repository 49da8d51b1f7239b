"""Pretrained checkpoints: Hugging Face's names, layouts and configurations, and ours.

One table an architecture, one row a tensor of theirs. A row's einops pattern names the axes of their layout
on the left and of ours, Flax's, on the right; read backwards it converts back. Every tensor is used exactly
once, or an error names it; what is no parameter, or a second copy of one, is listed by name. Arrays move,
numbers do not change.

Names of ours are flat ("blocks_0/attention/query/kernel"). In a name ``#`` stands for the number of a
layer. ``{query,key,value}`` are several of our parameters that are one tensor of theirs: the first axis of
our side of the pattern numbers them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from einops import EinopsError, rearrange

from data.errors import DataError
from data.pretrained_config import KINDS, head_dim_of, is_tied

Arrays = dict[str, np.ndarray]
SPLIT = "(heads head_dim) embed -> embed heads head_dim"
MERGE = "embed (heads head_dim) -> heads head_dim embed"
FLAT = "(heads head_dim) -> heads head_dim"
TURN = "outputs inputs -> inputs outputs"
SAME2, SAME1 = "entries embed -> entries embed", "embed -> embed"


class Row(NamedTuple):
    """One kind of tensor: its name at Hugging Face, ours, and its axes in both layouts."""

    theirs: str
    ours: str
    axes: str


OUTPUT = Row("lm_head.weight", "output_embedding/embedding", SAME2)


@dataclass(frozen=True)
class Table:
    """The table of one ``model_type``.

    ``base`` begins the names of the model without its heads; a checkpoint of that alone has it left out.
    ``ignored`` are patterns of tensors that are no parameters, ``copies`` name tensors that are others again.
    """

    base: str
    rows: tuple[Row, ...]
    ignored: tuple[str, ...] = ()
    copies: Mapping[str, str] = field(default_factory=dict)


def _dense(theirs: str, ours: str) -> tuple[Row, Row]:
    return Row(f"{theirs}.weight", f"{ours}/kernel", TURN), Row(f"{theirs}.bias", f"{ours}/bias", SAME1)


def _conv1d(theirs: str, ours: str) -> tuple[Row, Row]:
    """OpenAI's linear layers, which Hugging Face kept: (inputs outputs), as Flax's are."""
    return Row(f"{theirs}.weight", f"{ours}/kernel", SAME2), Row(f"{theirs}.bias", f"{ours}/bias", SAME1)


def _norm(theirs: str, ours: str) -> tuple[Row, Row]:
    return Row(f"{theirs}.weight", f"{ours}/scale", SAME1), Row(f"{theirs}.bias", f"{ours}/bias", SAME1)


def _bert() -> Table:
    theirs, ours = "bert.encoder.layer.#", "bert/blocks_#"
    attention = [
        row
        for name in ("query", "key", "value")
        for row in (
            Row(f"{theirs}.attention.self.{name}.weight", f"{ours}/attention/{name}/kernel", SPLIT),
            Row(f"{theirs}.attention.self.{name}.bias", f"{ours}/attention/{name}/bias", FLAT),
        )
    ]
    embeddings = [
        Row(f"bert.embeddings.{their}_embeddings.weight", f"bert/embeddings/{our}_embedding/embedding", SAME2)
        for their, our in (("word", "token"), ("position", "position"), ("token_type", "segment"))
    ]
    rows = (
        *embeddings,
        *_norm("bert.embeddings.LayerNorm", "bert/embeddings/norm"),
        *attention,
        Row(f"{theirs}.attention.output.dense.weight", f"{ours}/attention/output/kernel", MERGE),
        Row(f"{theirs}.attention.output.dense.bias", f"{ours}/attention/output/bias", SAME1),
        *_norm(f"{theirs}.attention.output.LayerNorm", f"{ours}/attention_norm"),
        *_dense(f"{theirs}.intermediate.dense", f"{ours}/feed_forward/up"),
        *_dense(f"{theirs}.output.dense", f"{ours}/feed_forward/down"),
        *_norm(f"{theirs}.output.LayerNorm", f"{ours}/feed_forward_norm"),
        *_dense("bert.pooler.dense", "pooler/dense"),
        *_dense("cls.predictions.transform.dense", "words/transform"),
        *_norm("cls.predictions.transform.LayerNorm", "words/norm"),
        Row("cls.predictions.bias", "words/word_bias", SAME1),
        *_dense("cls.seq_relationship", "next_sentence"),
        *_dense("classifier", "head"),
    )
    copies = {
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }
    return Table("bert.", rows, (r".*\.position_ids",), copies)


def _gpt(token: str, position: str, tied: bool) -> Table:
    theirs, ours = "transformer.h.#", "blocks_#"
    split = "{query,key,value}"
    rows = (
        Row(f"transformer.{token}.weight", "embeddings/token_embedding/embedding", SAME2),
        *([] if tied else [OUTPUT]),
        Row(f"transformer.{position}.weight", "embeddings/position_embedding/embedding", SAME2),
        *_norm(f"{theirs}.ln_1", f"{ours}/attention_norm"),
        Row(
            f"{theirs}.attn.c_attn.weight",
            f"{ours}/attention/{split}/kernel",
            "embed (three heads head_dim) -> three embed heads head_dim",
        ),
        Row(
            f"{theirs}.attn.c_attn.bias",
            f"{ours}/attention/{split}/bias",
            "(three heads head_dim) -> three heads head_dim",
        ),
        Row(
            f"{theirs}.attn.c_proj.weight",
            f"{ours}/attention/output/kernel",
            "(heads head_dim) embed -> heads head_dim embed",
        ),
        Row(f"{theirs}.attn.c_proj.bias", f"{ours}/attention/output/bias", SAME1),
        *_norm(f"{theirs}.ln_2", f"{ours}/feed_forward_norm"),
        *_conv1d(f"{theirs}.mlp.c_fc", f"{ours}/feed_forward/up"),
        *_conv1d(f"{theirs}.mlp.c_proj", f"{ours}/feed_forward/down"),
        *_norm("transformer.ln_f", "final_norm"),
    )
    ignored = (r".*\.attn\.bias", r".*\.attn\.masked_bias")  # the causal mask
    copies = {OUTPUT.theirs: f"transformer.{token}.weight"} if tied else {}
    return Table("transformer.", rows, ignored, copies)


def _llama(tied: bool) -> Table:
    theirs, ours = "model.layers.#", "blocks_#"
    token = Row("model.embed_tokens.weight", "embeddings/token_embedding/embedding", SAME2)
    attention = [
        Row(f"{theirs}.self_attn.{name[0]}_proj.weight", f"{ours}/attention/{name}/kernel", SPLIT)
        for name in ("query", "key", "value")
    ]
    feed_forward = [
        Row(f"{theirs}.mlp.{name}_proj.weight", f"{ours}/feed_forward/{name}/kernel", TURN)
        for name in ("gate", "up", "down")
    ]
    rows = (
        token,
        *([] if tied else [OUTPUT]),
        *attention,
        Row(f"{theirs}.self_attn.o_proj.weight", f"{ours}/attention/output/kernel", MERGE),
        *feed_forward,
        Row(f"{theirs}.input_layernorm.weight", f"{ours}/attention_norm/scale", SAME1),
        Row(f"{theirs}.post_attention_layernorm.weight", f"{ours}/feed_forward_norm/scale", SAME1),
        Row("model.norm.weight", "final_norm/scale", SAME1),
    )
    copies = {OUTPUT.theirs: token.theirs} if tied else {}
    return Table("model.", rows, (r".*\.rotary_emb\.inv_freq",), copies)


def from_hugging_face(state: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> Arrays:
    """Our flat parameters from a checkpoint's tensors; ``config`` is its config.json.

    Raises:
        DataError: naming the tensor that no row takes, that two give, or that does not fit its row.
    """
    table = _table(config)
    head_dim = head_dim_of(config)
    full = {_full_name(name, table): array for name, array in state.items()}
    if len(full) != len(state):
        raise DataError(f"tensors occur twice, with and without {table.base!r} before their names.")
    converted: Arrays = {}
    for name, array in full.items():
        if any(re.fullmatch(pattern, name) for pattern in table.ignored):
            continue
        if name in table.copies:
            original = table.copies[name]
            if original not in full or not np.array_equal(array, full[original], equal_nan=True):
                raise DataError(f"{name} is no copy of {original}: this model is not tied.")
            continue
        row, number = _claim(name, "theirs", table)
        names = _members(row.ours.replace("#", number))
        moved = _move(array, row.axes, name, head_dim, len(names))
        converted.update(zip(names, moved if len(names) > 1 else [moved], strict=True))
    return converted


def to_hugging_face(params: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> Arrays:
    """A checkpoint's tensors from our flat parameters: `from_hugging_face` backwards, without copies.

    Raises:
        DataError: naming the parameter that no row takes, that is missing, or that does not fit its row.
    """
    table = _table(config)
    head_dim = head_dim_of(config)
    converted: Arrays = {}
    for name in params:
        row, number = _claim(name, "ours", table)
        target = row.theirs.replace("#", number)
        if target in converted:
            continue
        names = _members(row.ours.replace("#", number))
        missing = [member for member in names if member not in params]
        if missing:
            raise DataError(f"{target} is made of {names}, but {missing} are missing.")
        whole = params[name] if len(names) == 1 else np.stack([params[member] for member in names])
        left, right = row.axes.split(" -> ")
        converted[target] = _move(whole, f"{right} -> {left}", name, head_dim, len(names))
    return converted


def _table(config: Mapping[str, Any]) -> Table:
    kind = config.get("model_type")
    if kind == "bert":
        return _bert()
    if kind == "gpt2":
        return _gpt("wte", "wpe", is_tied(config))
    if kind == "openai-gpt":
        return _gpt("tokens_embed", "positions_embed", is_tied(config))
    if kind == "llama":
        return _llama(is_tied(config))
    raise DataError(f"model_type={kind!r}: choose a checkpoint of {', '.join(KINDS)}.")


def _full_name(name: str, table: Table) -> str:
    """The name as a model with heads has it. Checkpoints of BERT from TensorFlow say gamma and beta."""
    name = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", name)
    name = re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name)
    based = table.base + name
    rows = [row.theirs for row in table.rows]
    inner = any(re.fullmatch(re.escape(row).replace(r"\#", r"\d+"), based) for row in rows)
    return based if inner else name


def _claim(name: str, side: str, table: Table) -> tuple[Row, str]:
    """The one row that takes a tensor, and the number of its layer."""
    claims = []
    for row in table.rows:
        pattern = re.escape(getattr(row, side)).replace(r"\#", r"(\d+)")
        pattern = re.sub(r"\\\{(.*?)\\\}", lambda names: f"(?:{names[1].replace(',', '|')})", pattern)
        if match := re.fullmatch(pattern, name):
            claims.append((row, match[1] if match.groups() else ""))
    if len(claims) != 1:
        rows = [getattr(row, side) for row, _ in claims]
        raise DataError(f"{name} is taken by {rows or 'no row'} of the table; exactly one row must take it.")
    return claims[0]


def _members(ours: str) -> list[str]:
    """The names that braces in a name stand for."""
    match = re.search(r"\{(.*)\}", ours)
    return [ours.replace(match[0], name) for name in match[1].split(",")] if match else [ours]


def _move(array: np.ndarray, axes: str, name: str, head_dim: int, members: int) -> np.ndarray:
    known = {"head_dim": head_dim, "three": members}
    sizes = {axis: size for axis, size in known.items() if re.search(rf"\b{axis}\b", axes)}
    try:
        return np.ascontiguousarray(rearrange(array, axes, **sizes))
    except EinopsError as error:
        raise DataError(
            f"{name} of shape {array.shape} does not fit its row {axes!r} with {sizes}."
        ) from error
