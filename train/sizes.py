"""What this process may have of the machine, and what a run takes of its memory, estimated."""

import math
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from train.config import Config, ConfigError, ModelConfig

NUMBERS = 4  # of each parameter while it is trained: itself, its gradient and two moments
BYTES = 4  # of a number in float32
POSITIONS = 2**24  # of a model whose checkpoint has no table of them
CONTAINER = Path("/sys/fs/cgroup/memory.max")  # what a container may have, on Linux
ANY = ("window", "window_every")  # settings that take no memory


def cores() -> int:
    """How many processors this process may use: a container may have fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> float:
    """What this process may have, in bytes: the machine's, or less where a limit is set; infinite where the
    system does not say."""
    found = [float("inf")]
    with suppress(AttributeError, ValueError, OSError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with suppress(ValueError, OSError):  # "max" is no limit
        found.append(int(CONTAINER.read_text("ascii")))
    with suppress(ImportError):  # Windows has none
        import resource

        limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
        found += [limit for limit in limits if limit != resource.RLIM_INFINITY]
    return float(min(found))


def parameters(model: ModelConfig) -> int:
    """About how many a model has, at least; the vocabulary is not counted, which may turn out smaller."""
    attention = 2 * model.embed * model.width * (model.heads + model.key_heads)
    feed_forward = (3 if model.gated else 2) * model.embed * model.mlp
    return model.layers * (attention + feed_forward) + model.max_positions * model.embed


def refuse_too_large(config: Config) -> None:
    """Raise ConfigError where the parameters alone do not fit. A model that is begun with fitted before."""
    count = parameters(config.model)
    needed = count * NUMBERS * BYTES
    if config.init is None and needed > memory():
        model = config.model
        raise ConfigError(
            f"embed={model.embed}, mlp={model.mlp}, layers={model.layers}: about {count:,} parameters, which "
            f"take {gigabytes(needed)} with gradients and moments; there are {gigabytes(memory())} here. "
            "Choose a smaller model"
        )


def impossible(model: Any, shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """A setting, with its value, that a model with weights of these shapes, by name, cannot have; or None.

    It is found without building the model, which may be of a billion layers.
    """
    numbers = sum(map(math.prod, shapes.values()))
    for name, value in vars(model).items():
        if type(value) is not int or name in ANY:
            continue
        table = name != "max_positions" or model.position_encoding == "learned"
        if value > (len(shapes) if name == "layers" else numbers if table else POSITIONS):
            return f"{name}={value}"
    return None


def refuse_too_many(num: int, prompts: int, model: Any) -> None:
    """Raise ConfigError where the keys and values of all texts that are written together do not fit.

    ``model`` is a `GPTConfig` of either framework.
    """
    row = 2 * model.layers * model.max_positions * model.key_heads * model.width + model.vocab
    needed = num * prompts * row * BYTES
    if needed > memory():
        raise ConfigError(
            f"num={num}: the texts together take {gigabytes(needed)}; there are "
            f"{gigabytes(memory())}. Choose fewer"
        )


def gigabytes(count: int | float) -> str:
    """Bytes for a person."""
    return f"{count / 1e9:,.1f} GB"
