"""One's own texts with masked words. Not tuned: the settings of bert-embedded."""

from dataclasses import replace

from train.config import OWN
from train.recipes.bert_embedded import RECIPE as TUNED
from train.recipes.recipe import Recipe

RECIPE = Recipe(replace(TUNED.config, data=OWN), result="not measured")
