"""One transformer in JAX and in PyTorch: compare two models, train, open what was trained.

``import twinformer as tw`` takes no time: each name is loaded when it is used.

``tw.compare(reference, candidate, inputs)`` proves a port, ``tw.load(RUN)`` opens a run.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from twinformer.shadows import refuse_shadows

if TYPE_CHECKING:
    from data import load_tokenizer, train_bpe, train_tokenizer
    from parity_tests.core.compare import first_divergence
    from parity_tests.pair import JaxModel, Row, TorchModel, compare, record
    from study.attention.foreign import draw_attention
    from study.shapes.foreign import shapes
    from torch_impl import convert
    from train.programs.export import export_program
    from train.recipes import recipes
    from train.runs.generate import generate
    from train.runs.hugging_face import export_run, import_run
    from train.runs.load import Run, load
    from train.runs.sampling import Sampling

__version__ = "0.2.0"

# Where each public name is.
NAMES = {
    "compare": "parity_tests.pair",
    "record": "parity_tests.pair",
    "Row": "parity_tests.pair",
    "JaxModel": "parity_tests.pair",
    "TorchModel": "parity_tests.pair",
    "first_divergence": "parity_tests.core.compare",
    "convert": "torch_impl",
    "shapes": "study.shapes.foreign",
    "draw_attention": "study.attention.foreign",
    "load": "train.runs.load",
    "Run": "train.runs.load",
    "Sampling": "train.runs.sampling",
    "generate": "train.runs.generate",
    "import_run": "train.runs.hugging_face",
    "export_run": "train.runs.hugging_face",
    "export_program": "train.programs.export",
    "recipes": "train.recipes",
    "load_tokenizer": "data",
    "train_bpe": "data",
    "train_tokenizer": "data",
}

__all__ = [
    "JaxModel",
    "Row",
    "Run",
    "Sampling",
    "TorchModel",
    "__version__",
    "compare",
    "convert",
    "draw_attention",
    "export_program",
    "export_run",
    "first_divergence",
    "generate",
    "import_run",
    "load",
    "load_tokenizer",
    "recipes",
    "record",
    "shapes",
    "train_bpe",
    "train_tokenizer",
]


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module 'twinformer' has no attribute {name!r}")
    refuse_shadows()
    module = import_module(NAMES[name])
    # A submodule is no attribute before it is imported.
    return getattr(module, name) if hasattr(module, name) else import_module(f"{NAMES[name]}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
