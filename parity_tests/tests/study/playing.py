"""Small GPTs to play with, whose next tokens are not all alike."""

from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

import train
from jax_impl.config import GPTConfig
from study.play.language import Language, open_language
from train.architecture import Architecture
from train.loops.backend import backend
from train.runs import checkpoint, folder
from train.runs.load import Run

SIZES: dict[str, Any] = {"max_positions": 32, "embed": 12, "heads": 3, "mlp": 16, "layers": 2}
LLAMA: dict[str, Any] = {"position_encoding": "rotary", "norm": "rms", "window": 4, "window_every": 1}


def made(out: Path, tokenizer: Tokenizer, scale: float = 3.0, **settings: Any) -> Path:
    """A run with drawn weights, ``scale`` times as large as they are at first."""
    config = GPTConfig(vocab=tokenizer.get_vocab_size(), **(SIZES | settings))
    model = Architecture("gpt", config)
    params = backend("torch").initial_params(model, 5)
    folder.create(out, model, (), tokenizer)
    params = {name: (scale * array).astype(np.float32) for name, array in params.items()}
    checkpoint.save(out, {"params": params}, {"files": folder.parts(out)})
    return out


def opened(run: Path, framework: Any = "torch") -> tuple[Run, Language]:
    return train.load(run, framework), open_language(run)


def log_softmax(run: Run, rows: list[list[int]]) -> np.ndarray:
    """Of all positions, by one forward without a cache; float64."""
    logits = run.outputs(np.array(rows, np.int32)).astype(np.float64)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
