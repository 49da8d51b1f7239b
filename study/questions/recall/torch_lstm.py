"""An LSTM in PyTorch, its four gates in one kernel."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from study.questions.recall.settings import RecurrentConfig
from torch_impl.layers import Embedding, Linear, linear
from torch_impl.taps import Tap, no_tap


class LSTM(nn.Module):
    """Hochreiter and Schmidhuber 1997, with a forget gate (Gers et al. 2000) that begins open: plus one.

    The gates are input, forget, cell, output, in this order. What is read is projected for all positions at
    once; what is remembered waits for the position before.
    """

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.config = config
        self.up = Linear(config.embed, 4 * config.hidden)
        self.down = Linear(config.hidden, 4 * config.hidden, use_bias=False)

    def forward(self, x: Float[Tensor, "batch position embed"]) -> Float[Tensor, "batch position hidden"]:
        read, kernel = self.up(x), self.down.weight
        hidden = cell = x.new_zeros((x.shape[0], self.config.hidden))
        found = []
        for now in read.unbind(dim=1):
            gates = now + linear(hidden, kernel, None)
            inputs, forget, new, outputs = gates.chunk(4, dim=-1)
            cell = torch.sigmoid(forget + 1.0) * cell + torch.sigmoid(inputs) * torch.tanh(new)
            hidden = torch.sigmoid(outputs) * torch.tanh(cell)
            found.append(hidden)
        return torch.stack(found, dim=1)


class RecurrentModel(nn.Module):
    """Logits at each position of what was read up to there."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = Embedding(config.vocab, config.embed, config.embedding_std)
        self.lstm = LSTM(config)
        self.head = Linear(config.hidden, config.vocab)

    def forward(
        self, ids: Int[Tensor, "batch position"], tap: Tap = no_tap
    ) -> Float[Tensor, "batch position vocab"]:
        x = tap("token_embedding", self.token_embedding(ids), "batch position embed")
        hidden = tap("lstm", self.lstm(x), "batch position hidden")
        return tap("logits", self.head(hidden), "batch position vocab")
