"""The topics of news. Not tuned."""

from jax_impl.config import ClassifierConfig
from train.config import Config
from train.recipes.recipe import Recipe

RECIPE = Recipe(
    Config(
        data="ag_news",
        model=ClassifierConfig(
            vocab=8000, max_positions=128, embed=128, heads=4, mlp=256, layers=2, dropout=0.3
        ),
    ),
    result="not measured",
)
