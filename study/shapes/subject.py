"""What is looked at: a twin by its name, a run, or a folder of Hugging Face; and the shapes of its inputs."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np

from jax_impl.config import CONFIGS, from_json
from parity_tests.runners.arrays import Inputs
from parity_tests.twins.catalogue import TWINS
from parity_tests.twins.inputs import Twin
from parity_tests.twins.registry import MODELS
from study.shapes.settings import check_subject, is_run, is_theirs
from study.shapes.theirs import Theirs, of_folder, of_run, of_settings
from torch_impl.convert.stored import Stored
from train.architecture import Architecture
from train.config import ConfigError
from train.runs.files import read_model
from train.runs.hugging_face import judge

BATCH, LENGTH = 2, 16  # of what is not asked for
LENGTHS = ("position", "query", "key")  # axes that are as long as a text


@dataclass(frozen=True)
class Subject:
    """A pair of twins, and the shape and dtype of each of its inputs by name."""

    name: str
    twin: Twin
    inputs: Mapping[str, np.ndarray]
    """Arrays without memory of their own: their shapes and dtypes are what counts."""
    batch: int
    length: int
    theirs: Theirs | None = None
    """Of which kind its checkpoints are at Hugging Face; None where no model there computes the same."""

    def changed(self, batch: int, length: int, **settings: Any) -> "Subject":
        """The same model on another batch, or with other settings."""
        twin = _with(self.twin, settings) if settings else self.twin
        return sized(self.name, twin, batch, length, self.theirs)

    def stored(self) -> dict[str, Stored]:
        """By Flax's name of a parameter, where a checkpoint of Hugging Face keeps it."""
        return self.theirs.stored(self.twin.arguments) if self.theirs else {}


def find(name: str, batch: int | None, length: int | None, settings: Mapping[str, Any]) -> Subject:
    """The subject that a person names.

    Raises:
        UnknownTwin: no twin, no folder.
        ConfigError: a setting that this model does not have, or that does not go with the others.
        RunError, DataError: a folder that holds no model.
    """
    twin, fixed, theirs = _twin(name)
    limit = twin.arguments.get("max_positions")
    if limit is not None and length is not None and length > limit and "max_positions" not in settings:
        if fixed:
            raise ConfigError(f"length={length}: {name} has {limit} positions; give no more")
        settings = {**settings, "max_positions": length}
    default = _length(*_drawn(twin)) if not fixed else min(LENGTH, limit or LENGTH)
    changed = _with(twin, settings)
    if settings or not fixed:
        theirs = _theirs(changed)
    return sized(name, changed, batch or BATCH, length or default, theirs)


def _twin(name: str) -> tuple[Twin, bool, Theirs | None]:
    """A twin, and of a folder that its sizes are those, and how a checkpoint of Hugging Face has it."""
    check_subject(name)
    folder = Path(name)
    if is_run(folder):
        architecture = read_model(folder)[0]
        return _of(architecture), True, of_run(folder, architecture)
    if is_theirs(folder):
        judged = judge(folder)
        return _of(judged.architecture), True, of_folder(judged)
    return next(twin for twin in TWINS if twin.name == name), False, None


def _of(architecture: Architecture) -> Twin:
    """A twin of these settings, with the inputs of one that we have."""
    pair = MODELS[architecture.name]
    like = next(twin for twin in TWINS if twin.pair is pair)
    return Twin(architecture.name, pair, like.inputs, dataclasses.asdict(architecture.config), True)


def _theirs(twin: Twin) -> Theirs | None:
    """How a checkpoint of Hugging Face has a twin, if one does."""
    names = [name for name, pair in MODELS.items() if pair is twin.pair]
    return (
        of_settings(Architecture(names[0], from_json(CONFIGS[names[0]], twin.arguments))) if names else None
    )


def _with(twin: Twin, settings: Mapping[str, Any]) -> Twin:
    """A twin with settings changed. Raises ConfigError."""
    kind = twin.pair.config
    if kind is not None:
        known = [field.name for field in dataclasses.fields(kind)]
    else:
        known = [*signature(twin.pair.jax).parameters]
    for name, value in settings.items():
        if name not in known:
            raise ConfigError(f"{name}={value}: {twin.name} has no such setting; it has {', '.join(known)}")
    changed = dataclasses.replace(twin, arguments={**twin.arguments, **settings})
    try:
        if kind is not None:
            from_json(kind, changed.arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{twin.name}: {error}") from error
    return changed


def sized(name: str, twin: Twin, batch: int, length: int, theirs: Theirs | None = None) -> Subject:
    """The twin's own inputs, with as many rows and as long as asked for."""
    drawn, axes = _drawn(twin)
    rows, long = _length(drawn, axes, ("batch",)), _length(drawn, axes)
    kind = twin.pair.config
    config = from_json(kind, twin.arguments) if kind is not None else None
    inputs = {}
    for key, array in drawn.items():
        shape = []
        for axis, size in zip(axes[key], array.shape, strict=True):
            if axis == "batch" and size == rows:
                shape.append(batch)
            elif axis in LENGTHS and size == long:
                shape.append(length)
            else:
                shape.append(_setting(config, axis, size))
        inputs[key] = np.broadcast_to(np.zeros((), array.dtype), shape)
    return Subject(name, twin, inputs, batch, length, theirs)


def _setting(config: Any, axis: str, size: int) -> int:
    """The length of an axis as the settings have it."""
    if axis in ("embed", "vocab", "classes"):
        return getattr(config, axis, size) or size
    if axis == "half":
        return getattr(config, "width", 2 * size) // 2
    return size


def _drawn(twin: Twin) -> tuple[Inputs, dict[str, list[str]]]:
    """A twin's own inputs, and the names of each one's axes; "*axes" and "..." are spelled out."""
    drawn, known = twin.inputs(np.random.default_rng(0)), annotated(twin)
    return drawn, {key: _spelled(known.get(key, "...").split(), one.ndim) for key, one in drawn.items()}


def _length(
    drawn: Inputs, axes: Mapping[str, list[str]], wanted: tuple[str, ...] = ("position", "query")
) -> int:
    """How long inputs are along an axis; 1 where none has it."""
    for key, names in axes.items():
        for name, size in zip(names, drawn[key].shape, strict=True):
            if name in wanted and size > 1:
                return int(size)
    return 1


def _spelled(names: list[str], rank: int) -> list[str]:
    if names == ["..."]:
        return ["batch", "heads", "query", "key"][:rank] if rank > 3 else ["batch", "query", "key"][:rank]
    bare = [name.removeprefix("#") for name in names if not name.startswith("*")]
    before = ("batch", "heads") if bare[:1] in (["query"], ["key"]) else ("batch", "position", "embed")
    return [*before[: rank - len(bare)], *bare]


def annotated(twin: Twin) -> dict[str, str]:
    """By argument, the axes that its annotation names."""
    called = twin.pair.jax.__call__ if isinstance(twin.pair.jax, type) else twin.pair.jax
    found = {}
    for name, hint in get_type_hints(called).items():
        for kind in (hint, *get_args(hint)):
            if hasattr(kind, "dim_str"):
                found[name] = kind.dim_str
    return found
