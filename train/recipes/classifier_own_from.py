"""One's own labelled texts, beginning with a run. Not tuned: the settings of classifier-polarity-from."""

from dataclasses import replace

from train.config import OWN
from train.recipes.classifier_polarity_from import RECIPE as TUNED
from train.recipes.recipe import Recipe

RECIPE = Recipe(replace(TUNED.config, data=OWN), result="not measured", begins=True)
