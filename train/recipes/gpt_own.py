"""One's own texts, written on: a thousand steps. Not tuned: the sizes of gpt-embedded."""

from dataclasses import replace

from train.config import OWN
from train.recipes.gpt_embedded import RECIPE as MANUAL
from train.recipes.recipe import Recipe

RECIPE = Recipe(replace(MANUAL.config, data=OWN, steps=1000), result="not measured")
