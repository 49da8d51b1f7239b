"""One transformer in JAX and in PyTorch: compare the two, train them, open what they learned."""

import sys
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import tyro
from rich.console import Console
from rich.markup import escape

import data
from parity_tests.twins.check import UnknownTwin
from train.config import Config, ConfigError, Framework
from train.evaluate import evaluate
from train.loops.memory import keep_freed_memory
from train.presets import DATA, preset
from train.proof.parity import Parity, parity
from train.proof.preflight import ParityError
from train.resume import resume
from train.runs.checkpoint import CheckpointError
from train.runs.folder import RunError
from train.runs.generate import Sampling, generate
from train.runs.hugging_face import export_run, import_run
from train.start import train

ERRORS = (
    data.DataError,
    ConfigError,
    RunError,
    CheckpointError,
    ParityError,
    UnknownTwin,
    FloatingPointError,
)


@dataclass(frozen=True)
class Train:
    """Train a text classifier, BERT or GPT in JAX, in PyTorch or in both.

    The parity check of exactly this model comes first. Two runs share weights, batches and dropout masks.
    """

    config: Annotated[Config, tyro.conf.arg(name="")]
    family: tyro.conf.Positional[Literal["classifier", "bert", "gpt"]]
    """A text classifier, or a language model that fills in masked words (bert) or writes on (gpt)."""
    out: Path | None = None
    """The run's folder, new or empty. Default: runs/FAMILY-DATA-SEED."""
    framework: Literal["jax", "torch", "both"] = "both"
    """Which framework trains."""
    data_dir: Path | None = None
    """Folder that holds the data sets; else $TWINFORMER_DATA; else they are downloaded."""
    skip_parity: bool = False
    """Train without the parity check."""


@dataclass(frozen=True)
class Resume:
    """Go on with a run that was interrupted, in the framework that began it or in the other."""

    run: tyro.conf.Positional[Path]
    """The run's folder. It stays as it is."""
    out: tyro.conf.Positional[Path]
    """The folder of the whole run, new or empty."""
    source: Framework | None = None
    """Whose last checkpoint to begin with, where both have one."""
    framework: Framework | None = None
    """Which framework goes on. Default: the one that began."""
    data_dir: Path | None = None
    """Folder that holds the data sets; else $TWINFORMER_DATA; else they are downloaded."""
    skip_parity: bool = False
    """Train without the parity check."""


@dataclass(frozen=True)
class Evaluate:
    """Recompute a run's report from its checkpoint, in either framework."""

    run: tyro.conf.Positional[Path]
    """The run's folder."""
    framework: Literal["jax", "torch"] = "jax"
    """Which framework computes."""
    data_dir: Path | None = None
    """Folder that holds the data sets; else $TWINFORMER_DATA; else they are downloaded."""


@dataclass(frozen=True)
class Import:
    """Make a run of a Hugging Face checkpoint: BERT, GPT-2, GPT or Llama."""

    source: tyro.conf.Positional[Path]
    """Folder with config.json, a tokenizer, and model.safetensors or pytorch_model.bin, or shards."""
    out: tyro.conf.Positional[Path]
    """The run's folder, new or empty."""


@dataclass(frozen=True)
class Export:
    """Write a run as a folder that transformers opens with from_pretrained."""

    run: tyro.conf.Positional[Path]
    """The run's folder."""
    out: tyro.conf.Positional[Path]
    """The folder to write, new or empty."""


@dataclass(frozen=True)
class Generate:
    """Let a GPT go on writing. The same seed gives the same text in both frameworks."""

    run: tyro.conf.Positional[Path]
    """The run's folder."""
    prompts: tyro.conf.Positional[list[str]]
    """One text or more, of any lengths, to go on from."""
    sampling: Annotated[Sampling, tyro.conf.arg(name="")] = field(default_factory=Sampling)
    framework: Framework = "jax"
    """Which framework computes."""


Command = Parity | Train | Resume | Evaluate | Generate | Import | Export


def main() -> None:
    """Run the command; exit with 1 where parity fails and 2 where the input cannot be used."""
    try:
        status = run(parse(sys.argv[1:]), Console())
    except ERRORS as error:
        Console(stderr=True).print("[red]twinformer:[/]", str(error), markup=True, highlight=False)
        status = 1 if isinstance(error, ParityError) else 2
    sys.exit(status)


def parse(arguments: list[str]) -> Command:
    """The command of an argument list. Training starts from the preset of its data set."""
    family = next((word for word in arguments if word in DATA), "classifier")
    named = next((value for word, value in pairwise(arguments) if word == "--data"), DATA[family])
    start = preset(family, named, "--init" in arguments)
    train_default = tyro.conf.subcommand("train", default=Train(start, cast(Any, family)))
    training = Annotated[Train, train_default] | Resume
    commands: Any = Parity | training | Evaluate | Generate | Import | Export
    config = (tyro.conf.OmitSubcommandPrefixes, tyro.conf.AvoidSubcommands)
    try:
        return tyro.cli(commands, args=arguments, prog="twinformer", description=__doc__, config=config)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def run(command: Command, console: Console) -> int:
    """Carry out a command; returns the exit status."""
    if isinstance(command, Parity):
        return parity(command, console)
    if isinstance(command, Evaluate):
        evaluate(command.run, command.framework, command.data_dir, console)
        return 0
    if isinstance(command, Generate):
        texts = generate(command.run, command.prompts, command.sampling, command.framework)
        for number, text in enumerate(texts):
            console.print(
                f"[bold]{escape(command.prompts[number // command.sampling.num])}[/]{escape(text)}\n"
            )
        return 0
    if isinstance(command, Import):
        model = import_run(command.source, command.out)
        console.print(f"{command.out} holds a {model.name}: {model.config}")
        return 0
    if isinstance(command, Export):
        console.print(f"{command.out} opens as {export_run(command.run, command.out)}.from_pretrained")
        return 0
    keep_freed_memory()
    if isinstance(command, Resume):
        resume(**vars(command), console=console)
        return 0
    both: list[Framework] = ["jax", "torch"]
    config = command.config
    train(
        config,
        both if command.framework == "both" else [command.framework],
        command.out or Path("runs") / f"{config.family}-{config.data}-{config.seed}",
        command.data_dir,
        command.skip_parity,
        console,
    )
    return 0
