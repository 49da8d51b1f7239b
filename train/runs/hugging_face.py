"""Checkpoints of Hugging Face become runs, and runs become folders that `transformers` opens."""

import dataclasses
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer

import data
from jax_impl.config import CONFIGS, from_json
from torch_impl import config as torch_config
from torch_impl.convert.config_json import ConvertError, our_config, their_config
from torch_impl.convert.hugging_face import from_hugging_face, to_hugging_face
from train.architecture import Architecture
from train.loops.backend import backend
from train.runs import checkpoint, folder, used
from train.runs.durable import write_json
from train.runs.files import read_json
from train.runs.load import load
from train.runs.tensor_files import read_tensors

CLASSES = {  # of theirs, by our model and their kind
    ("bert_model", "bert"): "BertModel",
    ("bert_for_masked_lm", "bert"): "BertForMaskedLM",
    ("bert_pretraining", "bert"): "BertForPreTraining",
    ("bert_classifier", "bert"): "BertForSequenceClassification",
    ("bert_model", "roberta"): "RobertaModel",
    ("bert_for_masked_lm", "roberta"): "RobertaForMaskedLM",
    ("bert_classifier", "roberta"): "RobertaForSequenceClassification",
    ("bert", "distilbert"): "DistilBertModel",
    ("bert_for_masked_lm", "distilbert"): "DistilBertForMaskedLM",
    ("bert_classifier", "distilbert"): "DistilBertForSequenceClassification",
    ("gpt", "gpt2"): "GPT2LMHeadModel",
    ("gpt", "openai-gpt"): "OpenAIGPTLMHeadModel",
    ("gpt", "llama"): "LlamaForCausalLM",
    ("gpt", "mistral"): "MistralForCausalLM",
    ("gpt", "qwen2"): "Qwen2ForCausalLM",
    ("gpt", "qwen3"): "Qwen3ForCausalLM",
}
# These have their tensors without the name that heads give them.
BARE = {"BertModel": "bert.", "RobertaModel": "roberta.", "DistilBertModel": "distilbert."}
SPECIAL = {  # ids that a config.json gives, and the tokens that are meant
    "pad_token_id": data.SPECIAL_TOKENS[data.PAD_ID],
    "bos_token_id": data.END,
    "eos_token_id": data.END,
}
TOKENIZER_CONFIG = "tokenizer_config.json"


def import_run(source: Path, out: Path) -> Architecture:
    """Make a run of a folder with config.json, a tokenizer and tensors. Returns the model it holds.

    Which of BERT's heads the model has follows from the tensors. Every tensor is used exactly once.

    Raises:
        DataError: naming the setting, tensor or tokenizer that does not fit.
        RunError, CheckpointError: naming the file at fault.
    """
    used.refuse_used(out)
    config = read_json(source / "config.json", f"{source} is no checkpoint")
    with _as_data_error():
        settings = our_config(config)  # refuses what is unknown before the tensors are read
    tokenizer = data.load_tokenizer(source)
    _check_vocabulary(tokenizer, settings.vocab, source)
    tensors = read_tensors(source)
    with _as_data_error():
        params = from_hugging_face(tensors, config)
    architecture, classes = _model(dataclasses.asdict(settings), params, config)
    if architecture.name == "bert":  # it has no head whose part it would be
        params = {name.removeprefix("bert/"): array for name, array in params.items()}
    shapes = backend("jax").parameter_shapes(architecture)
    checkpoint.check(params, shapes, f"{source} is no whole {architecture.name}")
    folder.create(out, architecture, classes, tokenizer)
    if (source / TOKENIZER_CONFIG).is_file():
        shutil.copyfile(source / TOKENIZER_CONFIG, out / TOKENIZER_CONFIG)
    checkpoint.save(out, {"params": params}, {"imported": source.name, "model_type": config["model_type"]})
    return architecture


