"""The page of an exported folder, and the lines on it that open the program in either framework."""

from train.config import Framework
from train.programs.about import About

PACKAGES: dict[Framework, str] = {"jax": "jax flatbuffers tokenizers", "torch": "torch tokenizers"}
TITLES: dict[Framework, str] = {"torch": "PyTorch", "jax": "JAX"}

BEGIN: dict[Framework, str] = {
    "jax": """\
import json
from pathlib import Path

import jax
import numpy as np
from jax import export
from tokenizers import Tokenizer

folder = Path({folder!r})
program = export.deserialize(bytearray((folder / "model.stablehlo").read_bytes()))
model = jax.jit(program.call)
weights = jax.device_put(dict(np.load(folder / "weights.npz")))
""",
    "torch": """\
import json
from pathlib import Path

import torch
from tokenizers import Tokenizer

folder = Path({folder!r})
model = torch.export.load(folder / "model.pt2").module()
""",
}
READ = """\
about = json.loads((folder / "export.json").read_text("utf-8"))
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))  # cuts long texts
nothing = tokenizer.encode("").ids


def read(texts):
    rows = [row.ids if row.ids != nothing else about["no_tokens"] for row in tokenizer.encode_batch(texts)]
    width = min(about["max_positions"], -(-max(map(len, rows)) // 16) * 16)  # few widths
    ids = [row + [0] * (width - len(row)) for row in rows]
    return ids, [[place < len(row) for place in range(width)] for row in rows]


def outputs(ids, mask):
"""
CALL: dict[Framework, str] = {
    "jax": "    return model(weights, np.array(ids, np.int32), np.array(mask))\n",
    "torch": """\
    with torch.inference_mode():
        return model(torch.tensor(ids), torch.tensor(mask))
""",
}
PROBABILITIES = {
    ("jax", "softmax"): "jax.nn.softmax(outputs(*read(texts)))",
    ("jax", "sigmoid"): "jax.nn.sigmoid(outputs(*read(texts)))",
    ("torch", "softmax"): "outputs(*read(texts)).softmax(-1)",
    ("torch", "sigmoid"): "outputs(*read(texts)).sigmoid()",
}
EXAMPLES = 'texts = ["A text.", "Another text, which is longer."]\n'
SHOW = """\
for text, row in zip(texts, {probabilities}):
    print(about["classes"][int(row.argmax())], float(row.max()), text)
"""
SHAPE = "print(outputs(*read(texts)).shape)\n"
MORE: dict[Framework, str] = {
    "torch": """\
On a GPU: `torch.export.passes.move_to_device_pass(torch.export.load(folder / "model.pt2"), "cuda").module()`,
and the same device for ids and mask. PyTorch reads parts of `model.pt2` with pickle: open only what comes
from somebody whom you trust.
""",
    "jax": "The program was lowered for CPU, CUDA and TPU. Each new shape is compiled once.\n",
}
PAGE = """\
# {model}

The run `{run}` as a program, written by Twinformer, which it does not need. From texts, at most
{max_positions} tokens each, it computes {what}; the axes are ({axes}).

| file | what |
|---|---|
| `model.pt2` | the program of PyTorch with its weights: from ids and mask, (batch, position) each |
| `model.stablehlo`, `weights.npz` | the program of JAX: from weights, ids and mask; and the weights |
| `tokenizer.json` | texts to ids, for the package `tokenizers` |
| `export.json` | what the lines below read: {read}; versions |

ids are token numbers, int64 in PyTorch and int32 in JAX; mask is True at tokens and False at the padding
behind them. Batches of any size and texts of any length up to the limit fit the same program. Run the lines
in this folder, or say at `folder` where it is.
"""


def lines(framework: Framework, folder: str) -> str:
    """Python that opens a folder: `read` makes ids and mask of texts, `outputs` what the program computes."""
    return BEGIN[framework].format(folder=folder) + READ + CALL[framework]


def page(about: About) -> str:
    """The README.md of an exported folder."""
    read = "the classes' names, the longest text" if about.classes else "the longest text"
    text = PAGE.format(**about.__dict__, read=read, what=about.what)
    for framework, title in TITLES.items():
        code = lines(framework, ".") + "\n\n" + EXAMPLES + _show(framework, about)
        text += f"\n## In {title}\n\n`pip install {PACKAGES[framework]}`\n\n"
        text += f"```python\n{code}```\n\n{MORE[framework]}"
    return text


def _show(framework: Framework, about: About) -> str:
    probabilities = PROBABILITIES.get((framework, about.probabilities or ""))
    return SHOW.format(probabilities=probabilities) if probabilities else SHAPE
