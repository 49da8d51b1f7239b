"""One table of Hugging Face's architectures: the keys of their config.json, and our fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch_impl.config import BertConfig, GPTConfig


@dataclass(frozen=True)
class Kind:
    """One ``model_type``: which of their keys is which field of ours, and what is settled without a key."""

    config: type[BertConfig] | type[GPTConfig]
    keys: Mapping[str, str]
    """Their key and our field, of one value."""
    activation: str
    """Their key of the activation."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Our fields that this architecture has no choice of."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What they take for a key that is left out. Sizes have no such: a file without one is no whole one."""
    only: Mapping[str, Any] = field(default_factory=dict)
    """Their settings that change what is computed, and the only value that ours can have."""
    dropout: tuple[str, ...] = ()
    """Their keys of dropout, which is written and not read: training is ours."""
    activations: Mapping[str, str] = field(default_factory=lambda: ACTIVATIONS)
    """Their names and ours."""


ACTIVATIONS: dict[str, str] = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_python_tanh": "gelu_tanh",
    "gelu_accurate": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
_TRANSFORMER = {
    "vocab_size": "vocab",
    "max_position_embeddings": "max_positions",
    "hidden_size": "embed",
    "num_attention_heads": "heads",
    "intermediate_size": "mlp",
    "num_hidden_layers": "layers",
}
_BERT = _TRANSFORMER | {"type_vocab_size": "segments", "layer_norm_eps": "eps"}
_BERT_ONLY = {"position_embedding_type": "absolute", "is_decoder": False}
_BERT_DROPOUT = ("hidden_dropout_prob", "attention_probs_dropout_prob")
_GPT = {
    "vocab_size": "vocab",
    "n_positions": "max_positions",
    "n_embd": "embed",
    "n_head": "heads",
    "n_layer": "layers",
    "layer_norm_epsilon": "eps",
    "tie_word_embeddings": "tied",
}
_GPT_DROPOUT = ("embd_pdrop", "attn_pdrop", "resid_pdrop")
_LLAMA = _TRANSFORMER | {
    "num_key_value_heads": "kv_heads",
    "head_dim": "head_dim",
    "rms_norm_eps": "eps",
    "tie_word_embeddings": "tied",
}
_LLAMA_FIXED = {"position_encoding": "rotary", "norm": "rms", "gated": True, "use_bias": False}
_BERT_DEFAULTS = {"layer_norm_eps": 1e-12, "hidden_act": "gelu", "type_vocab_size": 2}
_GPT_DEFAULTS = {"layer_norm_epsilon": 1e-5, "tie_word_embeddings": True}
_LLAMA_DEFAULTS = {"head_dim": None, "tie_word_embeddings": False, "rms_norm_eps": 1e-6, "hidden_act": "silu"}
_LLAMA_ONLY = {"attention_bias": False, "mlp_bias": False, "partial_rotary_factor": 1.0}

# In the order in which an export tries them.
KINDS = {
    "bert": Kind(BertConfig, _BERT, "hidden_act", {}, _BERT_DEFAULTS, _BERT_ONLY, _BERT_DROPOUT),
    "roberta": Kind(
        BertConfig,
        _BERT | {"pad_token_id": "position_offset"},
        "hidden_act",
        defaults=_BERT_DEFAULTS | {"pad_token_id": 1},
        only=_BERT_ONLY,
        dropout=_BERT_DROPOUT,
        activations={"gelu": "gelu", "gelu_python": "gelu"},  # the head has it whatever the blocks have
    ),
    "distilbert": Kind(
        BertConfig,
        {
            "vocab_size": "vocab",
            "max_position_embeddings": "max_positions",
            "dim": "embed",
            "n_heads": "heads",
            "hidden_dim": "mlp",
            "n_layers": "layers",
        },
        "activation",
        {"segments": 0, "pooler_activation": "relu", "eps": 1e-12},
        {"activation": "gelu"},
        dropout=("dropout", "attention_dropout", "seq_classif_dropout"),
    ),
    "gpt2": Kind(
        GPTConfig,
        _GPT | {"n_inner": "mlp"},
        "activation_function",
        defaults=_GPT_DEFAULTS | {"n_inner": None, "activation_function": "gelu_new"},
        only={"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False},
        dropout=_GPT_DROPOUT,
    ),
    "openai-gpt": Kind(
        GPTConfig,
        _GPT,
        "afn",
        {"norm_position": "post"},
        _GPT_DEFAULTS | {"afn": "gelu"},
        dropout=_GPT_DROPOUT,
        activations={
            "gelu": "gelu_tanh",
            "relu": "relu",
            "silu": "silu",
            "swish": "silu",
        },  # their gelu is this
    ),
    "llama": Kind(
        GPTConfig,
        _LLAMA,
        "hidden_act",
        _LLAMA_FIXED,
        _LLAMA_DEFAULTS | {"num_key_value_heads": None},
        _LLAMA_ONLY,
        ("attention_dropout",),
    ),
    "mistral": Kind(
        GPTConfig,
        _LLAMA,
        "hidden_act",
        _LLAMA_FIXED,
        _LLAMA_DEFAULTS,
        _LLAMA_ONLY,
        ("attention_dropout",),
    ),
    "qwen2": Kind(
        GPTConfig,
        _LLAMA,
        "hidden_act",
        _LLAMA_FIXED | {"qkv_bias": True},
        _LLAMA_DEFAULTS,
        _LLAMA_ONLY,
        ("attention_dropout",),
    ),
    "qwen3": Kind(
        GPTConfig,
        _LLAMA,
        "hidden_act",
        _LLAMA_FIXED | {"qk_norm": True},
        _LLAMA_DEFAULTS | {"head_dim": 128},
        _LLAMA_ONLY,
        ("attention_dropout",),
    ),
}
