"""A model as a program of PyTorch, for every size of batch and length, with its weights in it."""

import io
from pathlib import Path

import torch
from torch import Tensor, nn

from torch_impl import convert
from train.architecture import Architecture
from train.loops.backend import Arrays
from train.loops.torch_loop import build_model
from train.programs.about import WORDS

PROGRAM = "model.pt2"


class TextProgram(nn.Module):
    """A model as a function of ids and mask alone."""

    def __init__(self, model: nn.Module, words: bool) -> None:
        super().__init__()
        self.model = model
        self.words = words

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        every = torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)
        return self.model(ids, mask, every) if self.words else self.model(ids, mask)


def write(architecture: Architecture, params: Arrays, folder: Path) -> None:
    """Write the program of (ids, mask). Raises OSError where that cannot be done."""
    model = build_model(architecture)
    convert.load(model, params)
    whole = TextProgram(model, architecture.name == WORDS).requires_grad_(False)
    positions = architecture.config.max_positions
    ids = torch.zeros((2, min(4, positions)), dtype=torch.int64)
    inputs = (ids, ids == 0)
    whole(*inputs)  # a position table is made and kept before it is traced, so that it is a constant
    sizes = {0: torch.export.Dim("batch", min=1)}
    if positions > 1:
        sizes[1] = torch.export.Dim("position", min=1, max=positions)
    program = torch.export.export(
        whole,
        inputs,
        dynamic_shapes=(sizes, sizes),
        strict=False,
        # What it cannot prove of every length (that its square is no less), the program asks when it runs.
        prefer_deferred_runtime_asserts_over_guards=True,
    )
    for node in program.graph.nodes:  # where each operation was written, in folders of this machine
        node.meta.pop("stack_trace", None)
    file = io.BytesIO()  # PyTorch's own writer says nothing of a disk that is full
    torch.export.save(program, file)
    (folder / PROGRAM).write_bytes(file.getbuffer())
