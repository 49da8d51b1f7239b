"""What version 0.1 wrote opens as it is, in both frameworks, and gives the same numbers.

The folders in fixtures/v0.1 were trained for a few steps and exported by the last commit of 0.1, and
outputs.npz was computed there.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import train
from jax_impl.config import BertConfig, ClassifierConfig, GPTConfig
from train.runs.files import read_config
from train.runs.hugging_face import import_run

FOLDER = Path(__file__).parent / "fixtures" / "v0.1"
IDS = np.array([[5, 60, 7, 200, 31, 9], [17, 18, 250, 0, 0, 0]], np.int32)
MASK = np.array([[1] * 6, [1] * 3 + [0] * 3], bool)
INPUTS: dict[str, tuple[np.ndarray, ...]] = {
    "gpt": (IDS,),
    "llama": (IDS,),
    "bert": (IDS, MASK, np.array([[1, 3], [0, 2]], np.int32)),
    "classifier": (IDS, MASK),
    "fine": (IDS, MASK),
}


def far(found: Any, name: str, framework: str) -> float:
    """The largest distance from what 0.1 computed, relative to the largest magnitude."""
    with np.load(FOLDER / "outputs.npz") as outputs:
        expected = outputs[f"{name}-{framework}"]
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("framework", ["jax", "torch"])
@pytest.mark.parametrize("name", INPUTS)
def test_a_run_opens_and_gives_the_same_numbers(name: str, framework: str) -> None:
    run = train.load(FOLDER / name, framework)
    assert far(run.outputs(*INPUTS[name]), name, framework) <= 1e-6  # float32, perhaps of another machine


def test_other_numbers_would_be_noticed() -> None:
    run = train.load(FOLDER / "gpt", "torch")
    assert far(run.outputs(IDS[:, ::-1].copy()), "gpt", "torch") > 1e-3


@pytest.mark.parametrize("name", ["gpt", "llama", "bert"])
def test_an_exported_folder_opens_and_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    import_run(FOLDER / f"{name}-hf", tmp_path / "run")
    run = train.load(tmp_path / "run", "torch")
    assert far(run.outputs(*INPUTS[name]), name, "torch") <= 1e-6


def test_a_configuration_is_read_in_todays_words() -> None:
    sizes: dict[str, Any] = {"vocab": 300, "max_positions": 16, "embed": 16, "mlp": 24, "dropout": 0.1}
    assert read_config(FOLDER / "gpt").model == GPTConfig(**sizes, heads=2, layers=1)
    assert read_config(FOLDER / "bert").model == BertConfig(**sizes, heads=2, layers=1)
    assert read_config(FOLDER / "llama").model == GPTConfig(
        **sizes,
        heads=4,
        kv_heads=2,
        layers=2,
        position_encoding="rotary",
        norm="rms",
        gated=True,
        activation="silu",
        use_bias=False,
    )
    assert read_config(FOLDER / "classifier").model == ClassifierConfig(
        **sizes | {"dropout": 0.4},
        heads=2,
        layers=1,
        norm_position="post",
        position_encoding="sinusoidal",
    )
    assert read_config(FOLDER / "gpt").optimizer.eps == 1e-8
