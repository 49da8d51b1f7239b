"""One's own texts, written on. Not tuned: the settings of gpt-embedded, at twice the length."""

from dataclasses import replace

from train.config import OWN
from train.recipes.gpt_embedded import RECIPE as TUNED
from train.recipes.recipe import Recipe

RECIPE = Recipe(replace(TUNED.config, data=OWN), result="not measured")
