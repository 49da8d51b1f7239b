"""Configurations by name, a file each, with the result that they reach.

A file ``gpt_embedded.py`` holds the recipe gpt-embedded. A new file is a new recipe: nothing lists them.
"""

import difflib
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from train.config import OWN, SETS, ConfigError
from train.recipes.recipe import Recipe

# The data set of each family where none is named.
DATA = {"classifier": "polarity", "bert": "ag_news", "gpt": "ag_news", "seq2seq": "reversal"}


@cache
def recipes() -> dict[str, Recipe]:
    """All recipes by name, a family's one after the other."""
    files = [module.name for module in iter_modules(__path__) if module.name != "recipe"]
    found: list[Recipe] = [import_module(f"{__name__}.{file}").RECIPE for file in files]
    families = list(DATA)
    return {
        one.name: one for one in sorted(found, key=lambda one: (families.index(one.config.family), one.name))
    }


def find(name: str) -> Recipe:
    """The recipe of this name. Raises ConfigError with the names that are close."""
    if name in recipes():
        return recipes()[name]
    close = difflib.get_close_matches(name, [*DATA, *recipes()], n=4, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise ConfigError(f"no recipe {name!r}: {hint}'twinformer train --list' shows all")


def recipe_of(family: str, data: str | None = None, begins: bool = False) -> Recipe:
    """A family's recipe for a data set, or for one's own. Raises ConfigError with what the family reads."""
    data = data or DATA[family]
    of_family = [one for one in recipes().values() if one.config.family == family and one.begins == begins]
    for one in of_family:
        if one.config.data == (data if data in SETS else OWN):
            return one
    if not of_family:
        raise ConfigError(f"{family} begins with no other run: only a classifier does; leave init out")
    read = [one.config.data for one in of_family]
    known = ", ".join(
        [*(name for name in read if name != OWN), *["a file or folder of yours"] * (OWN in read)]
    )
    raise ConfigError(f"data={data!r}: {family} is trained on {known}")
