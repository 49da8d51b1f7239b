"""What people call things: sizes, arguments, and switches between training and evaluation."""

import re
from collections.abc import Iterable, Mapping
from inspect import Parameter, isclass, signature
from typing import Any

from study.grade.errors import GradeError

SIZES = {
    "embed": "embed embed_dim embedding_dim emb emb_dim d_model dim model_dim n_embd n_embed hidden_size "
    "hidden width features d qkv_features d_embed embed_size embedding_size size",
    "heads": "heads num_heads n_heads n_head nhead num_attention_heads h nheads head_count num_head",
    "head_dim": "head_dim d_head head_size d_k dk d_v dim_head headdim head_width",
    "mlp": "mlp mlp_dim d_ff dff dim_feedforward ff_dim ffn_dim hidden_dim d_mlp intermediate_size d_hidden "
    "feedforward_dim dim_ff ff mlp_size n_inner",
    "vocab": "vocab vocab_size n_vocab num_tokens vocabulary num_embeddings d_vocab",
    "max_positions": "max_positions max_len max_length block_size context_length context_size seq_len "
    "n_positions n_ctx max_seq_len sequence_length num_positions max_position_embeddings length positions",
    "segments": "segments num_segments n_segments type_vocab_size num_types",
    "classes": "classes num_classes n_classes num_labels n_labels num_class out_dim output_dim",
    "layers": "layers num_layers n_layers n_layer depth num_blocks n_blocks num_hidden_layers blocks",
    "dropout": "dropout dropout_rate p rate drop p_drop attn_dropout attention_dropout dropout_p drop_rate "
    "resid_dropout resid_pdrop attn_pdrop embd_pdrop",
}
ARGUMENTS = {
    "x": "x inputs input hidden hidden_states h embeddings inp inputs_q q query k key v value context memory "
    "x_q x_kv queries keys values",
    "query": "query q queries Q",
    "key": "key k keys K",
    "value": "value v values V",
    "ids": "ids input_ids tokens token_ids idx x inputs input src text indices",
    "segment_ids": "segment_ids token_type_ids segments segment types segment_id segs",
    "mask": "mask attn_mask attention_mask padding_mask m key_mask src_mask bias_mask real visible",
}
WORDS = {name: frozenset(words.lower().split()) for name, words in {**SIZES, **ARGUMENTS}.items()}
# What an argument of this name gets in evaluation and in training.
SWITCHES = {
    "deterministic": (True, False),
    "train": (False, True),
    "training": (False, True),
    "is_training": (False, True),
    "is_train": (False, True),
}
CONFIGS = {"config", "cfg", "args", "conf", "hparams"}
GATHERING = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def arguments_for(
    function: Any, needed: Mapping[str, Any], optional: Mapping[str, Any], who: str
) -> dict[str, Any]:
    """The arguments that a function asks for, by the names it has for them.

    ``needed`` has what it is about and ``optional`` what it may ask for too, by our names. An argument
    called config gets all at once. One whose name says nothing gets what nobody asked for of ``needed``, in
    order; if nothing is left it must have a default, or GradeError says so.
    """
    given = {**needed, **optional}
    signed = signature(function.__init__ if isclass(function) else function).parameters.values()
    parameters = [one for one in signed if one.kind not in GATHERING and one.name != "self"]
    found: dict[str, Any] = {}
    used: set[str] = set()
    for parameter in parameters:
        if parameter.name in CONFIGS:
            found[parameter.name] = Settings(given)
            used |= needed.keys()
        elif name := meaning(parameter.name, given):
            found[parameter.name] = given[name]
            used.add(name)
    left = [name for name in needed if name not in used]
    for parameter in parameters:
        if parameter.name in found or parameter.default is not parameter.empty:
            continue
        if not left:
            raise GradeError(
                f"{who} asks for {parameter.name!r}, and nothing here is called so: name it as one of "
                f"{', '.join(needed)}, or give it a default"
            )
        found[parameter.name] = given[left.pop(0)]
    return found


def meaning(argument: str, given: Iterable[str]) -> str | None:
    """Which of the given values an argument's name means; None for none."""
    word, given = argument.strip("_"), list(given)
    if word in given:
        return word
    return next((name for name in given if word.lower() in WORDS.get(name, ())), None)


def parameter_for(function: Any, name: str) -> Parameter | None:
    """The argument of a function that means what we call ``name``."""
    found = signature(function.__init__ if isclass(function) else function).parameters.values()
    return next((one for one in found if meaning(one.name, [name])), None)


class Settings:
    """A config that has every size under every name, and no biases left out; it knows what was asked for."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._names = {word: name for name in given for word in (name, *WORDS.get(name, ()))}
        self._given = {"bias": True, "use_bias": True, **given}
        self.asked: set[str] = set()

    def __getattr__(self, word: str) -> Any:
        name = self._names.get(word, word)
        if name.startswith("_") or name not in self._given:
            raise AttributeError(f"the config has no {word!r}; it has {', '.join(self._given)}")
        self.asked.add(name)
        return self._given[name]


def asked_for(name: str, function: Any, arguments: Mapping[str, Any]) -> bool:
    """Whether a function that was called with these arguments took what we call ``name``."""
    configs = [one for one in arguments.values() if isinstance(one, Settings)]
    return parameter_for(function, name) is not None or any(name in one.asked for one in configs)


def plain(name: str) -> str:
    """A name in small letters alone: "Multi_HeadAttention2" is "multiheadattention2"."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
