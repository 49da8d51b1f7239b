"""BERT (Devlin et al. 2018): blocks that see both ways, and the heads it is trained with."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from torch_impl.block import TransformerBlock
from torch_impl.classifier import masked_mean
from torch_impl.embeddings import SegmentEmbedding
from torch_impl.initializers import parameter, zeros
from torch_impl.layers import LayerNorm, Linear, add_bias, at_least_float32, dropout, gelu
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
        self.vocab, self.embed, self.layers = vocab, embed, layers
        self.dropout, self.epsilon = dropout, epsilon
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
        return torch.tanh(at_least_float32(self.dense(x[:, 0]))).to(x.dtype)


class MLMHead(nn.Module):
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


class BertForMaskedLM(nn.Module):
    """BERT as a masked language model. Only ``positions`` pass through the vocabulary: the costliest part."""

    def __init__(self, bert: Bert) -> None:
        super().__init__()
        self.bert = bert
        self.words = MLMHead(bert.vocab, bert.embed, bert.epsilon)

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


class PretrainingLogits(NamedTuple):
    """BERT's two guesses: the words at the masked positions, and whether the second sentence follows."""

    words: Float[Tensor, "batch masked vocab"]
    next_sentence: Float[Tensor, "batch classes"]


class BertPretraining(nn.Module):
    """BERT with both of its pretraining tasks (section 3.1): masked words and next sentence."""

    def __init__(self, bert: Bert) -> None:
        super().__init__()
        self.bert = bert
        self.pooler = Pooler(bert.embed)
        self.words = MLMHead(bert.vocab, bert.embed, bert.epsilon)
        self.next_sentence = Linear(bert.embed, 2, std=STD)

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


class Features(NamedTuple):
    """What BERT knows of each token, and of the whole row."""

    hidden: Float[Tensor, "batch position embed"]
    pooled: Float[Tensor, "batch embed"]


class BertModel(nn.Module):
    """BERT without a head, to compute vectors of texts with."""

    def __init__(self, bert: Bert) -> None:
        super().__init__()
        self.bert = bert
        self.pooler = Pooler(bert.embed)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Features:
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"))
        return Features(x, tap("pooled", self.pooler(x), "batch embed"))


class BertClassifier(nn.Module):
    """BERT to classify sequences (section 4.1): dropout and a linear layer on the vector of the row.

    ``pooling`` says which: "first" is the pooler's, of the first token, as in the paper; "mean" is the mean
    of the real tokens' vectors, for encoders that were not taught to sum up a row in its first token.
    """

    def __init__(self, bert: Bert, classes: int, pooling: str = "first") -> None:
        super().__init__()
        if pooling not in ("first", "mean"):
            raise ValueError(f"pooling={pooling!r}: choose 'first' or 'mean'")
        self.bert, self.pooling = bert, pooling
        if pooling == "first":
            self.pooler = Pooler(bert.embed)
        self.head = Linear(bert.embed, classes, std=STD)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch classes"]:
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"))
        pooled = self.pooler(x) if self.pooling == "first" else masked_mean(x, mask)
        pooled = tap("pooled", pooled, "batch embed")
        pooled = dropout(pooled, self.bert.dropout, fold_in(rng, self.bert.layers + 1))
        return tap("logits", self.head(pooled), "batch classes")
