"""A run's language model as far as no framework is needed: its tokenizer, its length, how its texts begin."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int
from tokenizers import Tokenizer

import data
from jax_impl.config import GPTConfig
from train.config import ConfigError
from train.runs.files import check_writes, read_model
from train.runs.their_settings import Ends, ends_of
from train.runs.used import warn_unfinished


@dataclass(frozen=True, eq=False)
class Language:
    """What reads and writes texts for a GPT."""

    folder: Path
    tokenizer: Tokenizer
    config: GPTConfig
    ends: Ends
    """The token before a text's first, if there is one, and those after its last."""

    @property
    def positions(self) -> int:
        """The longest text that the model reads, in tokens."""
        return self.config.max_positions

    @property
    def begin(self) -> list[int]:
        """What stands before a text: its first token has a probability given this."""
        return [] if self.ends.begin is None else [self.ends.begin]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, and nothing else. The name of a special token in it is only text."""
        return [found.ids for found in data.encode_as_text(self.tokenizer, texts)]

    def prompts(self, texts: Sequence[str]) -> list[list[int]]:
        """What the model reads of each before it goes on, as `generate` has it; `begin` instead of nothing.

        Raises ConfigError where there is neither.
        """
        found = [encoding.ids or self.begin for encoding in self.tokenizer.encode_batch(list(texts))]
        if not all(found):
            raise ConfigError("an empty text: nothing says which token begins one of this model; write some")
        return found

    def decode(self, ids: Sequence[int] | Int[np.ndarray, "position"]) -> str:
        """The text of tokens; special ones by their names."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=False)


def open_language(folder: Path) -> Language:
    """The language model of a run. Of one that is unfinished, the error stream is told.

    Raises:
        RunError: there is no run, or it holds no GPT.
        DataError: its tokenizer cannot be used.
    """
    architecture = read_model(folder)[0]
    check_writes(folder, architecture)
    assert isinstance(architecture.config, GPTConfig)
    warn_unfinished(folder)
    tokenizer = data.load_tokenizer(folder / "tokenizer.json")
    return Language(folder, tokenizer, architecture.config, ends_of(folder, tokenizer))


def open_languages(folders: Sequence[Path]) -> list[Language]:
    """Those of several runs. Raises ConfigError where there is none, and what `open_language` raises."""
    if not folders:
        raise ConfigError("no run: give the folder of one or more")
    return [open_language(folder) for folder in folders]


def check_text(name: str, text: str) -> None:
    """Raise ConfigError, naming the text, where it has no words."""
    if not text.strip():
        raise ConfigError(f"{name} is {text!r:.40}, which has no words: give another")
