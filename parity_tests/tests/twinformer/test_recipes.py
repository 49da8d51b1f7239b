"""Recipes by name, and command lines that mean the same however they are spelled."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import train.recipes
from train.config import Config, ConfigError
from train.fields import settings, walk
from train.recipes import DATA, find, recipe_of, recipes
from twinformer.cli import parse
from twinformer.messages import option_name, typed

FILES = [
    path.stem for path in Path(str(train.recipes.__file__)).parent.glob("*_*.py") if "__" not in path.name
]
# Options, each with two values; the first is no recipe's own.
OPTIONS = {
    "--steps": ("7", "8"),
    "--seed": ("5", "6"),
    "--model.layers": ("5", "6"),
    "--model.mlp": ("24", "48"),
    "--model.max-positions": ("48", "32"),
    "--optimizer.learning-rate": ("0.5", "0.25"),
    "--text.batch": ("3", "4"),
    "--out": ("gpt", "--init"),
    "--data-dir": ("classifier", "--data=polarity"),
    "--framework": ("jax", "torch"),
}


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_named_after_its_recipe_and_can_be_trained(file: str) -> None:
    recipe = importlib.import_module(f"train.recipes.{file}").RECIPE
    assert recipe.name.replace("-", "_") == file
    assert recipes()[recipe.name] is recipe and recipe.result and sys.modules[f"train.recipes.{file}"].__doc__
    assert recipe_of(recipe.config.family, recipe.config.data, recipe.begins) is recipe
    recipe.config.check()


def test_all_files_are_found() -> None:
    assert len(FILES) == len(recipes()) >= 16
    assert {recipe_of(family).config.data for family in DATA} == set(DATA.values())


def test_a_name_that_is_close_is_offered() -> None:
    with pytest.raises(ConfigError, match="no recipe 'gpt-embeded': did you mean gpt-embedded"):
        find("gpt-embeded")
    with pytest.raises(ConfigError, match=r"data='polarity': gpt is trained on ag_news.*shakespeare"):
        recipe_of("gpt", "polarity")


def test_the_list_shows_every_recipe_with_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(["train", "--list"]).carry_out(Console(width=160)) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert len(lines) == len(recipes())
    for line, (name, recipe) in zip(lines, recipes().items(), strict=True):
        assert line.split()[:2] == [name, recipe.config.data]
        assert recipe.result in line


def spelled(rng: np.random.Generator, start: list[str], chosen: dict[str, str]) -> Config:
    """The configuration of a command line with these options in any order, with blanks or equals signs."""
    words = ["train", *start]
    for name in rng.permutation(list(chosen)):
        typed = name.replace("-", "_").replace("__", "--") if rng.random() < 0.3 else str(name)
        value = chosen[str(name)]
        words += [f"{typed}={value}"] if value.startswith("--") or rng.random() < 0.5 else [typed, value]
    command = parse(words)
    assert str(command.options.out or "") == chosen.get("--out", "")
    return command.config


@pytest.mark.parametrize("seed", range(16))
def test_however_it_is_spelled_it_means_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    recipe = list(recipes().values())[rng.integers(len(recipes()))]
    family, data = recipe.config.family, recipe.config.data
    kept = [name for name in OPTIONS if not recipe.begins or name not in ("--model.layers", "--model.mlp")]
    chosen = {
        str(name): OPTIONS[name][rng.integers(2)] for name in rng.permutation(kept)[: rng.integers(1, 6)]
    }
    init = {"--init": str(rng.choice(["runs/x", "gpt", "data"]))} if recipe.begins else {}
    found = [
        spelled(rng, [recipe.name], chosen | init),
        spelled(rng, [family], chosen | init | {"--data": data}),
        spelled(rng, [family], chosen | init | {"--data": data}),
    ]
    assert all(config == found[0] for config in found)
    values = {"--" + ".".join(one.path).replace("_", "-"): one.value for one in walk(found[0])}
    starts = {"--" + ".".join(one.path).replace("_", "-"): one.value for one in walk(recipe.config)}
    changed = {name for name in values if values[name] != starts[name]}
    typed = set(chosen) - {"--out", "--data-dir", "--framework"} | set(init)
    assert changed == {name for name in typed if str(starts[name]) != chosen.get(name)}
    assert all(str(values[name]) == (chosen | init)[name] for name in typed)


@pytest.mark.parametrize("name", recipes())
def test_every_setting_of_a_recipe_can_be_typed_as_it_is_and_changes_nothing(name: str) -> None:
    recipe = recipes()[name]
    words = ["--init", "runs/x"] if recipe.begins else []
    for one in settings(recipe.config, recipe.begins):
        option = option_name(one.path)
        if isinstance(one.value, bool):
            words.append(typed(option, one.value))
        elif one.value is not None:
            words += [option, str(one.value)]
    config = parse(["train", name, *words]).config
    assert config == Config(**vars(recipe.config) | ({"init": "runs/x"} if recipe.begins else {}))


def test_help_shows_the_settings_of_the_family_alone() -> None:
    shown = {name: {one.path[-1] for one in settings(recipes()[name].config)} for name in recipes()}
    assert {"window", "theta", "rope_scaling", "factor"} & shown["gpt-embedded"] == {
        "window",
        "theta",
        "factor",
    }
    assert not {"window", "pooling", "init", "classes"} & shown["bert-embedded"]
    assert "calibrated" not in shown["bert-embedded"] | shown["gpt-embedded"] | shown["seq2seq-reversal"]
    assert {"pooling", "init", "calibrated"} <= shown["classifier-polarity"]
    begins = {one.path for one in settings(recipes()["classifier-polarity-from"].config, begins=True)}
    kept = {"dropout", "max_positions", "ngram_buckets", "ngram_dropout"}
    assert {path[1] for path in begins if path[0] == "model"} == kept


def test_a_section_that_is_left_out_can_be_given() -> None:
    rotary = ["train", "gpt-ag_news_10k", "--model.rope-scaling.factor", "2"]
    assert parse(rotary).config.model.rope_scaling.factor == 2.0
    assert parse(rotary[:2]).config.model.rope_scaling is None
