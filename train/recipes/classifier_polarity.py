"""Film reviews, praise or not: a small transformer, with what naive Bayes says of words and pairs of them."""

from jax_impl.config import ClassifierConfig
from train.config import Config, Optimizer, Text
from train.recipes.recipe import Recipe

RECIPE = Recipe(
    Config(
        data="polarity",
        text=Text(batch=64, word_dropout=0.3),
        model=ClassifierConfig(
            vocab=8000,
            max_positions=128,
            embed=128,
            heads=4,
            mlp=256,
            layers=1,
            dropout=0.5,
            ngram_buckets=2**18,
        ),
        optimizer=Optimizer(smoothing=0.55),
        epochs=8,
    ),
    result="79.5 % right, mean of three seeds (tf-idf 78.4 %)",
)
