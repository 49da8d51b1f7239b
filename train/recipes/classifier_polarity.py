"""Film reviews, praise or not: almost all parameters are word pieces."""

from jax_impl.config import ClassifierConfig
from train.config import Config, Text
from train.recipes.recipe import Recipe

RECIPE = Recipe(
    Config(
        data="polarity",
        text=Text(batch=64, word_dropout=0.3),
        model=ClassifierConfig(
            vocab=16000, max_positions=128, embed=128, heads=4, mlp=256, layers=1, dropout=0.5
        ),
        epochs=4,
    ),
    result="77.0 % right, mean of three seeds (commonest class 50.0 %)",
)
