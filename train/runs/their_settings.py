"""What Hugging Face's config.json says that our models have no setting for, kept in an imported run's folder.

Ids of tokens, and what a classifier's outputs mean ("problem_type"): an export says it again. How a model
writes is kept beside it (`generation_config`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer

import data
from train.runs.files import read_json
from train.runs.generation_config import GENERATION, token_ids

KEPT = "hugging_face.json"
PROBLEMS = ("regression", "single_label_classification", "multi_label_classification")


class Ends(NamedTuple):
    """How a text begins and ends."""

    begin: int | None
    """What an empty prompt begins with; None: it cannot be empty."""
    ends: tuple[int, ...]
    """The tokens that end a text."""


def kept(config: Mapping[str, Any], vocab: int) -> dict[str, Any]:
    """What an export says again of config.json. Raises `data.DataError` on a value of another kind."""
    found = token_ids(config, "config.json", vocab)
    if (problem := config.get("problem_type")) is not None:
        if problem not in PROBLEMS:
            raise data.DataError(f"problem_type={ascii(problem)[:99]}: known are {', '.join(PROBLEMS)}.")
        found["problem_type"] = problem
    return found


def labels(config: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """The names of a classifier's classes, as config.json has them. Raises `data.DataError`."""
    named = config.get("id2label") or {str(number): f"LABEL_{number}" for number in range(count)}
    if not isinstance(named, Mapping) or not all(isinstance(name, str) for name in named.values()):
        raise data.DataError(f"id2label={ascii(named)[:99]}: give each class's number its name.")
    if named.keys() != {str(number) for number in range(count)}:
        raise data.DataError(
            f"id2label names {len(named)} classes, but the tensors tell {count} apart: put back the "
            "config.json of this model."
        )
    names = tuple(named[str(number)] for number in range(count))
    if len(set(names)) < count:
        twice = next(name for name in names if names.count(name) > 1)
        raise data.DataError(f"id2label gives two classes the name {ascii(twice)[:99]}: give each its own.")
    return names


def read_kept(folder: Path) -> dict[str, Any]:
    """What a run's folder keeps; nothing where the run was trained here."""
    path = folder / KEPT
    return read_json(path, f"{folder} is no imported run") if path.exists() else {}


def ends_of(folder: Path, tokenizer: Tokenizer) -> Ends:
    """How the texts of a run begin and end: as its files said, or, if none did, by the names of its tokens.

    Raises `data.DataError` where a run that was trained here has no token to end a text with.
    """
    if not (folder / KEPT).exists():
        end = data.end_id(tokenizer)
        return Ends(end, (end,))
    path = folder / GENERATION
    found = read_json(path, "") if path.exists() else {}
    ends = found.get("eos_token_id", ())
    ends = (ends,) if isinstance(ends, int) else tuple(ends)
    return Ends(found.get("bos_token_id", ends[0] if ends else None), ends)
