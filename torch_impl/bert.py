"""BERT (Devlin et al. 2018): blocks that see both ways, and the heads it is trained with."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from torch_impl.block import TransformerBlock
from torch_impl.embeddings import SegmentEmbedding
from torch_impl.initial import parameter, zeros
from torch_impl.layers import LayerNorm, Linear, add_bias, dropout, gelu
from torch_impl.masks import padding_mask
from torch_impl.random import Key, fold_in
from torch_impl.taps import Tap, no_tap, within

STD = 0.02  # of all initial matrices: google-research/bert, modeling.py, initializer_range


def gather_positions(
    x: Float[Tensor, "batch position embed"], positions: Int[Tensor, "batch masked"]
) -> Float[Tensor, "batch masked embed"]:
    """Each row's vectors at its own positions."""
    return x.take_along_dim(positions[:, :, None].long(), dim=1)


class Bert(nn.Module):
    """Hidden states from token ids (section 3): embeddings, post-norm blocks with the exact GELU."""

    def __init__(
        self,
        vocab: int,
        positions: int,
        embed: int,
        heads: int,
        mlp: int,
        layers: int,
        dropout: float = 0.0,
        segments: int = 2,
        epsilon: float = 1e-12,
    ) -> None:
        super().__init__()
        self.embeddings = SegmentEmbedding(vocab, positions, embed, dropout, segments, epsilon)
        self.blocks = nn.ModuleList(
            TransformerBlock(
                embed,
                heads,
                mlp,
                dropout,
                norm="post",
                activation="gelu",
                epsilon=epsilon,
                std=STD,
                residual_std=STD,
            )
            for _ in range(layers)
        )

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch position embed"]:
        x = self.embeddings(ids, segment_ids, fold_in(rng, 0), within(tap, "embeddings"))
        for number, block in enumerate(self.blocks):
            scope = within(tap, f"blocks.{number}")
            x = block(x, padding_mask(mask), fold_in(rng, number + 1), scope)
        return x

    def token_table(self) -> Float[Tensor, "vocab embed"]:
        """The token embeddings, which the masked language model decodes with."""
        return self.embeddings.token_embedding.table()


class Pooler(nn.Module):
    """What is known of the whole row: tanh of a linear layer over its first token."""

    def __init__(self, embed: int) -> None:
        super().__init__()
        self.dense = Linear(embed, embed, std=STD)

    def forward(self, x: Float[Tensor, "batch position embed"]) -> Float[Tensor, "batch embed"]:
        return torch.tanh(self.dense(x[:, 0]))


class MaskedWords(nn.Module):
    """Logits of the masked words (section 3.1, task 1): linear, GELU, norm, token table, bias."""

    def __init__(self, vocab: int, embed: int, epsilon: float = 1e-12) -> None:
        super().__init__()
        self.transform = Linear(embed, embed, std=STD)
        self.norm = LayerNorm(embed, epsilon)
        self.word_bias = parameter(zeros, (vocab,))

    def forward(
        self,
        x: Float[Tensor, "batch masked embed"],
        table: Float[Tensor, "vocab embed"],
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch masked vocab"]:
        x = tap("transform", gelu(self.transform(x)), "batch masked embed")
        x = tap("norm", self.norm(x), "batch masked embed")
        logits = add_bias(torch.einsum("bme,ve->bmv", x, table), self.word_bias)
        return tap("logits", logits, "batch masked vocab")


class PretrainingLogits(NamedTuple):
    """BERT's two guesses: the words at the masked positions, and whether the second sentence follows."""

    words: Float[Tensor, "batch masked vocab"]
    next_sentence: Float[Tensor, "batch classes"]


class BertMaskedWords(nn.Module):
    """BERT as a masked language model. Only ``positions`` pass through the vocabulary: the costliest part."""

    def __init__(
        self,
        vocab: int,
        positions: int,
        embed: int,
        heads: int,
        mlp: int,
        layers: int,
        dropout: float = 0.0,
        segments: int = 2,
        epsilon: float = 1e-12,
    ) -> None:
        super().__init__()
        self.bert = Bert(vocab, positions, embed, heads, mlp, layers, dropout, segments, epsilon)
        self.words = MaskedWords(vocab, embed, epsilon)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        positions: Int[Tensor, "batch masked"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch masked vocab"]:
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"))
        masked = tap("masked", gather_positions(x, positions), "batch masked embed")
        return self.words(masked, self.bert.token_table(), within(tap, "words"))


class BertPretraining(nn.Module):
    """BERT with both of its pretraining tasks (section 3.1): masked words and next sentence."""

    def __init__(
        self,
        vocab: int,
        positions: int,
        embed: int,
        heads: int,
        mlp: int,
        layers: int,
        dropout: float = 0.0,
        segments: int = 2,
        epsilon: float = 1e-12,
    ) -> None:
        super().__init__()
        self.bert = Bert(vocab, positions, embed, heads, mlp, layers, dropout, segments, epsilon)
        self.pooler = Pooler(embed)
        self.words = MaskedWords(vocab, embed, epsilon)
        self.next_sentence = Linear(embed, 2, std=STD)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        positions: Int[Tensor, "batch masked"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> PretrainingLogits:
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"))
        masked = tap("masked", gather_positions(x, positions), "batch masked embed")
        words = self.words(masked, self.bert.token_table(), within(tap, "words"))
        pooled = tap("pooled", self.pooler(x), "batch embed")
        follows = tap("next_sentence", self.next_sentence(pooled), "batch classes")
        return PretrainingLogits(words, follows)


class BertClassifier(nn.Module):
    """BERT to classify sequences (section 4.1): dropout and a linear layer on the pooled vector."""

    def __init__(
        self,
        vocab: int,
        classes: int,
        positions: int,
        embed: int,
        heads: int,
        mlp: int,
        layers: int,
        dropout: float = 0.0,
        segments: int = 2,
        epsilon: float = 1e-12,
    ) -> None:
        super().__init__()
        self.layers = layers
        self.dropout = dropout
        self.bert = Bert(vocab, positions, embed, heads, mlp, layers, dropout, segments, epsilon)
        self.pooler = Pooler(embed)
        self.head = Linear(embed, classes, std=STD)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch classes"]:
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"))
        pooled = tap("pooled", self.pooler(x), "batch embed")
        pooled = dropout(pooled, self.dropout, fold_in(rng, self.layers + 1))
        return tap("logits", self.head(pooled), "batch classes")
