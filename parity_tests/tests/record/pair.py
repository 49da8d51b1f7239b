"""What the two models of these tests have in common: needs no framework."""

from pathlib import Path

import numpy as np

from torch_impl.convert.row import Row

BATCH, POSITION, EMBED, MLP, VOCAB = 3, 5, 6, 8, 11
HERE = Path(__file__).parent
ON_FILE = {name: HERE / f"{name}.safetensors" for name in ("torch", "flax")}  # by `make_records`

TABLE = (
    Row("tokens/embedding", "tokens.weight", "vocab embed -> vocab embed"),
    Row("norm/scale", "norm.weight", "embed -> embed"),
    Row("*/bias", "*.bias", "outer -> outer"),
    Row("*/kernel", "*.weight", "inner outer -> outer inner"),
)
ALIKE = (Row("*", "*", "... -> ..."),)  # of two models of one framework

rng = np.random.default_rng(0)
INPUTS = {
    "ids": rng.integers(0, VOCAB, (BATCH, POSITION)),
    "mask": np.arange(POSITION) < np.array([5, 3, 1])[:, None],
    "x": rng.standard_normal((BATCH, POSITION, EMBED)),
}
# Names in PyTorch; in float32 they are exact, as PyTorch keeps them so.
SHAPES = {
    "tokens.weight": (VOCAB, EMBED),
    "norm.weight": (EMBED,),
    "norm.bias": (EMBED,),
    "up.weight": (MLP, EMBED),
    "up.bias": (MLP,),
    "down.weight": (EMBED, MLP),
    "down.bias": (EMBED,),
}
WEIGHTS = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}
