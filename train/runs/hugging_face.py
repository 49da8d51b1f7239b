"""Checkpoints of Hugging Face become runs, and runs become folders that `transformers` opens.

A folder is judged before anything is built of it, by its settings and the headers of its files, and without
either framework: so a broken one is refused in a moment.
"""

import dataclasses
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer

import data
from data.tokenizers.beside import ADDED, CONFIG, SPECIAL, Beside
from data.tokenizers.pretrained import Pretrained, load_pretrained
from jax_impl.config import CONFIGS, from_json
from torch_impl import config as torch_config
from torch_impl.convert.classes import CLASSES, named_classes, with_kind
from torch_impl.convert.config_json import ConvertError, our_config, their_config
from torch_impl.convert.hugging_face import (
    check_shapes,
    classes_in,
    from_hugging_face,
    model_in,
    to_hugging_face,
)
from train.architecture import Architecture
from train.runs import checkpoint, folder, used
from train.runs.durable import write_json
from train.runs.files import read_json
from train.runs.filling import filling
from train.runs.generation_config import GENERATION, generation
from train.runs.load import Run, load
from train.runs.lock import owned
from train.runs.tensor_files import TensorFiles, open_tensors
from train.runs.their_settings import KEPT, kept, labels, read_kept

# These have their tensors without the name that heads give them.
BARE = {"BertModel": "bert.", "RobertaModel": "roberta.", "DistilBertModel": "distilbert."}
IDS = {  # that a config.json gives, and the tokens that are meant
    "pad_token_id": data.SPECIAL_TOKENS[data.PAD_ID],
    "bos_token_id": data.END,
    "eos_token_id": data.END,
}


def import_run(source: Path, out: Path) -> Architecture:
    """Make a run of a folder with config.json, a tokenizer and tensors. Returns the model it holds.

    Which of our models it is follows from the class that config.json names and from the tensors. Every tensor
    is used exactly once.

    Raises:
        DataError: naming the setting, tensor or tokenizer that does not fit.
        RunError, CheckpointError: naming the file at fault.
    """
    used.refuse_used(out)
    theirs = judge(source)
    config, vocab = theirs.config, theirs.architecture.config.vocab
    said, writing = kept(config, vocab), None
    if theirs.architecture.name == "gpt":
        own = _beside(source, GENERATION) if (source / GENERATION).exists() else None
        writing = generation(config, own, vocab)
    tokenizer, beside = _tokenizer(source, config, vocab)
    with _as_data_error():
        params = from_hugging_face(theirs.files.read(), config)
    if theirs.architecture.name == "bert":  # it has no head whose part it would be
        params = {path.removeprefix("bert/"): array for path, array in params.items()}
    with owned(out):
        used.refuse_used(out)
        folder.create(out, theirs.architecture, theirs.classes, tokenizer)
        write_json(out / CONFIG, beside)
        write_json(out / KEPT, said)
        if writing is not None:
            write_json(out / GENERATION, writing)
        about = {"imported": source.name, "model_type": config["model_type"], "files": folder.parts(out)}
        checkpoint.save(out, {"params": params}, about)
    return theirs.architecture


class Judged(NamedTuple):
    """A folder of theirs whose settings and tensors go together."""

    config: dict[str, Any]
    """Its config.json, with the kind."""
    files: TensorFiles
    architecture: Architecture
    classes: tuple[str, ...]


def judge(source: Path) -> Judged:
    """Which of our models a folder of theirs is, by its settings and the headers of its files alone.

    Raises what `import_run` does.
    """
    config = read_json(source / "config.json", f"{source} is no checkpoint")
    files = open_tensors(source)
    shapes = {name: stored.shape for name, stored in files.header.items()}
    with _as_data_error():
        config = with_kind(config, shapes)
        ours, name = our_config(config), model_in(shapes, config)
        count = classes_in(shapes, config)
        check_shapes(shapes, config, count)
    classes = labels(config, count) if name.endswith("_classifier") else ()
    if len(classes) == 1 and not named_classes(config):
        raise data.DataError(
            f"{source} has a classifier of one class, a regression or a multiple choice; ours has no head "
            "for the second: name the class in architectures."
        )
    settings = dataclasses.asdict(ours) | ({"classes": count} if classes else {})
    if name == "gpt_classifier":
        settings["tied"] = True  # it has no output layer
    return Judged(config, files, Architecture(name, from_json(CONFIGS[name], settings)), classes)


