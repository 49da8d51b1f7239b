"""GPT on Shakespeare. Not tuned: the settings of gpt-ag_news_10k, for about as many steps."""

from dataclasses import replace

from train.recipes.gpt_ag_news_10k import RECIPE as TUNED
from train.recipes.recipe import Recipe

RECIPE = Recipe(replace(TUNED.config, data="shakespeare", epochs=5), result="not measured")
