"""How an imported model writes, as Hugging Face's files say it and `generate` of `transformers` 5 reads them.

It takes generation_config.json, or config.json where there is no such file: never both. What counts of it is
kept under that name in the run's folder, where an export finds it again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import data
from train.runs.files import read_json

GENERATION = "generation_config.json"
IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
# What is asked of whoever lets a model write; the import shows what the file says.
ASKED = ("do_sample", "temperature", "top_k", "top_p", "max_length", "max_new_tokens", "num_return_sequences")
# What else changes what is written, with the values that change nothing. All the rest does not change it.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(
        ("repetition_penalty", "encoder_repetition_penalty", "guidance_scale", "typical_p"), (1.0,)
    ),
    **dict.fromkeys(("min_length", "min_new_tokens", "no_repeat_ngram_size"), (0,)),
    **dict.fromkeys(("encoder_no_repeat_ngram_size", "epsilon_cutoff", "eta_cutoff", "min_p"), (0,)),
    **dict.fromkeys(("num_beams", "num_beam_groups"), (1,)),
    "penalty_alpha": (0,),
    **dict.fromkeys(("token_healing", "force_bos_token_to_be_generated", "use_mtp"), (False,)),
    **dict.fromkeys(("suppress_tokens", "begin_suppress_tokens"), ([],)),
    **dict.fromkeys(("forced_bos_token_id", "forced_eos_token_id", "bad_words_ids", "sequence_bias"), ()),
    **dict.fromkeys(("exponential_decay_length_penalty", "stop_strings", "max_time", "top_h"), ()),
    **dict.fromkeys(("constraints", "force_words_ids", "dola_layers", "watermarking_config"), ()),
    "cache_implementation": (
        *("dynamic", "static", "offloaded", "offloaded_static", "hybrid", "sliding_window"),
    ),
}


def generation(config: Mapping[str, Any], generating: Mapping[str, Any] | None, vocab: int) -> dict[str, Any]:
    """How a model writes, by generation_config.json, or by config.json where there is none.

    Raises `data.DataError` on what would change what is written and is not ours.
    """
    file, said = ("config.json", config) if generating is None else (GENERATION, generating)
    for key, neutral in NEUTRAL.items():
        if (value := said.get(key)) is not None and value not in neutral:
            remedy = f"set it to {neutral[0]!r}" if neutral else "take it out"
            raise data.DataError(
                f"{file} says {key}={ascii(value)[:99]}, which ours does not do when it writes: {remedy} to "
                "have the texts without it."
            )
    return token_ids(said, file, vocab) | {key: said[key] for key in ASKED if said.get(key) is not None}


def token_ids(said: Mapping[str, Any], file: str, vocab: int) -> dict[str, Any]:
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


def asked(folder: Path) -> str:
    """What an import's files say of how tokens are drawn and how many, which a user says anew."""
    path = folder / GENERATION
    said = read_json(path, "") if path.exists() else {}
    return ", ".join(f"{key}={ascii(said[key])[:99]}" for key in ASKED if key in said)
