"""One's own texts with masked words: a thousand steps. Not tuned: the sizes of bert-embedded."""

from dataclasses import replace

from train.config import OWN
from train.recipes.bert_embedded import RECIPE as MANUAL
from train.recipes.recipe import Recipe

RECIPE = Recipe(replace(MANUAL.config, data=OWN, steps=1000), result="not measured")
