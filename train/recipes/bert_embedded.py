"""BERT on the language reference that comes with Python."""

from jax_impl.config import BertConfig
from train.config import Config, Optimizer, Text
from train.recipes.recipe import Recipe

RECIPE = Recipe(
    Config(
        data="embedded",
        text=Text(batch=16),
        model=BertConfig(vocab=2000, max_positions=64, embed=192, heads=4, mlp=768, layers=2, dropout=0.1),
        optimizer=Optimizer(learning_rate=1e-3, weight_decay=0.01),
        epochs=12,
    ),
    result="24.2 % of masked words right (unigram 8.1 %)",
)
