"""Checkpoints of Hugging Face: their names and layouts, and ours.

One table an architecture, with Flax's names of ours on the left and their names on the right. Every tensor
is used exactly once, or an error names it; what is no parameter, or a second copy of one, is listed by name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from torch_impl.config import BertConfig, GPTConfig
from torch_impl.convert.config_json import ConvertError, our_config
from torch_impl.convert.engine import Arrays, to_flax, to_torch
from torch_impl.convert.row import Row, match

SPLIT = "embed heads head_dim -> (heads head_dim) embed"
MERGE = "heads head_dim embed -> embed (heads head_dim)"
FLAT = "heads head_dim -> (heads head_dim)"
TURN = "inputs outputs -> outputs inputs"
SAME2, SAME1 = "entries embed -> entries embed", "embed -> embed"
OUTPUT = Row("output_embedding/embedding", "lm_head.weight", SAME2)


@dataclass(frozen=True)
class Table:
    """The table of one ``model_type``.

    ``base`` begins the names of the model without its heads; a checkpoint of that alone has it left out.
    ``ignored`` are names of tensors that are no parameters, ``copies`` of tensors that are others again.
    """

    base: str
    rows: Sequence[Row]
    ignored: Sequence[str] = ()
    copies: Mapping[str, str] = field(default_factory=dict)


def from_hugging_face(state: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> Arrays:
    """Our flat parameters from a checkpoint's tensors; ``config`` is its config.json.

    Raises:
        ConvertError: naming the tensor that no row takes, that two give, or that does not fit its row.
    """
    ours = our_config(config)
    table = _table(config["model_type"], ours, state)
    full = {_full_name(name, table): array for name, array in state.items()}
    if len(full) != len(state):
        raise ConvertError(f"tensors occur twice, with and without {table.base!r} before their names.")
    for name in full.keys() & table.copies.keys():
        original = table.copies[name]
        if original not in full or not np.array_equal(full[name], full[original], equal_nan=True):
            raise ConvertError(f"{name} is no copy of {original}: this model is not tied.")
    left_out = (*table.ignored, *table.copies)
    taken = {
        name: array
        for name, array in full.items()
        if not any(match(pattern, name) is not None for pattern in left_out)
    }
    try:
        return to_flax(taken, {"head_dim": ours.width}, table.rows)
    except (KeyError, ValueError) as error:
        raise ConvertError(error.args[0]) from error


def to_hugging_face(params: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> Arrays:
    """A checkpoint's tensors from our flat parameters: `from_hugging_face` backwards, without copies.

    Raises:
        ConvertError: naming the parameter that no row takes, that is missing, or that does not fit its row.
    """
    try:
        return to_torch(params, _table(config["model_type"], our_config(config), params).rows)
    except (KeyError, ValueError) as error:
        raise ConvertError(error.args[0]) from error


def _dense(ours: str, theirs: str) -> tuple[Row, Row]:
    return Row(f"{ours}/kernel", f"{theirs}.weight", TURN), Row(f"{ours}/bias", f"{theirs}.bias", SAME1)


def _conv1d(ours: str, theirs: str) -> tuple[Row, Row]:
    """OpenAI's linear layers, which Hugging Face kept: (inputs outputs), as Flax's are."""
    return Row(f"{ours}/kernel", f"{theirs}.weight", SAME2), Row(f"{ours}/bias", f"{theirs}.bias", SAME1)


def _norm(ours: str, theirs: str) -> tuple[Row, Row]:
    return Row(f"{ours}/scale", f"{theirs}.weight", SAME1), Row(f"{ours}/bias", f"{theirs}.bias", SAME1)


def _split(ours: str, theirs: str) -> tuple[Row, Row]:
    """Queries, keys or values."""
    return Row(f"{ours}/kernel", f"{theirs}.weight", SPLIT), Row(f"{ours}/bias", f"{theirs}.bias", FLAT)


def _merge(ours: str, theirs: str) -> tuple[Row, Row]:
    """What attention does last."""
    return Row(f"{ours}/kernel", f"{theirs}.weight", MERGE), Row(f"{ours}/bias", f"{theirs}.bias", SAME1)


def _encoder(ours: str, theirs: str, names: Mapping[str, str]) -> list[Row]:
    """The blocks of BERT's kind; ``names`` has their parts' names for ours."""
    return [
        *_split(f"{ours}/attention/query", f"{theirs}.{names['query']}"),
        *_split(f"{ours}/attention/key", f"{theirs}.{names['key']}"),
        *_split(f"{ours}/attention/value", f"{theirs}.{names['value']}"),
        *_merge(f"{ours}/attention/output", f"{theirs}.{names['output']}"),
        *_norm(f"{ours}/attention_norm", f"{theirs}.{names['attention_norm']}"),
        *_dense(f"{ours}/feed_forward/up", f"{theirs}.{names['up']}"),
        *_dense(f"{ours}/feed_forward/down", f"{theirs}.{names['down']}"),
        *_norm(f"{ours}/feed_forward_norm", f"{theirs}.{names['feed_forward_norm']}"),
    ]


BERT_BLOCK = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}
DISTILBERT_BLOCK = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "output": "attention.out_lin",
    "attention_norm": "sa_layer_norm",
    "up": "ffn.lin1",
    "down": "ffn.lin2",
    "feed_forward_norm": "output_layer_norm",
}


def _embeddings(base: str, segments: bool) -> list[Row]:
    names = {"token": "word_embeddings", "position": "position_embeddings"}
    names |= {"segment": "token_type_embeddings"} if segments else {}
    tables = [
        Row(f"bert/embeddings/{ours}_embedding/embedding", f"{base}embeddings.{theirs}.weight", SAME2)
        for ours, theirs in names.items()
    ]
    return [*tables, *_norm("bert/embeddings/norm", f"{base}embeddings.LayerNorm")]


def _bert() -> Table:
    rows = [
        *_embeddings("bert.", segments=True),
        *_encoder("bert/blocks_#", "bert.encoder.layer.#", BERT_BLOCK),
        *_dense("pooler/dense", "bert.pooler.dense"),
        *_dense("words/transform", "cls.predictions.transform.dense"),
        *_norm("words/norm", "cls.predictions.transform.LayerNorm"),
        Row("words/word_bias", "cls.predictions.bias", SAME1),
        *_dense("next_sentence", "cls.seq_relationship"),
        *_dense("head", "classifier"),
    ]
    copies = {
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }
    return Table("bert.", rows, ("*.position_ids",), copies)


def _roberta(names: Iterable[str]) -> Table:
    """A classifier has the pooler within its head, and a masked language model has no use for one."""
    named = set(names)
    classifies = bool(named & {"head/kernel", "classifier.out_proj.weight"})
    predicts = bool(named & {"words/word_bias", "lm_head.bias"})
    pooler = "classifier.dense" if classifies else "roberta.pooler.dense"
    rows = [
        *_embeddings("roberta.", segments=True),
        *_encoder("bert/blocks_#", "roberta.encoder.layer.#", BERT_BLOCK),
        *_dense("words/transform", "lm_head.dense"),
        *_norm("words/norm", "lm_head.layer_norm"),
        Row("words/word_bias", "lm_head.bias", SAME1),
        *_dense("head", "classifier.out_proj"),
        *(_dense("pooler/dense", pooler) if classifies or not predicts else []),
    ]
    ignored = ["*.position_ids", *(["roberta.pooler.*", "pooler.*"] if classifies or predicts else [])]
    copies = {
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    }
    return Table("roberta.", rows, ignored, copies)


def _distilbert() -> Table:
    rows = [
        *_embeddings("distilbert.", segments=False),
        *_encoder("bert/blocks_#", "distilbert.transformer.layer.#", DISTILBERT_BLOCK),
        *_dense("pooler/dense", "pre_classifier"),
        *_dense("words/transform", "vocab_transform"),
        *_norm("words/norm", "vocab_layer_norm"),
        Row("words/word_bias", "vocab_projector.bias", SAME1),
        *_dense("head", "classifier"),
    ]
    copies = {"vocab_projector.weight": "distilbert.embeddings.word_embeddings.weight"}
    return Table("distilbert.", rows, ("*.position_ids",), copies)


def _gpt(token: str, position: str, tied: bool) -> Table:
    ours, theirs = "blocks_#", "transformer.h.#"
    kernels, biases = (
        tuple(f"{ours}/attention/{name}/{leaf}" for name in ("query", "key", "value"))
        for leaf in ("kernel", "bias")
    )
    fused = "three {} heads head_dim -> {} (three heads head_dim)"
    rows = (
        Row("embeddings/token_embedding/embedding", f"transformer.{token}.weight", SAME2),
        *([] if tied else [OUTPUT]),
        Row("embeddings/position_embedding/embedding", f"transformer.{position}.weight", SAME2),
        *_norm(f"{ours}/attention_norm", f"{theirs}.ln_1"),
        Row(kernels, f"{theirs}.attn.c_attn.weight", fused.format("embed", "embed")),
        Row(biases, f"{theirs}.attn.c_attn.bias", fused.format("", "")),
        Row(
            f"{ours}/attention/output/kernel",
            f"{theirs}.attn.c_proj.weight",
            "heads head_dim embed -> (heads head_dim) embed",
        ),
        Row(f"{ours}/attention/output/bias", f"{theirs}.attn.c_proj.bias", SAME1),
        *_norm(f"{ours}/feed_forward_norm", f"{theirs}.ln_2"),
        *_conv1d(f"{ours}/feed_forward/up", f"{theirs}.mlp.c_fc"),
        *_conv1d(f"{ours}/feed_forward/down", f"{theirs}.mlp.c_proj"),
        *_norm("final_norm", "transformer.ln_f"),
    )
    ignored = ("*.attn.bias", "*.attn.masked_bias")  # the causal mask
    copies = {str(OUTPUT.torch): f"transformer.{token}.weight"} if tied else {}
    return Table("transformer.", rows, ignored, copies)


def _llama(ours: GPTConfig) -> Table:
    """Mistral's and Qwen's too, which have biases or norms on queries and keys."""
    block, theirs = "blocks_#", "model.layers.#"
    token = Row("embeddings/token_embedding/embedding", "model.embed_tokens.weight", SAME2)
    inputs = [
        row
        for name in ("query", "key", "value")
        for row in _split(f"{block}/attention/{name}", f"{theirs}.self_attn.{name[0]}_proj")
        if ours.input_bias or row.axes == SPLIT
    ]
    norms = [
        Row(f"{block}/attention/{name}_norm/scale", f"{theirs}.self_attn.{name[0]}_norm.weight", SAME1)
        for name in ("query", "key")
    ]
    rows = [
        token,
        *([] if ours.tied else [OUTPUT]),
        *inputs,
        *(norms if ours.qk_norm else []),
        Row(f"{block}/attention/output/kernel", f"{theirs}.self_attn.o_proj.weight", MERGE),
        Row(f"{block}/feed_forward/gate/kernel", f"{theirs}.mlp.gate_proj.weight", TURN),
        Row(f"{block}/feed_forward/up/kernel", f"{theirs}.mlp.up_proj.weight", TURN),
        Row(f"{block}/feed_forward/down/kernel", f"{theirs}.mlp.down_proj.weight", TURN),
        Row(f"{block}/attention_norm/scale", f"{theirs}.input_layernorm.weight", SAME1),
        Row(f"{block}/feed_forward_norm/scale", f"{theirs}.post_attention_layernorm.weight", SAME1),
        Row("final_norm/scale", "model.norm.weight", SAME1),
    ]
    copies = {str(OUTPUT.torch): str(token.torch)} if ours.tied else {}
    return Table("model.", rows, ("*rotary_emb.inv_freq",), copies)


def _table(kind: str, ours: BertConfig | GPTConfig, names: Iterable[str]) -> Table:
    """The table of one ``model_type``; ``names`` are of either side's parameters."""
    if isinstance(ours, GPTConfig):
        if kind in ("gpt2", "openai-gpt"):
            embeddings = ("wte", "wpe") if kind == "gpt2" else ("tokens_embed", "positions_embed")
            return _gpt(*embeddings, ours.tied)
        return _llama(ours)
    if kind == "roberta":
        return _roberta(names)
    return _bert() if kind == "bert" else _distilbert()


def _full_name(name: str, table: Table) -> str:
    """The name as a model with heads has it. Checkpoints of BERT from TensorFlow say gamma and beta."""
    name = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", name)
    name = re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name)
    based = table.base + name
    known = (pattern for row in table.rows for pattern in row.patterns("torch"))
    return based if any(match(pattern, based) is not None for pattern in known) else name
