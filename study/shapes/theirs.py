"""Hugging Face's checkpoint of a model: of which kind it is, and where it keeps each parameter."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import data
import torch_impl.config
from torch_impl.convert.kinds import KINDS
from torch_impl.convert.stored import Stored, stored
from train.architecture import Architecture
from train.runs import checkpoint
from train.runs.folder import checkpoint_folder
from train.runs.hugging_face import Judged, counterpart
from train.runs.their_settings import KEPT


class Theirs(NamedTuple):
    """A kind of their checkpoints, for one of our models."""

    kind: str
    """The "model_type" of their config.json: "gpt2"."""
    model: str
    """The name of ours."""
    names: tuple[str, ...] = ()
    """The tensors of a file, where there is one."""

    def stored(self, settings: Mapping[str, Any]) -> dict[str, Stored]:
        """By Flax's name of a parameter, where a checkpoint of these settings keeps it."""
        ours: Any = torch_impl.config.from_json(torch_impl.config.CONFIGS[self.model], settings)
        found = stored(self.kind, ours, self.model, settings.get("classes", 0), self.names)
        # An encoder alone is no part of a model with a head.
        return {
            name.removeprefix("bert/") if self.model == "bert" else name: one for name, one in found.items()
        }


def of_folder(judged: Judged) -> Theirs:
    """As a folder of theirs has it."""
    return Theirs(judged.config["model_type"], judged.architecture.name, tuple(judged.files.header))


def of_run(folder: Path, architecture: Architecture) -> Theirs | None:
    """As it was imported, or as an export writes it. None where no model of theirs computes the same."""
    theirs = of_settings(architecture)
    if theirs is None or not (folder / KEPT).exists():
        return theirs
    kind = checkpoint.read_about(checkpoint_folder(folder, "jax") / checkpoint.NAME).get("model_type")
    family = KINDS[theirs.kind].config
    known = [name for name, one in KINDS.items() if one.config is family]  # a Mistral may be a Llama, too
    return theirs._replace(kind=kind) if kind in known else theirs


def of_settings(architecture: Architecture) -> Theirs | None:
    """As an export writes it. None where no model of theirs computes the same."""
    try:
        return Theirs(counterpart(architecture, {})[0]["model_type"], architecture.name)
    except data.DataError:
        return None
