"""GPT with Llama's choices: at the same cost a step 0.3 nats ahead of GPT-2's after an epoch."""

from jax_impl.config import GPTConfig
from train.config import Config, Optimizer, Text
from train.recipes.recipe import Recipe

RECIPE = Recipe(
    Config(
        data="ag_news_10k",
        text=Text(batch=8),
        model=GPTConfig(
            vocab=4000,
            max_positions=128,
            embed=256,
            heads=4,
            mlp=688,
            layers=3,
            dropout=0.15,
            activation="silu",
            position_encoding="rotary",
            gated=True,
            norm="rms",
            use_bias=False,
        ),
        optimizer=Optimizer(learning_rate=2e-3, warmup=0.03, weight_decay=0.1, beta2=0.99),
        epochs=10,
    ),
    result="1.752 bits per byte (unigram 3.024, 5-gram 1.829)",
)
