"""A framework is imported when it is asked for; no other is, and no compiler: to train, open, evaluate."""

import subprocess
import sys
from pathlib import Path

import pytest

from jax_impl.config import ClassifierConfig, GPTConfig, Seq2SeqConfig
from train.architecture import Architecture
from train.config import FRAMEWORKS
from train.loops.backend import backend

OTHERS = {"jax": ("torch",), "torch": ("jax", "flax", "optax", "torch._dynamo")}

# Two steps in one framework, then the run opened, evaluated and written on, in that framework alone.
ALONE = """
import sys
from pathlib import Path
from rich.console import Console
import train
from jax_impl.config import GPTConfig
from train.config import Config, Text
from train.evaluate import evaluate
from train.resume import resume
from train.start import train as train_run

framework, out, others = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
model = GPTConfig(vocab=300, max_positions=16, embed=8, heads=2, mlp=8, layers=1)
config = Config(data="embedded", text=Text(batch=512), model=model, steps=2)
quiet = Console(quiet=True)
train_run(config, [framework], out, None, True, quiet)
run = train.load(out, framework)
assert run.outputs([[1, 2, 3]]).shape == (1, 3, 300)
assert len(run.generate("the", new=2)) == 1
evaluate(out, framework, None, quiet)
try:
    resume(out, out / "more", framework, framework, None, True, quiet)
except train.runs.files.RunError as error:
    assert "took all of its 2 steps" in str(error)
assert framework in sys.modules
print([name for name in others if name in sys.modules])
"""


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_one_framework_does_not_import_the_other(framework: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", ALONE, framework, str(tmp_path / "run"), *OTHERS[framework]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_both_say_the_same_shapes_without_drawing_numbers() -> None:
    sizes = {"vocab": 30, "max_positions": 8, "embed": 16, "heads": 2, "mlp": 24, "layers": 2}
    for name, config in (
        ("classifier", ClassifierConfig(**sizes, classes=3)),
        ("gpt", GPTConfig(**sizes, kv_heads=1, gated=True, tied=False)),
        ("encoder_decoder", Seq2SeqConfig(**sizes)),
    ):
        ours, theirs = (backend(one).parameter_shapes(Architecture(name, config)) for one in FRAMEWORKS)
        assert ours == theirs and len(ours) > 10
