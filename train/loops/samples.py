"""What a language model writes while it is trained: samples.jsonl, a line each time."""

import json
from pathlib import Path

from rich.text import Text

from train.config import ConfigError
from train.loops.backend import Arrays, Backend
from train.loops.logs import Logging
from train.runs.continuations import continuations
from train.runs.durable import naming, replacing
from train.runs.metrics import read_rows
from train.runs.sampling import Sampling, check_prompts
from train.runs.their_settings import ends_of
from train.tasks.task import Task

NAME = "samples.jsonl"


def refuse(task: Task, logging: Logging) -> None:
    """Raise ConfigError on a prompt that the run's model cannot go on from."""
    if logging.sample_every:
        check_prompts([logging.prompt])
        tokens, positions = len(task.tokenizer.encode(logging.prompt).ids), task.config.model.max_positions
        if tokens > positions:
            raise ConfigError(
                f"prompt={logging.prompt!r}: it has {tokens} tokens, and the model {positions} positions; "
                "shorten it"
            )


class Samples:
    """A run's samples: always of the run's seed, so that what differs between two is what was learned."""

    def __init__(self, task: Task, loop: Backend, folder: Path, logging: Logging, first: int) -> None:
        """``first``: the steps that were taken before, of which the samples stay."""
        self._task, self._loop, self._logging, self._path = task, loop, logging, folder / NAME
        if self._path.is_file():
            kept = [row for row in read_rows(self._path) if row["step"] <= first]
            with replacing(self._path) as partial:
                partial.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
        self._model = loop.build_model(task.architecture) if logging.sample_every else None

    def due(self, step: int) -> bool:
        """After so many steps have been taken."""
        return self._model is not None and step % self._logging.sample_every == 0

    def write(self, step: int, params: Arrays) -> Text:
        """Let the model of these weights write; returns it for a terminal."""
        task, prompt = self._task, self._logging.prompt
        sampling, ends = Sampling(seed=task.config.seed), ends_of(self._path.parents[1], task.tokenizer)
        (text,) = continuations(self._loop, self._model, params, task.tokenizer, [prompt], sampling, ends)
        with naming(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "prompt": prompt, "text": text}) + "\n")
        return Text.assemble(f"After step {step}: ", (prompt, "bold"), text)
