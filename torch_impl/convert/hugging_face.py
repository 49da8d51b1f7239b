"""Checkpoints of Hugging Face become our parameters, and back. `tables` has their names and layouts.

Every tensor is used exactly once, or an error names it; what is no parameter, or a second copy of one, is
listed by name.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from torch_impl.convert.classes import model_of, with_kind
from torch_impl.convert.config_json import ConvertError, our_config
from torch_impl.convert.engine import Arrays, places, to_flax, to_torch
from torch_impl.convert.row import fill, match
from torch_impl.convert.shapes import paths, their_shape
from torch_impl.convert.tables import PARTS, Table, table

# Tensors that tell which parts a folder has, by their kind.
SIGNS = {
    "bert": {
        "pooler": "bert.pooler.dense.weight",
        "words": "cls.predictions.bias",
        "next_sentence": "cls.seq_relationship.weight",
        "head": "classifier.weight",
    },
    "roberta": {
        "pooler": "roberta.pooler.dense.weight",
        "words": "lm_head.bias",
        "head": "classifier.out_proj.weight",
    },
    "distilbert": {
        "pooler": "pre_classifier.weight",
        "words": "vocab_transform.weight",
        "head": "classifier.weight",
    },
}
SCORE = {"head": "score.weight"}
BASES = {kind: f"{kind}." for kind in SIGNS}
OURS = {"pooler": "pooler/dense/kernel", "words": "words/word_bias", "next_sentence": "next_sentence/kernel"}


def model_in(names: Collection[str], config: Mapping[str, Any]) -> str:
    """The name of our model that tensors with these names are, as config.json with its kind calls them.

    Raises ConvertError: none of ours.
    """
    signs = SIGNS.get(config["model_type"], SCORE)
    base = BASES.get(config["model_type"], "")
    parts = [part for part, sign in signs.items() if {sign, sign.removeprefix(base)} & set(names)]
    if config["model_type"] == "roberta" and "head" in parts:
        parts.append("pooler")  # it lies in the head there
    return model_of(config, parts)


def classes_in(shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, Any]) -> int:
    """How many classes the head tells apart; 0 where there is none."""
    head = SIGNS.get(config["model_type"], SCORE)["head"]
    return shapes[head][0] if shapes.get(head) else 0


def check_shapes(shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, Any], classes: int) -> None:
    """Raise ConvertError unless tensors with these names and shapes fill the model of config.json.

    Nothing is read or built: a file's header says enough. ``classes`` is how many the model's head has.
    """
    ours, model = our_config(config), model_in(shapes, config)
    made = table(config["model_type"], ours, model)
    full = _parameters(full_names({name: name for name in shapes}, made), made)
    try:
        found = places(full, "torch", made.rows)
    except KeyError as error:
        raise ConvertError(error.args[0]) from error
    numbers = {path[0] for row, path in found if "#" in row.patterns("torch")[0]}
    if len(numbers) != ours.layers:
        raise ConvertError(f"config.json has {ours.layers} layers, but the tensors are of {len(numbers)}.")
    for row in made.rows:
        for path in paths(row, ours.layers):
            names = [fill(pattern, path) for pattern in row.patterns("torch")]
            missing = [name for name in names if name not in full]
            if missing:
                raise ConvertError(f"the tensor {missing[0]} is missing, which a {model} has.")
            wanted = their_shape(row, path, ours, classes)
            for name in names:
                if shapes[full[name]] != wanted:
                    raise ConvertError(
                        f"{name} has shape {shapes[full[name]]}, but config.json makes it {wanted}: they are "
                        "of different models."
                    )


def from_hugging_face(state: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> Arrays:
    """Our flat parameters from a checkpoint's tensors; ``config`` is its config.json.

    Raises:
        ConvertError: naming the tensor that no row takes, that two give, that does not fit its row, or whose
            numbers are no finite ones.
    """
    config = with_kind(config, state)
    ours, model = our_config(config), model_in(state, config)
    made = table(config["model_type"], ours, model)
    full = full_names(state, made)
    for name in full.keys() & made.copies.keys():
        original = made.copies[name]
        if original not in full or not np.array_equal(full[name], full[original], equal_nan=True):
            raise ConvertError(f"{name} is no copy of {original}: this model is not tied.")
    taken = _parameters(full, made)
    for name, array in taken.items():
        if array.dtype.kind != "f":
            raise ConvertError(
                f"{name} holds {array.dtype}: weights are floats, so this file is none of ours."
            )
        if not np.isfinite(array).all():
            raise ConvertError(f"{name} holds numbers that are not finite: take an earlier checkpoint.")
    try:
        params = to_flax(taken, {"head_dim": ours.width}, made.rows)
    except (KeyError, ValueError) as error:
        raise ConvertError(error.args[0]) from error
    if model == "gpt_classifier" and "head/kernel" in params:  # theirs has no bias
        kernel = params["head/kernel"]
        params["head/bias"] = np.zeros(kernel.shape[1], kernel.dtype)
    return params


def to_hugging_face(params: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> Arrays:
    """A checkpoint's tensors from our flat parameters: `from_hugging_face` backwards, without copies.

    Raises:
        ConvertError: naming the parameter that no row takes, that is missing, or that does not fit its row.
    """
    model = _our_model(params, config)
    if model == "gpt_classifier":
        params = folded(params)
    try:
        return to_torch(params, table(config["model_type"], our_config(config), model).rows)
    except (KeyError, ValueError) as error:
        raise ConvertError(error.args[0]) from error


def folded(params: Mapping[str, np.ndarray]) -> Arrays:
    """A GPT classifier without the bias of its head, which theirs does not have.

    The head alone reads what the last norm gives, so a shift d of its bias with d @ kernel = bias does
    the same: the shortest one is taken.

    Raises:
        ConvertError: no norm has a bias, or no shift does it.
    """
    kernel, bias = (params[f"head/{name}"].astype(np.float64) for name in ("kernel", "bias"))
    kept = {name: array for name, array in params.items() if name != "head/bias"}
    if not bias.any():
        return kept
    layers = [int(found[1]) for name in params if (found := re.match(r"gpt/blocks_(\d+)/", name))]
    last = (
        "gpt/final_norm"
        if "gpt/final_norm/scale" in params
        else f"gpt/blocks_{max(layers)}/feed_forward_norm"
    )
    name = f"{last}/bias"
    shift, *_ = np.linalg.lstsq(kernel.T, bias, rcond=None)
    if name not in params or not np.allclose(shift @ kernel, bias, rtol=1e-9, atol=1e-12):
        raise ConvertError(
            "the classifier's head has a bias, which theirs has not, and the last norm cannot carry it."
        )
    return {**kept, name: (params[name] + shift).astype(params[name].dtype)}


def _our_model(names: Collection[str], config: Mapping[str, Any]) -> str:
    """The model of ours whose parameters these are."""
    if config["model_type"] not in SIGNS:
        return "gpt_classifier" if "head/kernel" in names else "gpt"
    parts = {part for part, sign in (OURS | {"head": "head/kernel"}).items() if sign in names}
    exact = [model for model, needed in PARTS.items() if set(needed) == parts]
    return exact[0] if exact else "bert_pretraining"  # whose table names what is missing


def full_names(state: Mapping[str, Any], made: Table) -> dict[str, Any]:
    """A checkpoint's values by the names that a model with heads has. ConvertError where two become one."""
    full = {_full_name(name, made): value for name, value in state.items()}
    if len(full) != len(state):
        raise ConvertError(f"tensors occur twice, with and without {made.base!r} before their names.")
    return full


def _parameters(full: Mapping[str, Any], made: Table) -> dict[str, Any]:
    """Those that are parameters and no copies."""
    left_out = (*made.ignored, *made.copies)
    return {
        name: value
        for name, value in full.items()
        if not any(match(pattern, name) is not None for pattern in left_out)
    }


def _full_name(name: str, made: Table) -> str:
    """The name as a model with heads has it. Checkpoints of BERT from TensorFlow say gamma and beta."""
    name = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", name)
    name = re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name)
    based = made.base + name
    known = (pattern for row in made.rows for pattern in row.patterns("torch"))
    unread = (pattern for pattern in made.ignored if pattern.startswith(made.base))
    return based if any(match(pattern, based) is not None for pattern in (*known, *unread)) else name
