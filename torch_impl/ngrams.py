"""What naive Bayes says of a text, to be added to a classifier's logits.

Each token and each pair of neighbours has a log-ratio a class (Wang and Manning 2012, eq. 2), which says
something of words that are too rare to learn a vector from. A linear model beside a deep one is "wide and
deep" (Cheng et al. 2016).
"""

import torch
from jaxtyping import Bool, Float, Int, Int32
from torch import Tensor, nn
from torch.nn.functional import embedding

from torch_impl.config import NGramConfig
from torch_impl.initializers import parameter, zeros
from torch_impl.layers import dropout
from torch_impl.pooling import packed_sum
from torch_impl.random import Key
from torch_impl.shapes import check_shapes
from torch_impl.taps import Tap, no_tap
from torch_impl.threefry import WORD

FIRST, SECOND = 0x9E3779B1, 0x85EBCA77  # odd: two tokens with one neighbour share no word


def pair_buckets(ids: Int[Tensor, "row position"], buckets: int) -> Int32[Tensor, "row position"]:
    """The bucket of each token with the one after it: a sum of products modulo 2^32, mixed; its remainder.

    The last of a row is taken with the first, which is no pair: so one token is a row like another.
    """
    first, second = ids.long(), ids.roll(-1, dims=1).long()  # PyTorch multiplies no unsigned words
    word = (first * FIRST + second * SECOND) & WORD
    mixed = word ^ (word >> 15)
    return (mixed % buckets).to(torch.int32)


class NGramRatios(nn.Module):
    """The sum of the log-ratios of a text's tokens and of its pairs of neighbours.

    Pairs share ``ngram_buckets`` rows by a hash, as fastText's do (Joulin et al. 2016). The ratios were
    counted and are not trained: they have no gradient. In training a text goes without its sum with
    probability ``ngram_dropout``, so that the rest of the model learns from every text, and not from those
    alone that counting gets wrong.

    Parameters: token_ratios (vocab classes), pair_ratios (buckets classes), zero until they are counted.
    """

    def __init__(self, config: NGramConfig) -> None:
        super().__init__()
        self.config = config
        self.token_ratios = parameter(zeros, (config.vocab, config.classes))
        self.pair_ratios = parameter(zeros, (config.ngram_buckets, config.classes))

    def forward(
        self,
        ids: Int[Tensor, "row position"],
        mask: Bool[Tensor, "row position"],
        rng: Key | None = None,
        tap: Tap = no_tap,
        text_ids: Int[Tensor, "row position"] | None = None,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> Float[Tensor, "batch classes"]:
        axes = "batch position"
        check_shapes({}, ids=(ids, axes), mask=(mask, axes), text_ids=(text_ids, axes))
        places = torch.arange(ids.shape[1], dtype=torch.int32, device=ids.device)
        neighbours = mask & mask.roll(-1, dims=1) & (places < ids.shape[1] - 1)[None]
        if text_ids is not None:
            neighbours = neighbours & (text_ids == text_ids.roll(-1, dims=1))
        buckets = pair_buckets(ids, self.config.ngram_buckets)
        tokens = embedding(ids, self.token_ratios.detach())
        pairs = embedding(buckets, self.pair_ratios.detach())
        tokens = tap("tokens", torch.where(mask[:, :, None], tokens, 0.0), "batch position classes")
        pairs = tap("pairs", torch.where(neighbours[:, :, None], pairs, 0.0), "batch position classes")
        if text_ids is None or lengths is None:
            total = (tokens + pairs).sum(dim=1)
        else:
            total = packed_sum(tokens + pairs, text_ids, lengths.shape[0])
        total = tap("sum", total, "batch classes")
        kept = dropout(torch.ones_like(total[:, :1]), self.config.ngram_dropout, rng) > 0.0
        return torch.where(kept, total, 0.0)
