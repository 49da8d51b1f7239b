"""The tables of Hugging Face's architectures: Flax's names of ours on the left, their names on the right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch_impl.config import BertConfig, GPTConfig
from torch_impl.convert.row import Row

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


# What our models have besides the encoder.
PARTS: dict[str, tuple[str, ...]] = {
    "bert": (),
    "bert_model": ("pooler",),
    "bert_for_masked_lm": ("words",),
    "bert_pretraining": ("pooler", "words", "next_sentence"),
    "bert_classifier": ("pooler", "head"),
}
BUFFERS = ("*.position_ids", "*.token_type_ids", "position_ids", "token_type_ids")


def _words(transform: str, norm: str, bias: str) -> list[Row]:
    """The head of a masked language model."""
    return [
        *_dense("words/transform", transform),
        *_norm("words/norm", norm),
        Row("words/word_bias", bias, SAME1),
    ]


def _encoding(
    model: str,
    base: str,
    encoder: list[Row],
    parts: Mapping[str, Sequence[Row]],
    copies: Mapping[str, str],
    unread: Mapping[str, Sequence[str]],
) -> Table:
    """The table of a model of BERT's kind: its encoder, and of ``parts`` those that it has.

    ``copies`` are the masked language model's, ``unread`` what a model leaves in the file, by model.
    """
    rows = [*encoder, *(row for name in PARTS[model] for row in parts[name])]
    ignored = (*BUFFERS, *unread.get(model, ()))
    return Table(base, rows, ignored, copies if "words" in PARTS[model] else {})


def _bert(model: str) -> Table:
    parts: dict[str, Sequence[Row]] = {
        "pooler": _dense("pooler/dense", "bert.pooler.dense"),
        "words": _words(
            "cls.predictions.transform.dense",
            "cls.predictions.transform.LayerNorm",
            "cls.predictions.bias",
        ),
        "next_sentence": _dense("next_sentence", "cls.seq_relationship"),
        "head": _dense("head", "classifier"),
    }
    encoder = [
        *_embeddings("bert.", segments=True),
        *_encoder("bert/blocks_#", "bert.encoder.layer.#", BERT_BLOCK),
    ]
    copies = {
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }
    unread = {
        "bert_for_masked_lm": ("bert.pooler.*", "cls.seq_relationship.*"),
        "bert_classifier": ("cls.*",),
    }
    return _encoding(model, "bert.", encoder, parts, copies, unread)


def _roberta(model: str) -> Table:
    """A classifier has the pooler within its head, and a masked language model has no use for one."""
    pooler = "classifier.dense" if model == "bert_classifier" else "roberta.pooler.dense"
    parts: dict[str, Sequence[Row]] = {
        "pooler": _dense("pooler/dense", pooler),
        "words": _words("lm_head.dense", "lm_head.layer_norm", "lm_head.bias"),
        "head": _dense("head", "classifier.out_proj"),
    }
    encoder = [
        *_embeddings("roberta.", segments=True),
        *_encoder("bert/blocks_#", "roberta.encoder.layer.#", BERT_BLOCK),
    ]
    copies = {
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    }
    unread = {
        "bert_for_masked_lm": ("roberta.pooler.*",),
        "bert_classifier": ("roberta.pooler.*", "lm_head.*"),
    }
    return _encoding(model, "roberta.", encoder, parts, copies, unread)


def _distilbert(model: str) -> Table:
    parts: dict[str, Sequence[Row]] = {
        "pooler": _dense("pooler/dense", "pre_classifier"),
        "words": _words("vocab_transform", "vocab_layer_norm", "vocab_projector.bias"),
        "head": _dense("head", "classifier"),
    }
    encoder = [
        *_embeddings("distilbert.", segments=False),
        *_encoder("bert/blocks_#", "distilbert.transformer.layer.#", DISTILBERT_BLOCK),
    ]
    copies = {"vocab_projector.weight": "distilbert.embeddings.word_embeddings.weight"}
    unread = {"bert_classifier": ("vocab_*",)}
    return _encoding(model, "distilbert.", encoder, parts, copies, unread)


def _output(ours: GPTConfig, model: str, token: str) -> tuple[list[Row], list[str], dict[str, str]]:
    """What reads the hidden states: its rows, tensors that nobody reads then, and copies of others.

    Their classifiers have no bias: see `hugging_face.folded`.
    """
    if model == "gpt_classifier":
        return [Row("head/kernel", "score.weight", TURN)], [str(OUTPUT.torch)], {}
    return ([], [], {str(OUTPUT.torch): token}) if ours.tied else ([OUTPUT], [], {})


def _gpt(config: GPTConfig, model: str, token: str, position: str) -> Table:
    base = "gpt/" if model == "gpt_classifier" else ""
    ours, theirs = f"{base}blocks_#", "transformer.h.#"
    output, unread, copies = _output(config, model, f"transformer.{token}.weight")
    kernels, biases = (
        tuple(f"{ours}/attention/{name}/{leaf}" for name in ("query", "key", "value"))
        for leaf in ("kernel", "bias")
    )
    fused = "three {} heads head_dim -> {} (three heads head_dim)"
    rows = (
        Row(f"{base}embeddings/token_embedding/embedding", f"transformer.{token}.weight", SAME2),
        *output,
        Row(f"{base}embeddings/position_embedding/embedding", f"transformer.{position}.weight", SAME2),
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
        *(_norm(f"{base}final_norm", "transformer.ln_f") if config.norm_position == "pre" else ()),
    )
    ignored = ("*.attn.bias", "*.attn.masked_bias", *BUFFERS, *unread)  # the causal mask
    return Table("transformer.", rows, ignored, copies)


def _llama(ours: GPTConfig, model: str) -> Table:
    """Mistral's and Qwen's too, which have biases or norms on queries and keys."""
    base = "gpt/" if model == "gpt_classifier" else ""
    block, theirs = f"{base}blocks_#", "model.layers.#"
    token = Row(f"{base}embeddings/token_embedding/embedding", "model.embed_tokens.weight", SAME2)
    output, unread, copies = _output(ours, model, str(token.torch))
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
        *output,
        *inputs,
        *(norms if ours.qk_norm else []),
        Row(f"{block}/attention/output/kernel", f"{theirs}.self_attn.o_proj.weight", MERGE),
        Row(f"{block}/feed_forward/gate/kernel", f"{theirs}.mlp.gate_proj.weight", TURN),
        Row(f"{block}/feed_forward/up/kernel", f"{theirs}.mlp.up_proj.weight", TURN),
        Row(f"{block}/feed_forward/down/kernel", f"{theirs}.mlp.down_proj.weight", TURN),
        Row(f"{block}/attention_norm/scale", f"{theirs}.input_layernorm.weight", SAME1),
        Row(f"{block}/feed_forward_norm/scale", f"{theirs}.post_attention_layernorm.weight", SAME1),
        Row(f"{base}final_norm/scale", "model.norm.weight", SAME1),
    ]
    return Table("model.", rows, ("*rotary_emb.inv_freq", *unread), copies)


def table(kind: str, ours: BertConfig | GPTConfig, model: str) -> Table:
    """The table of a ``model_type`` as one of our models has it."""
    if isinstance(ours, GPTConfig):
        if kind in ("gpt2", "openai-gpt"):
            embeddings = ("wte", "wpe") if kind == "gpt2" else ("tokens_embed", "positions_embed")
            return _gpt(ours, model, *embeddings)
        return _llama(ours, model)
    return {"bert": _bert, "roberta": _roberta, "distilbert": _distilbert}[kind](model)
