"""The original transformer, small, on sequences of three to six of ten symbols, to be reversed."""

from jax_impl.config import Seq2SeqConfig
from train.config import Config, Optimizer, Text
from train.recipes.recipe import Recipe

RECIPE = Recipe(
    Config(
        data="reversal",
        text=Text(batch=128),
        # The ten symbols beside pad, begin and end; the longest sequence and its end.
        model=Seq2SeqConfig(vocab=13, max_positions=7, embed=48, heads=4, mlp=96, layers=1, dropout=0.05),
        optimizer=Optimizer(
            learning_rate=8e-3, warmup=0.15, schedule="inverse_sqrt", weight_decay=0.0, smoothing=0.1
        ),
        epochs=4,
    ),
    result="99.8 % of the sequences that it never saw come out right (commonest token 0.0 %)",
)