def export_run(source: Path, out: Path) -> str:
    """Write a run as a folder that `transformers` opens with from_pretrained. Returns their class's name.

    Raises:
        DataError: no model there computes the same.
        RunError, CheckpointError: naming the file at fault.
    """
    used.refuse_used(out)
    run = load(source)
    config, theirs = _config(run.architecture, run.tokenizer, run.classes)
    params = run.params
    if run.architecture.name == "bert":
        params = {f"bert/{name}": array for name, array in params.items()}
    with _as_data_error():
        tensors = to_hugging_face(params, config)
    tensors = {name.removeprefix(BARE.get(theirs, "")): array for name, array in tensors.items()}
    out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    write_json(out / "config.json", config)
    data.save_tokenizer(run.tokenizer, out / "tokenizer.json")
    if (source / TOKENIZER_CONFIG).is_file():
        shutil.copyfile(source / TOKENIZER_CONFIG, out / TOKENIZER_CONFIG)
    else:
        write_json(
            out / TOKENIZER_CONFIG, _tokenizer_config(run.tokenizer, run.architecture.config.max_positions)
        )
    return theirs


@contextmanager
def _as_data_error() -> Iterator[None]:
    """What the converter refuses is refused as data that does not fit."""
    try:
        yield
    except ConvertError as error:
        raise data.DataError(str(error)) from error


def _model(
    settings: dict[str, Any], params: Mapping[str, np.ndarray], config: Mapping[str, Any]
) -> tuple[Architecture, tuple[str, ...]]:
    """Our model, and the names of its classes."""
    name, classes = "bert_model", ()
    if ("gpt", config["model_type"]) in CLASSES:
        name = "gpt"
    elif "head/kernel" in params:
        name, count = "bert_classifier", params["head/kernel"].shape[1]
        named = config.get("id2label") or {}
        classes = tuple(named.get(str(number), f"LABEL_{number}") for number in range(count))
        settings["classes"] = count
    elif "next_sentence/kernel" in params:
        name = "bert_pretraining"
    elif "words/word_bias" in params:
        name = "bert_for_masked_lm"
    elif ("bert", config["model_type"]) in CLASSES:
        name = "bert"
    return Architecture(name, from_json(CONFIGS[name], settings)), classes


def _config(
    architecture: Architecture, tokenizer: Tokenizer, classes: tuple[str, ...]
) -> tuple[dict[str, Any], str]:
    """Their config.json and the name of their class."""
    name, settings = architecture.name, dataclasses.asdict(architecture.config)
    special = {
        name: number
        for name, token in SPECIAL.items()
        if (number := tokenizer.token_to_id(token)) is not None
    }
    if name in ("bert", "bert_for_masked_lm"):  # they have no pooler, whatever it would end with
        settings["pooler_activation"] = "tanh" if settings["segments"] else "relu"
    config: dict[str, Any] = {}
    if name in {known for known, _ in CLASSES} and settings.get("pooling", "first") == "first":
        with _as_data_error():
            config = their_config(torch_config.from_json(torch_config.CONFIGS[name], settings), special)
    if (name, config.get("model_type")) not in CLASSES:
        raise data.DataError(f"no model at Hugging Face computes this {name}: {architecture.config}.")
    theirs = CLASSES[name, config["model_type"]]
    labels = dict(enumerate(classes))
    named = (
        {"id2label": labels, "label2id": {name: number for number, name in labels.items()}} if labels else {}
    )
    return {"architectures": [theirs], "dtype": "float32", **config, **named}, theirs


def _tokenizer_config(tokenizer: Tokenizer, positions: int) -> dict[str, Any]:
    """What tells `transformers` how to wrap tokenizer.json."""
    names = ("pad", "unk", "cls", "sep", "mask")
    tokens = dict(zip(names, data.SPECIAL_TOKENS, strict=True)) | {"bos": data.END, "eos": data.END}
    known = {f"{name}_token": t for name, t in tokens.items() if tokenizer.token_to_id(t) is not None}
    return {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": positions, **known}


def _check_vocabulary(tokenizer: Tokenizer, vocab: int, source: Path) -> None:
    """Every token needs a row of the embedding; there may be rows to spare."""
    last = max(tokenizer.get_vocab().values())
    if last >= vocab:
        raise data.DataError(
            f"{source}: the tokenizer has a token {last}, but the embedding has rows 0 to {vocab - 1} "
            f"(vocab_size={vocab}): put back the files that belong together."
        )
