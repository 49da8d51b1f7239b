"""The small models in PyTorch, by stock layers: the references, and candidates of the same framework."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from parity_tests.tests.diagnosis import setups

ACTIVATIONS = {
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "leaky": lambda x: F.leaky_relu(x, 0.2),
    "cubed": lambda x: x**3 + torch.sin(x),
}


class Norm(nn.Module):
    def __init__(self, width, kind, eps):
        super().__init__()
        self.weight, self.bias, self.kind, self.eps = nn.Parameter(torch.ones(width)), None, kind, eps
        if kind != "rms":
            self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        if self.kind == "rms":
            return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight
        variance = x.var(-1, keepdim=True, unbiased=self.kind == "unbiased")
        gain = 1 + self.weight if self.kind == "1 + scale" else self.weight
        return (x - x.mean(-1, keepdim=True)) / torch.sqrt(variance + self.eps) * gain + self.bias


class Encoder(nn.Module):
    def __init__(self, setup):
        super().__init__()
        s, width = setup, setups.EMBED
        norm = (
            (lambda: nn.LayerNorm(width, s.eps)) if s.norm == "layer" else lambda: Norm(width, s.norm, s.eps)
        )
        self.tokens, self.positions = nn.Embedding(setups.VOCAB, width), nn.Embedding(setups.POSITIONS, width)
        self.norm1, self.norm2, self.norm = norm(), norm(), norm()
        self.attention = nn.MultiheadAttention(width, setups.HEADS, batch_first=True)
        self.up, self.down, self.setup = nn.Linear(width, setups.MLP), nn.Linear(setups.MLP, width), setup

    def forward(self, ids, mask):
        s = self.setup
        hidden = {"padding": ~mask, "inverted": mask, "none": None}[s.mask]
        x = self.tokens(ids) * (setups.EMBED**0.5 if s.scaled else 1)
        x = x + self.positions(s.first + torch.arange(ids.shape[1]))
        h = x if s.post_norm else self.norm1(x)
        a = self.attention(h, h, h, key_padding_mask=hidden)[0]
        x = {"x": x, "normed": h, "none": 0}[s.skip] + a
        x = self.norm1(x) if s.post_norm else x
        u = ACTIVATIONS[s.activation](self.up(x if s.post_norm else self.norm2(x)))
        x = x + self.down(u.float().to(u.dtype) if s.float32 else u)
        return self.norm(self.norm2(x) if s.post_norm else x)


class Heads(nn.Module):
    def __init__(self, setup):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(setups.EMBED, setups.EMBED) for _ in range(4))
        self.setup = setup

    def forward(self, x):
        s = self.setup
        made = dict(zip("qkv", (self.query(x), self.key(x), self.value(x)), strict=True))
        q, k, v = (self.split(made[name]) for name in s.taken)
        scores = self.turn(q) @ self.turn(k).mT * s.scale
        ahead = {"causal": 0, "one ahead": 1, "none": x.shape[1]}[s.mask]
        seen = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril(ahead)
        scores = scores.masked_fill(~seen, -1e9)
        weights = (scores.float() if s.float32 else scores).softmax(s.softmax).to(x.dtype)
        y = weights @ v
        y = y.transpose(1, 2) if s.merged == "heads head_dim" else y.permute(0, 2, 3, 1)
        return self.out(y.flatten(2))

    def split(self, x):
        if self.setup.split == "heads head_dim":
            return x.unflatten(-1, (setups.HEADS, -1)).transpose(1, 2)
        return x.unflatten(-1, (-1, setups.HEADS)).permute(0, 3, 1, 2)

    def turn(self, x):
        s, half = self.setup, x.shape[-1] // 2
        if s.rotary == "none":
            return x
        places = s.first + torch.arange(x.shape[2], dtype=x.dtype)
        angles = places[:, None] * s.base ** (-torch.arange(half, dtype=x.dtype) / half)
        cos, sin = angles.cos(), angles.sin()
        if s.rotary == "halves":
            a, b = x[..., :half], x[..., half:]
            return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2)


class Convolutions(nn.Module):
    def __init__(self, setup):
        super().__init__()
        low, high = setup.padding
        self.pad = (0, high - low, 0, high - low)  # PyTorch's convolutions pad both ends alike
        self.stem = nn.Conv2d(2, 6, 3, setup.stride, padding=low)
        self.norm, self.conv = nn.BatchNorm2d(6, eps=setup.eps), nn.Conv2d(6, 6, 3, padding=1)
        self.head, self.setup = nn.Linear(6 * 3 * 3, 5), setup
        if setup.statistics != "new":
            self.norm.running_mean.copy_(torch.tensor(MEAN))
            self.norm.running_var.copy_(torch.tensor(VARIANCE))

    def forward(self, x):
        s = self.setup
        x = self.stem(F.pad(x, self.pad) if any(self.pad) else x)
        self.norm.train(s.statistics == "batch")
        x = ACTIVATIONS[s.activation](self.conv(self.norm(x)))
        if s.pooling == "max":
            x = F.max_pool2d(x, 2, 2, 1)
        else:
            x = F.avg_pool2d(x, 2, 2, 1, count_include_pad="counted" in s.pooling)
        return self.head((x if s.flatten == "c h w" else x.permute(0, 2, 3, 1)).flatten(1))


MEAN = np.array([0.25, -0.5, 0.125, 0.5, 0.0, 0.75])  # float32 has these, as a buffer does
VARIANCE = np.array([0.75, 1.25, 0.375, 2.0, 1.0, 0.5])


def reference(kind, setup):
    """With noise on its weights, of which many would be zero or one."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = globals()[kind](setup)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model
