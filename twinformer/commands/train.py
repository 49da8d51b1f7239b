"""``twinformer train``: a recipe, or a family and its data, with settings changed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import tyro
from rich.console import Console
from rich.table import Table

from train.config import Config, ConfigError, Framework
from train.fields import KEPT, Setting, changed, settings, walk
from train.loops.logs import SILENT, Logging
from train.loops.saving import DEFAULT, Saving
from train.recipes import DATA, find, recipe_of, recipes
from train.recipes.recipe import Recipe

BOTH: list[Framework] = ["jax", "torch"]
CHECKED = (
    "The parity check of exactly this model comes first. Two runs share weights, batches and dropout masks."
)


@dataclass(frozen=True)
class Overview:
    """Train a model in JAX, in PyTorch or in both, after a parity check of exactly this model.

    twinformer train gpt-embedded --steps 100

    The recipe's name comes first, then what is changed in it. `twinformer train NAME --help` shows what.
    `twinformer train gpt --data embedded` is another way to say gpt-embedded.
    """

    list: tyro.conf.FlagCreatePairsOff[bool] = False
    """Show the recipes, with what they reach."""

    def carry_out(self, console: Console) -> int:
        if not self.list:
            raise ConfigError("no recipe: name one first, after train; 'twinformer train --list' shows all")
        table = Table(box=None, pad_edge=False)
        for header in ("recipe", "data", "blocks × width", "result on the test split"):
            table.add_column(header, no_wrap=header == "recipe")
        for name, recipe in recipes().items():
            table.add_row(name, recipe.config.data, describe(recipe), recipe.result)
        console.print(table)
        return 0


@dataclass(frozen=True)
class RunOptions:
    """What is chosen for a run and is no setting of it."""

    out: Path | None = None
    """The run's folder, new or empty. Default: runs/FAMILY-DATA-SEED."""
    framework: Literal["jax", "torch", "both"] = "both"
    """Which framework trains."""
    data_dir: Path | None = None
    """Folder that holds the data sets, or one's own data; else $TWINFORMER_DATA; else they are downloaded."""
    skip_parity: bool = False
    """Train without the parity check."""
    overwrite: bool = False
    """Begin again where the folder holds a run; what that run wrote is removed."""
    save_every: str = DEFAULT.save_every
    """What may be lost when the machine dies: after so many steps (500), seconds (90s) or minutes (10m) a
    checkpoint is written; besides before the first step, and after each epoch."""
    keep: int = DEFAULT.keep
    """How many of the last checkpoints stay."""
    tensorboard: bool = SILENT.tensorboard
    """Write the curves for TensorBoard too (tensorboard --logdir runs), as events beside metrics.jsonl."""
    log_every: int = SILENT.log_every
    """Steps between two lines of metrics.jsonl; the first and the last step have one."""
    sample_every: int = SILENT.sample_every
    """Steps after which a gpt shows what it writes, kept in samples.jsonl; 0: never."""
    prompt: str = SILENT.prompt
    """With --sample-every: what it goes on from; an empty one begins a new text."""


