"""The pair's side in PyTorch."""

import torch
from torch.nn import functional as F

from parity_tests.tests.record.pair import EMBED, MLP, VOCAB, WEIGHTS


class Original(torch.nn.Module):
    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.tokens, self.norm = torch.nn.Embedding(VOCAB, EMBED), torch.nn.LayerNorm(EMBED)
        self.up, self.down = torch.nn.Linear(EMBED, MLP), torch.nn.Linear(MLP, EMBED)
        self.approximate = approximate

    def forward(self, ids, mask, x):
        x = self.tokens(ids) + x
        x = x + self.down(F.gelu(self.up(self.norm(x)), approximate=self.approximate))
        return x * mask[..., None]


def model(mistaken: bool = False) -> Original:
    """With the pair's weights; the mistake is the other GELU."""
    module = Original("tanh" if mistaken else "none")
    module.load_state_dict({name: torch.tensor(array) for name, array in WEIGHTS.items()})
    return module
