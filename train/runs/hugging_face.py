"""Checkpoints of Hugging Face become runs, and runs become folders that `transformers` opens."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer

import data
from data.pretrained import from_hugging_face, to_hugging_face
from data.pretrained_config import hugging_face_config, model_arguments
from jax_impl.config import BertClassifierConfig, BertConfig, Config, GPTConfig
from train.architecture import Architecture
from train.config import write_json
from train.loops.jax_loop import parameter_shapes
from train.runs import checkpoint, folder, used
from train.runs.files import read_json
from train.runs.load import load
from train.runs.tensor_files import read_tensors

CLASSES = {  # of theirs, by our model and their kind
    ("bert_model", "bert"): "BertModel",
    ("bert_for_masked_lm", "bert"): "BertForMaskedLM",
    ("bert_pretraining", "bert"): "BertForPreTraining",
    ("bert_classifier", "bert"): "BertForSequenceClassification",
    ("gpt", "gpt2"): "GPT2LMHeadModel",
    ("gpt", "openai-gpt"): "OpenAIGPTLMHeadModel",
    ("gpt", "llama"): "LlamaForCausalLM",
}
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
    arguments = model_arguments(config)  # refuses what is unknown before the tensors are read
    tokenizer = data.load_tokenizer(source)
    _check_vocabulary(tokenizer, arguments["vocab"], source)
    params = from_hugging_face(read_tensors(source), config)
    architecture, classes = _model(arguments, params, config)
    checkpoint.check(params, parameter_shapes(architecture), f"{source} is no whole {architecture.name}")
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
    tensors = to_hugging_face(run.params, config)
    if theirs == "BertModel":  # has its tensors without the name that heads give it
        tensors = {name.removeprefix("bert."): array for name, array in tensors.items()}
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


def _model(
    arguments: dict[str, Any], params: Mapping[str, np.ndarray], config: Mapping[str, Any]
) -> tuple[Architecture, tuple[str, ...]]:
    """Our model, and the names of its classes."""
    if config["model_type"] != "bert":
        return Architecture("gpt", GPTConfig(**arguments)), ()
    bert = BertConfig(**arguments)
    if "head/kernel" in params:
        count = params["head/kernel"].shape[1]
        named = config.get("id2label") or {}
        classes = tuple(named.get(str(number), f"LABEL_{number}") for number in range(count))
        return Architecture("bert_classifier", BertClassifierConfig(**vars(bert), classes=count)), classes
    if "next_sentence/kernel" in params:
        return Architecture("bert_pretraining", bert), ()
    if "words/word_bias" in params:
        return Architecture("bert_for_masked_lm", bert), ()
    return Architecture("bert_model", bert), ()


def _config(
    architecture: Architecture, tokenizer: Tokenizer, classes: tuple[str, ...]
) -> tuple[dict[str, Any], str]:
    """Their config.json and the name of their class."""
    name, ours = architecture.name, architecture.config
    pooling = getattr(ours, "pooling", "first")
    if name not in {known for known, _ in CLASSES} or pooling != "first":
        raise data.DataError(f"no model at Hugging Face computes this {name}: {ours}.")
    special = {
        name: number
        for name, token in SPECIAL.items()
        if (number := tokenizer.token_to_id(token)) is not None
    }
    config = hugging_face_config(vars(ours), special)
    again = type(ours)(**{**model_arguments(config), **_given(ours)})
    if again != ours:
        raise data.DataError(f"no model at Hugging Face computes this {name}: {ours}.")
    theirs = CLASSES[name, config["model_type"]]
    labels = dict(enumerate(classes))
    named = (
        {"id2label": labels, "label2id": {name: number for number, name in labels.items()}} if labels else {}
    )
    return {"architectures": [theirs], "dtype": "float32", **config, **named}, theirs


def _given(ours: Config) -> dict[str, Any]:
    """What config.json does not say: the dropout, and a head's settings."""
    return {name: value for name, value in vars(ours).items() if name in ("dropout", "classes", "pooling")}


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
