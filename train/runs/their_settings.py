"""What Hugging Face's files say that our models have no setting for, kept in an imported run's folder.

Ids of the tokens that begin and end a text, and what a classifier's outputs mean ("problem_type"). What
writes and predicts reads it, and an export says it again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer

import data
from train.runs.files import read_json

KEPT = "hugging_face.json"
IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
PROBLEMS = ("regression", "single_label_classification", "multi_label_classification")


class Ends(NamedTuple):
    """How a text begins and ends."""

    begin: int | None
    """What an empty prompt begins with; None: it cannot be empty."""
    ends: tuple[int, ...]
    """The tokens that end a text."""


def kept(config: Mapping[str, Any], generation: Mapping[str, Any], vocab: int) -> dict[str, Any]:
    """What is kept of config.json and of generation_config.json, which goes before for the tokens.

    Raises `data.DataError` on a value of another kind.
    """
    found: dict[str, Any] = {}
    for name in IDS:
        said = [_numbers(name, settings.get(name)) for settings in (generation, config)]
        numbers = said[0] or said[1]
        inside = [number for number in numbers if 0 <= number < vocab]
        if inside:  # configurations have numbers of other vocabularies
            found[name] = inside if len(inside) > 1 else inside[0]
    if (problem := config.get("problem_type")) is not None:
        if problem not in PROBLEMS:
            raise data.DataError(f"problem_type={ascii(problem)[:99]}: known are {', '.join(PROBLEMS)}.")
        found["problem_type"] = problem
    return found


def _numbers(name: str, value: Any) -> list[int]:
    """The numbers of the tokens of one setting: none, one, or several that end a text."""
    if value is None:
        return []
    numbers = value if isinstance(value, list) and name == "eos_token_id" else [value]
    if not all(type(number) is int for number in numbers):
        raise data.DataError(f"{name}={ascii(value)[:99]}: give the number of a token.")
    return numbers


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
    """How the texts of a run begin and end: as its files said, or by the names that such tokens have.

    Raises `data.DataError` where a run that was trained here has no token to end a text with.
    """
    found = read_kept(folder)
    ends = found.get("eos_token_id")
    if ends is not None:
        ends = tuple(ends) if isinstance(ends, list) else (ends,)
        return Ends(found.get("bos_token_id", ends[0]), ends)
    try:
        end = data.end_id(tokenizer)
    except data.DataError:
        if not (folder / KEPT).exists():
            raise
        return Ends(found.get("bos_token_id"), ())
    return Ends(found.get("bos_token_id", end), (end,))
