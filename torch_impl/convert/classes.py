"""Hugging Face's classes and our models: which one a folder holds, by its config.json and its tensors.

`architectures` of config.json names their class; a class that we have no model for is refused by its name.
Published files often hold more than their class has, so the tensors say the rest: where those of both of
BERT's heads are there, both are taken.
"""

from collections.abc import Collection, Mapping
from typing import Any

from torch_impl.convert.config_json import ConvertError, shown
from torch_impl.convert.kinds import KINDS
from torch_impl.convert.row import match

# By their model_type: their class, and our model.
CLASSES: dict[str, dict[str, str]] = {
    "bert": {
        "BertModel": "bert_model",
        "BertForMaskedLM": "bert_for_masked_lm",
        "BertForPreTraining": "bert_pretraining",
        "BertForSequenceClassification": "bert_classifier",
    },
    "roberta": {
        "RobertaModel": "bert_model",
        "RobertaForMaskedLM": "bert_for_masked_lm",
        "RobertaForSequenceClassification": "bert_classifier",
    },
    "distilbert": {
        "DistilBertModel": "bert",
        "DistilBertForMaskedLM": "bert_for_masked_lm",
        "DistilBertForSequenceClassification": "bert_classifier",
    },
    **{
        kind: {f"{name}{head}": "gpt", f"{name}ForSequenceClassification": "gpt_classifier"}
        for kind, name, head in (
            ("gpt2", "GPT2", "LMHeadModel"),
            ("openai-gpt", "OpenAIGPT", "LMHeadModel"),
            ("llama", "Llama", "ForCausalLM"),
            ("mistral", "Mistral", "ForCausalLM"),
            ("qwen2", "Qwen2", "ForCausalLM"),
            ("qwen3", "Qwen3", "ForCausalLM"),
        )
    },
}
# Tensors that tell a kind where config.json does not, in this order: all of them are there, with any prefix.
TOLD_BY = {
    "distilbert": ("*layer.#.attention.q_lin.weight",),
    "roberta": ("roberta.*layer.#.attention.self.query.weight",),
    "bert": ("bert.*layer.#.attention.self.query.weight",),
    "openai-gpt": ("*h.#.attn.c_attn.weight", "*tokens_embed.weight"),
    "gpt2": ("*h.#.attn.c_attn.weight", "*wte.weight"),
    "qwen3": ("*layers.#.self_attn.q_proj.weight", "*layers.#.self_attn.q_norm.weight"),
    "qwen2": ("*layers.#.self_attn.q_proj.weight", "*layers.#.self_attn.q_proj.bias"),
    "llama": ("*layers.#.self_attn.q_proj.weight",),
}
WINDOW = 4096  # of a Mistral whose config.json says nothing of it


def with_kind(config: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """A config.json with its "model_type": as it is there, as its class says, or as the tensors tell.

    Raises ConvertError where neither does.
    """
    if config.get("model_type") is not None:
        return dict(config)
    classes = named_classes(config)
    kinds = [kind for kind, known in CLASSES.items() if classes and set(classes) <= known.keys()]
    if not classes:
        kinds = [
            kind
            for kind, patterns in TOLD_BY.items()
            if all(any(match(pattern, name) is not None for name in names) for pattern in patterns)
        ][:1]
        if kinds == ["llama"] and (config.get("max_position_embeddings") or 0) > WINDOW:
            kinds = []  # Mistral has the same tensors, and sees no further than that
    if len(kinds) != 1:
        raise ConvertError(
            "config.json has no model_type, and its tensors are of none or of several: write it, one of "
            f"{', '.join(KINDS)}."
        )
    return {**config, "model_type": kinds[0]}


def named_classes(config: Mapping[str, Any]) -> list[str]:
    """Their classes that a config.json names: one, or none."""
    named = config.get("architectures") or []
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise ConvertError(f"architectures={shown(named)}: give a list of one class's name.")
    return named


def model_of(config: Mapping[str, Any], parts: Collection[str]) -> str:
    """Our model for a folder whose tensors have these parts, of "pooler", "words", "next_sentence", "head".

    Raises ConvertError naming a class of theirs that we have no model for.
    """
    kind, classes = config["model_type"], named_classes(config)
    known = CLASSES[kind]
    for name in classes:
        if name not in known:
            raise ConvertError(f"architectures={shown(name)}: ours has no such head, but {', '.join(known)}.")
    asked = {known[name] for name in classes}
    if "gpt" in known.values():
        return "gpt_classifier" if asked == {"gpt_classifier"} or (not asked and "head" in parts) else "gpt"
    if "bert_classifier" in asked:
        return "bert_classifier"
    if not asked and "head" in parts:
        if "pooler" not in parts:
            raise ConvertError(
                f"{kind} with a classifier and no pooler: {kind}'s token classifiers have such tensors, and "
                "ours has no such head; name the class in architectures if it is another."
            )
        return "bert_classifier"
    both = {"pooler", "words", "next_sentence"} <= set(parts) and kind == "bert"
    if both or "bert_pretraining" in asked:
        return "bert_pretraining"
    if "words" in parts or "bert_for_masked_lm" in asked:
        return "bert_for_masked_lm"
    return "bert_model" if "pooler" in parts and kind != "distilbert" else "bert"
