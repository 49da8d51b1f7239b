"""One's own labelled texts: settings for data that nobody has seen."""

from dataclasses import replace

from train.config import OWN
from train.recipes.classifier_polarity import RECIPE as TUNED
from train.recipes.recipe import Recipe

RECIPE = Recipe(replace(TUNED.config, data=OWN), result="not measured")
