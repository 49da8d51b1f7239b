"""The topics of news, beginning with another run. Not tuned: the settings of classifier-polarity-from."""

from dataclasses import replace

from train.recipes.classifier_polarity_from import RECIPE as TUNED
from train.recipes.recipe import Recipe

RECIPE = Recipe(replace(TUNED.config, data="ag_news"), result="not measured", begins=True)
