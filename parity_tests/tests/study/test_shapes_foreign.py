"""Shapes of pairs that are not ours: linen against PyTorch, with a transpose and a part that is alone."""

import numpy as np
import torch
from flax import linen as nn

import twinformer as tw
from study.shapes.foreign import TURNED, UNLIKE, shapes

X = np.random.default_rng(0).standard_normal((2, 5, 6)).astype(np.float32)


class Linen(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(4, name="up")(nn.Conv(3, (2,), name="conv", padding="VALID")(x))


class Torch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv1d(6, 3, 2)
        self.up = torch.nn.Linear(3, 4)
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(self.up(self.conv(x.transpose(1, 2)).transpose(1, 2)))


def test_each_part_is_beside_its_own() -> None:
    found = tw.shapes(Torch(), Linen(), {"x": X})
    rows = {row.name: row for row in found.parts}
    assert (rows["conv"].ours, rows["conv"].theirs, rows["conv"].mark) == ((2, 3, 4), (2, 4, 3), TURNED)
    assert (rows["up"].ours, rows["up"].theirs, rows["up"].mark) == ((2, 4, 4), (2, 4, 4), "")
    assert rows["drop"].theirs is None
    assert list(rows) == ["conv", "up", "drop"]  # in order of execution
    assert found.parameters[0]["conv.weight"] == (3, 6, 2)
    assert found.parameters[1]["conv/kernel"] == (2, 6, 3)
    said = str(found)
    assert TURNED in said and "conv.weight  (3, 6, 2)" in said


def test_what_has_other_numbers_is_said() -> None:
    class Wider(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.up = torch.nn.Conv1d(6, 3, 2), torch.nn.Linear(3, 7)

        def forward(self, x):
            return self.up(self.conv(x.transpose(1, 2)).transpose(1, 2))

    rows = {row.name: row for row in shapes(Wider(), Linen(), {"x": X}).parts}
    assert rows["up"].mark == UNLIKE
