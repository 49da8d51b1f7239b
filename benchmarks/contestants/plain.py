"""A GPT in plain PyTorch, as nanoGPT has it (github.com/karpathy/nanoGPT, model.py): queries, keys and values
in one matmul, scaled_dot_product_attention, tied embeddings."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.contestants import Contestant
from benchmarks.contestants.torch_parts import DEVICE, training
from benchmarks.workloads import Workload
from data import Batch


class Block(nn.Module):
    """Pre-norm: attention, then feed-forward."""

    def __init__(self, embed: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(embed), nn.LayerNorm(embed)
        self.qkv, self.out = nn.Linear(embed, 3 * embed), nn.Linear(embed, embed)
        self.up, self.down = nn.Linear(embed, mlp), nn.Linear(mlp, embed)

    def forward(self, x: Tensor) -> Tensor:
        batch, position, embed = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, position, 3, self.heads, embed // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, position, embed))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class PlainGPT(nn.Module):
    """GPT-2: learned positions, a norm at the end, the token table as output layer."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.tokens = nn.Embedding(workload.vocab, workload.embed)
        self.positions = nn.Embedding(workload.length, workload.embed)
        sizes = workload.embed, workload.heads, workload.mlp
        self.blocks = nn.ModuleList(Block(*sizes) for _ in range(workload.layers))
        self.norm = nn.LayerNorm(workload.embed)
        self.apply(small)

    def forward(self, ids: Tensor, labels: Tensor) -> Tensor:
        """The mean loss."""
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x), self.tokens.weight)
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


def small(module: nn.Module) -> None:
    """GPT-2's initial weights."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def build(workload: Workload, batches: list[Batch]) -> Contestant:
    """Compiled, forward and backward."""
    torch.manual_seed(0)
    model = PlainGPT(workload).to(DEVICE)
    run: Any = torch.compile(model, dynamic=False)
    return training(model, lambda batch: run(batch.ids, batch.labels), batches)