@dataclass(frozen=True)
class Train:
    """One run: where it starts, what was typed, how it is carried out."""

    family: str | None
    """Where it was named instead of a recipe."""
    base: Recipe
    """The recipe that was named, or the family's own."""
    changes: Mapping[str, Any]
    """The settings that were typed, by section."""
    options: RunOptions

    @property
    def recipe(self) -> Recipe:
        """Where the run starts. Raises ConfigError where there is none for the data, or for --init."""
        data, begins = self.changes.get("data"), self.changes.get("init") is not None
        if self.family is not None:
            return recipe_of(self.family, data, begins)
        if self.base.begins != begins:
            raise ConfigError(misplaced_init(self.base))
        recipe_of(self.base.config.family, data or self.base.config.data)
        return self.base

    @property
    def config(self) -> Config:
        """What is trained. Raises ConfigError where settings do not go together."""
        recipe = self.recipe
        if recipe.begins:
            for name, value in self.changes.get("model", {}).items():
                if name not in KEPT:
                    raise ConfigError(f"{name}={value}: the run of --init says that; leave it out")
        config = changed(recipe.config, self.changes)
        if not recipe.begins and config.pooling != recipe.config.pooling:
            raise ConfigError(f"pooling={config.pooling}: goes with --init only; leave it out")
        return config

    def settings(self) -> list[Setting]:
        """All options that there are, with their values: what was typed, and the recipe's."""
        try:
            start = self.recipe
        except ConfigError:
            start = self.base
        known = [*walk(self.options), *walk(start.config)]
        return [replace(one, value=given(self.changes, one.path, one.value)) for one in known]

    @property
    def out(self) -> Path:
        config = self.config
        data = Path(os.path.abspath(config.data)).stem.replace(":", "-") if config.own else config.data
        return self.options.out or Path("runs") / f"{config.family}-{data}-{config.seed}"

    def interrupted(self) -> str:
        """What Ctrl-C left."""
        from train.runs.used import how_to_go_on

        return how_to_go_on(self.out)

    def carry_out(self, console: Console) -> int:
        from data.tokenizers.files import load_tokenizer
        from train.paths import check_data_dir, find_data
        from train.sizes import refuse_too_large

        config, options = self.config, self.options
        saving = Saving(options.save_every, options.keep)
        logging = Logging(options.tensorboard, options.log_every, options.sample_every, options.prompt)
        config.check()
        saving.check()
        logging.check(config.family)
        refuse_too_large(config)
        check_data_dir(options.data_dir)
        config = find_data(config, options.data_dir)
        if config.tokenizer is not None:
            load_tokenizer(Path(config.tokenizer))

        from train.runs.files import read_model
        from train.runs.used import refuse_used

        if config.init is not None:
            read_model(Path(config.init))
        refuse_used(self.out, options.overwrite)

        from train.loops.memory import keep_freed_memory
        from train.start import train

        keep_freed_memory()
        frameworks = BOTH if options.framework == "both" else [options.framework]
        arguments = (config, frameworks, self.out, options.data_dir, options.skip_parity, console)
        train(*arguments, options.overwrite, saving, logging)
        return 0


def parse(name: str, arguments: list[str]) -> Train:
    """The run that a name and the options after it describe.

    What was typed is read by itself; then it follows which recipe it changes. So no value is taken for an
    option, and the order and the spelling of options mean nothing.
    """
    if name.startswith("-"):
        raise ConfigError(f"{name} stands where a recipe's name belongs: 'twinformer train --list' shows all")
    base = recipe_of(name) if name in DATA else find(name)
    typed = read(base, name, arguments)
    options = {key: typed.pop(key) for key in vars(RunOptions()) if key in typed}
    return Train(name if name in DATA else None, base, typed, RunOptions(**options))


def given(changes: Mapping[str, Any], path: tuple[str, ...], otherwise: Any) -> Any:
    """The value that was typed for a setting, or another."""
    found: Any = changes
    for name in path:
        if name not in found:
            return otherwise
        found = found[name]
    return found


def misplaced_init(recipe: Recipe) -> str:
    """What to say where a recipe needs another run to begin with, or begins with none."""
    if recipe.begins:
        return f"{recipe.name} begins with another run: give its folder with --init"
    others = [one.name for one in recipes().values() if one.begins and one.config.data == recipe.config.data]
    hint = f"; {others[0]} begins with a run" if others and recipe.config.family == "classifier" else ""
    return f"{recipe.name} begins with weights that are drawn: leave --init out{hint}"


def read(recipe: Recipe, name: str, arguments: list[str]) -> dict[str, Any]:
    """What was typed, by section, and nothing else. The recipe's values are shown in the help alone."""
    found = [*walk(RunOptions()), *settings(recipe.config, recipe.begins)]
    about = f"Train {recipe.name}: {recipe.result}. The defaults are its settings.\n\n{CHECKED}"
    if name in DATA:
        about = f"{about}\n\n--data and --init choose another recipe of {name}, with other defaults."
    return tyro.cli(grammar(found), args=arguments, prog=f"twinformer train {name}", description=about)


def grammar(found: list[Setting], depth: int = 0) -> Any:
    """A TypedDict with an option for each setting, in groups, of which none must be given."""
    keys: dict[str, Any] = {}
    for one in found:
        name = one.path[depth]
        if len(one.path) == depth + 1:
            default = "" if one.value is None else f"(default: {one.value})"
            about = tyro.conf.arg(help=one.help, help_behavior_hint=default)
            keys[name] = NotRequired[Annotated[one.hint, about]]
        elif name not in keys:
            keys[name] = grammar([other for other in found if other.path[depth] == name], depth + 1)
    make: Any = TypedDict
    return make("Options", keys)


def describe(recipe: Recipe) -> str:
    """Layers and width of a recipe's model."""
    model = recipe.config.model
    if recipe.begins:
        return "of --init"
    return f"{model.layers} × {model.embed}"
