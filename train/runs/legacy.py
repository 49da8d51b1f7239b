"""Files that version 0.1 wrote, in today's words: what a run was then, it still is."""

from collections.abc import Mapping
from typing import Any

MODELS = {
    "classifier.TextClassifier": "classifier",
    "bert.Bert": "bert",
    "bert.BertFeatures": "bert_model",
    "bert.BertMaskedWords": "bert_for_masked_lm",
    "bert.BertPretraining": "bert_pretraining",
    "bert.BertClassifier": "bert_classifier",
    "gpt.GPT": "gpt",
    "gpt.GPTClassifier": "gpt_classifier",
    "seq2seq.EncoderDecoder": "encoder_decoder",
}
SETTINGS = {
    "positions": "max_positions",
    "position": "position_encoding",
    "norm": "norm_position",
    "epsilon": "eps",
    "biased": "use_bias",
}


def upgraded_model(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """A model.json of schema 2, from one of schema 1 or as it is."""
    if "target" not in fields:
        return fields
    return {
        "schema": 2,
        "model": MODELS[fields["target"]],
        "config": _settings(fields),
        "classes": fields.get("classes", []),
    }


def upgraded_config(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """A config.json of schema 2, from one of schema 1 or as it is.

    There the model's vocabulary and positions stood with the text, and every family had all settings.
    """
    if "schema" in fields:
        return fields
    family, model, text = fields["family"], dict(fields["model"]), dict(fields["text"])
    model = _renamed(model) | {"vocab": text.pop("vocab"), "max_positions": text.pop("positions")}
    if family != "gpt":
        model = {name: value for name, value in model.items() if name not in GPT_ONLY}
    if family == "bert":
        model = {name: value for name, value in model.items() if name not in NOT_BERTS}
    optimizer = _renamed(fields["optimizer"])
    return {**fields, "schema": 2, "model": model, "text": text, "optimizer": optimizer}


GPT_ONLY = {"tied", "window", "kv_heads", "gated", "use_bias"}
NOT_BERTS = {"norm_position", "activation", "position_encoding", "norm"}


def _settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments in one level: a head's and those of the model that it was given."""
    found: dict[str, Any] = {}
    for name, value in fields["arguments"].items():
        found |= _settings(value) if isinstance(value, Mapping) else {name: value}
    return _renamed(found)


def _renamed(settings: Mapping[str, Any]) -> dict[str, Any]:
    rms = settings.get("rms")
    renamed = {SETTINGS.get(name, name): value for name, value in settings.items() if name != "rms"}
    return renamed if rms is None else renamed | {"norm": "rms" if rms else "layer"}