def export_run(source: Path, out: Path) -> str:
    """Write a run as a folder that `transformers` opens with from_pretrained. Returns their class's name.

    Raises:
        DataError: no model there computes the same.
        RunError, CheckpointError: naming the file at fault.
    """
    used.refuse_used(out)
    run = load(source)
    imported = (source / KEPT).exists()
    config, theirs = _config(run, read_kept(source) if imported else _special(run.tokenizer))
    params = run.params
    if run.architecture.name == "bert":
        params = {f"bert/{name}": array for name, array in params.items()}
    with _as_data_error():
        tensors = to_hugging_face(params, config)
    tensors = {name.removeprefix(BARE.get(theirs, "")): array for name, array in tensors.items()}
    with filling(out) as folder:
        checkpoint.write_tensors(folder / "model.safetensors", tensors, {"format": "pt"})
        write_json(folder / "config.json", config)
        data.save_tokenizer(run.tokenizer, folder / "tokenizer.json")
        for name in (CONFIG, GENERATION):
            if (source / name).is_file():
                shutil.copyfile(source / name, folder / name)
        if not (folder / CONFIG).exists():
            positions = run.architecture.config.max_positions
            write_json(folder / CONFIG, _tokenizer_config(run.tokenizer, positions))
    return theirs


def _tokenizer(source: Path, config: Mapping[str, Any], vocab: int) -> Pretrained:
    """The tokenizer of a folder. Every token needs a row of the embedding; there may be rows to spare."""
    files = (_beside(source, name) for name in (CONFIG, SPECIAL, ADDED))
    found = load_pretrained(Beside(source, config, *files), vocab)
    tokenizer = found.tokenizer
    last = max([*tokenizer.get_vocab().values(), *tokenizer.encode("").ids], default=-1)
    if last >= vocab:
        raise data.DataError(
            f"{source}: the tokenizer has a token {last}, but the embedding has rows 0 to {vocab - 1} "
            f"(vocab_size={vocab}): put back the files that belong together."
        )
    return found


def _beside(source: Path, name: str) -> dict[str, Any]:
    """What a JSON file says that a folder may have."""
    return read_json(source / name, "") if (source / name).exists() else {}


@contextmanager
def _as_data_error() -> Iterator[None]:
    """What the converter refuses is refused as data that does not fit."""
    try:
        yield
    except ConvertError as error:
        raise data.DataError(str(error)) from error


def _special(tokenizer: Tokenizer) -> dict[str, int]:
    """The ids of the tokens that a run trained here has for such."""
    found = {name: tokenizer.token_to_id(token) for name, token in IDS.items()}
    return {name: number for name, number in found.items() if number is not None}


def _config(run: Run, special: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Their config.json and the name of their class."""
    if run.architecture.name == "gpt_classifier" and "eos_token_id" in special:  # whose ends padding tells
        special = {"pad_token_id": special["eos_token_id"], **special}
    config, theirs = counterpart(run.architecture, special)
    labels = dict(enumerate(run.classes))
    named = (
        {"id2label": labels, "label2id": {name: number for number, name in labels.items()}} if labels else {}
    )
    return {"architectures": [theirs], "dtype": "float32", **config, **named}, theirs


def has_counterpart(architecture: Architecture) -> bool:
    """Whether a model of theirs computes the same."""
    try:
        counterpart(architecture, {})
    except data.DataError:
        return False
    return True


def counterpart(architecture: Architecture, special: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The config.json of the model of theirs that computes the same, and its class.

    ``special`` are ids of tokens, by their names. Raises DataError where there is none.
    """
    name, settings = architecture.name, dataclasses.asdict(architecture.config)
    if name in ("bert", "bert_for_masked_lm"):  # they have no pooler, whatever it would end with
        settings["pooler_activation"] = "tanh" if settings["segments"] else "relu"
    config: dict[str, Any] = {}
    if (
        any(name in known.values() for known in CLASSES.values())
        and settings.get("pooling", "first") == "first"
    ):
        with _as_data_error():
            config = their_config(torch_config.from_json(torch_config.CONFIGS[name], settings), special)
    known = {ours: theirs for theirs, ours in CLASSES.get(config.get("model_type", ""), {}).items()}
    if "bert_model" in known:  # they open it without a pooler, too, and say that there is none
        known.setdefault("bert", known["bert_model"])
    if name not in known:
        raise data.DataError(f"no model at Hugging Face computes this {name}: {architecture.config}.")
    return config, known[name]


def _tokenizer_config(tokenizer: Tokenizer, positions: int) -> dict[str, Any]:
    """What tells `transformers` how to wrap tokenizer.json."""
    names = ("pad", "unk", "cls", "sep", "mask")
    tokens = dict(zip(names, data.SPECIAL_TOKENS, strict=True)) | {"bos": data.END, "eos": data.END}
    known = {f"{name}_token": t for name, t in tokens.items() if tokenizer.token_to_id(t) is not None}
    return {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": positions, **known}
