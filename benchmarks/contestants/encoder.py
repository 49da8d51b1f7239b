"""`torch.nn.TransformerEncoder`, causal where it is a language model; in eval mode its fast path is on."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.contestants import Contestant
from benchmarks.contestants.torch_parts import DEVICE, inference, training
from benchmarks.workloads import Workload
from data import Batch


class Encoder(nn.Module):
    """Tokens and positions, PyTorch's layers, and a head."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.kind, embed = workload.kind, workload.embed
        self.tokens = nn.Embedding(workload.vocab, embed)
        self.positions = nn.Embedding(workload.length, embed)
        pre = self.kind == "gpt"  # post-norm, its default, is what its fast path and nested tensors are for
        layer = nn.TransformerEncoderLayer(
            embed, workload.heads, workload.mlp, 0.0, "gelu", batch_first=True, norm_first=pre
        )
        norm = nn.LayerNorm(embed) if pre else None
        self.layers = nn.TransformerEncoder(layer, workload.layers, norm, enable_nested_tensor=not pre)
        if self.kind == "mlm":
            self.transform, self.head_norm = nn.Linear(embed, embed), nn.LayerNorm(embed)
        if self.kind in ("classifier", "inference"):
            self.head = nn.Linear(embed, workload.classes)
            nn.init.normal_(self.head.weight, std=0.02)
        causal = nn.Transformer.generate_square_subsequent_mask(workload.length)
        self.register_buffer("causal", causal, persistent=False)
        for table in (self.tokens, self.positions):
            nn.init.normal_(table.weight, std=0.02)

    def hidden(self, ids: Tensor, padding: Tensor | None = None) -> Tensor:
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device))
        if self.kind == "gpt":
            return self.layers(x, mask=self.causal, is_causal=True)
        return self.layers(x, src_key_padding_mask=padding)

    def language_loss(self, ids: Tensor, labels: Tensor) -> Tensor:
        return self.vocabulary_loss(self.hidden(ids), labels)

    def masked_loss(self, ids: Tensor, positions: Tensor, labels: Tensor) -> Tensor:
        """Only the positions that were masked go through the head."""
        chosen = self.hidden(ids).take_along_dim(positions[:, :, None], dim=1)
        return self.vocabulary_loss(self.head_norm(F.gelu(self.transform(chosen))), labels)

    def vocabulary_loss(self, hidden: Tensor, labels: Tensor) -> Tensor:
        logits = F.linear(hidden, self.tokens.weight)
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten())

    def class_logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Of the mean over real tokens."""
        hidden = self.hidden(ids, ~mask)
        real = mask[:, : hidden.shape[1], None]  # the fast path leaves out what is padding in all rows
        return self.head((hidden * real).sum(dim=1) / real.sum(dim=1))


def build(workload: Workload, batches: list[Batch]) -> Contestant:
    torch.manual_seed(0)
    model = Encoder(workload).to(DEVICE)
    if workload.kind == "gpt":
        return training(model, lambda batch: model.language_loss(batch.ids, batch.labels), batches)
    if workload.kind == "mlm":
        return training(
            model, lambda batch: model.masked_loss(batch.ids, batch.masked_positions, batch.labels), batches
        )
    if workload.kind == "classifier":
        return training(
            model,
            lambda batch: F.cross_entropy(model.class_logits(batch.ids, batch.mask), batch.labels),
            batches,
        )
    return inference(model, lambda batch: model.class_logits(batch.ids, batch.mask), batches)
