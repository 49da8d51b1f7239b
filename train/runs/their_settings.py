"""What Hugging Face's files say that our models have no setting for, kept in an imported run's folder.

hugging_face.json has what an export says again: ids of tokens, and what a classifier's outputs mean
("problem_type"). generation_config.json has how a model writes, which `generate` of `transformers` 5 takes
from the file of that name, or from config.json where there is none: never from both.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer

import data
from train.runs.files import read_json

KEPT, GENERATION = "hugging_face.json", "generation_config.json"
IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
PROBLEMS = ("regression", "single_label_classification", "multi_label_classification")
# What is asked of whoever lets a model write; the import says what the file would have had.
ASKED = ("do_sample", "temperature", "top_k", "top_p", "max_length", "max_new_tokens", "num_return_sequences")
# What else changes what is written, with the values that change nothing. All the rest does not change it.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(
        ("repetition_penalty", "encoder_repetition_penalty", "guidance_scale", "typical_p"), (1.0,)
    ),
    **dict.fromkeys(("min_length", "min_new_tokens", "no_repeat_ngram_size"), (0,)),
    **dict.fromkeys(("encoder_no_repeat_ngram_size", "epsilon_cutoff", "eta_cutoff", "min_p"), (0,)),
    **dict.fromkeys(("num_beams", "num_beam_groups"), (1,)),
    **dict.fromkeys(("penalty_alpha",), (0,)),
    **dict.fromkeys(("token_healing", "force_bos_token_to_be_generated", "use_mtp"), (False,)),
    **dict.fromkeys(("suppress_tokens", "begin_suppress_tokens"), ([],)),
    **dict.fromkeys(("forced_bos_token_id", "forced_eos_token_id", "bad_words_ids", "sequence_bias"), ()),
    **dict.fromkeys(("exponential_decay_length_penalty", "stop_strings", "max_time", "top_h"), ()),
    **dict.fromkeys(("constraints", "force_words_ids", "dola_layers", "watermarking_config"), ()),
    "cache_implementation": (
        "dynamic",
        "static",
        "offloaded",
        "offloaded_static",
        "hybrid",
        "sliding_window",
    ),
}


class Ends(NamedTuple):
    """How a text begins and ends."""

    begin: int | None
    """What an empty prompt begins with; None: it cannot be empty."""
    ends: tuple[int, ...]
    """The tokens that end a text."""


def kept(config: Mapping[str, Any], vocab: int) -> dict[str, Any]:
    """What an export says again of config.json. Raises `data.DataError` on a value of another kind."""
    found = _ids(config, "config.json", vocab)
    if (problem := config.get("problem_type")) is not None:
        if problem not in PROBLEMS:
            raise data.DataError(f"problem_type={ascii(problem)[:99]}: known are {', '.join(PROBLEMS)}.")
        found["problem_type"] = problem
    return found


def generation(config: Mapping[str, Any], generating: Mapping[str, Any] | None, vocab: int) -> dict[str, Any]:
    """How a model writes, by generation_config.json, or by config.json where there is none.

    Raises `data.DataError` on what would change what is written and is not ours.
    """
    file, said = ("config.json", config) if generating is None else (GENERATION, generating)
    for key, neutral in NEUTRAL.items():
        if (value := said.get(key)) is not None and value not in neutral:
            remedy = (
                f"set it to {neutral[0]!r}" if neutral and key != "cache_implementation" else "take it out"
            )
            raise data.DataError(
                f"{file} says {key}={ascii(value)[:99]}, which ours does not do when it writes: {remedy} to "
                "have the texts without it."
            )
    asked = {key: said[key] for key in ASKED if said.get(key) is not None}
    return _ids(said, file, vocab) | asked


def _ids(said: Mapping[str, Any], file: str, vocab: int) -> dict[str, Any]:
    """The tokens that begin, end and pad a text."""
    found: dict[str, Any] = {}
    for name in IDS:
        numbers = _numbers(name, said.get(name), file)
        inside = [number for number in numbers if 0 <= number < vocab]
        if inside:  # configurations have numbers of other vocabularies
            found[name] = inside if len(inside) > 1 else inside[0]
    return found


def _numbers(name: str, value: Any, file: str) -> list[int]:
    """The numbers of the tokens of one setting: none, one, or several that end a text."""
    if value is None:
        return []
    numbers = value if isinstance(value, list) and name == "eos_token_id" else [value]
    if not all(type(number) is int for number in numbers):
        raise data.DataError(f"{file} says {name}={ascii(value)[:99]}: give the number of a token.")
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
