"""Other functions of queries and keys that give weights, in PyTorch."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from study.questions.torch_decoder import GPTOf
from torch_impl.attention import MultiHeadAttention, masked_softmax
from torch_impl.cache import KeyValue
from torch_impl.config import AttentionConfig
from torch_impl.initializers import ones, parameter
from torch_impl.layers import Linear, at_least_float32, dropout
from torch_impl.random import Key
from torch_impl.taps import Tap, no_tap

START = 10.0  # by which a cosine is multiplied at first
EPS = 1e-12  # added to a squared length
Weights = Float[Tensor, "batch heads query key"]


class OtherWeights(MultiHeadAttention):
    """What is read is a sum of values, by ``weights``, which a subclass gives."""

    def weights(
        self,
        query: Float[Tensor, "batch heads query head_dim"],
        key: Float[Tensor, "batch heads key head_dim"],
        mask: Bool[Tensor, "..."],
    ) -> Weights:
        """How much each query takes of each key's value; 0 where the mask hides it."""
        raise NotImplementedError

    def attend(
        self,
        query: Float[Tensor, "batch heads query head_dim"],
        memory: KeyValue,
        mask: Bool[Tensor, "#batch #heads #query key"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch query embed"]:
        """What the queries read in the memory, all heads projected onto embed."""
        whole = torch.ones((1, 1, 1, memory.key.shape[2]), dtype=torch.bool, device=query.device)
        seen = whole if mask is None else mask
        weights = tap("weights", self.weights(query, memory.key, seen), "batch heads query key")
        weights = dropout(weights, self.config.dropout, rng)
        read = torch.einsum("bhqk,bhkd->bhqd", weights, memory.value)
        read = tap("heads_output", read, "batch heads query head_dim")
        return tap("output", self.output(read), "batch query embed")


class Additive(OtherWeights):
    """softmax(v . tanh(q + k)), v a head's own (Bahdanau et al. 2015, appendix A.1.2)."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        self.score_head = Linear(config.width, config.heads, use_bias=False)

    def weights(
        self,
        query: Float[Tensor, "batch heads query head_dim"],
        key: Float[Tensor, "batch heads key head_dim"],
        mask: Bool[Tensor, "..."],
    ) -> Weights:
        hidden = torch.tanh(query[:, :, :, None, :] + key[:, :, None, :, :])
        return masked_softmax(torch.einsum("bhqkd,hd->bhqk", hidden, self.score_head.weight), mask)


class Temperature(nn.Module):
    """A number for each head: weight (heads), one."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.weight = parameter(ones, (heads,))

    def forward(self, scores: Weights) -> Weights:
        return scores * START * self.weight[None, :, None, None]


class Cosine(OtherWeights):
    """softmax(t cos(q, k)), t a head's own and learned (Luo et al. 2018; Henry et al. 2020)."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        self.cosine_norm = Temperature(config.heads)

    def weights(
        self,
        query: Float[Tensor, "batch heads query head_dim"],
        key: Float[Tensor, "batch heads key head_dim"],
        mask: Bool[Tensor, "..."],
    ) -> Weights:
        unit_query, unit_key = (
            x / torch.sqrt(x.square().sum(dim=-1, keepdim=True) + EPS) for x in (query, key)
        )
        scores = torch.einsum("bhqd,bhkd->bhqk", unit_query, unit_key)
        return masked_softmax(self.cosine_norm(scores), mask)


class Bilinear(OtherWeights):
    """q . k / sqrt(head_dim), without a softmax, divided by how many keys are seen; it may be negative."""

    def weights(
        self,
        query: Float[Tensor, "batch heads query head_dim"],
        key: Float[Tensor, "batch heads key head_dim"],
        mask: Bool[Tensor, "..."],
    ) -> Weights:
        scores = torch.einsum("bhqd,bhkd->bhqk", query, key) / self.config.width**0.5
        count = mask.sum(dim=-1, keepdim=True).clamp(min=1).to(scores.dtype)
        return torch.where(mask, scores / count, 0.0)


class LinearAttention(OtherWeights):
    """f(q) . f(k) over its sum, f = elu + 1 (Katharopoulos et al. 2020, section 3.2)."""

    def weights(
        self,
        query: Float[Tensor, "batch heads query head_dim"],
        key: Float[Tensor, "batch heads key head_dim"],
        mask: Bool[Tensor, "..."],
    ) -> Weights:
        scores = torch.einsum("bhqd,bhkd->bhqk", features(query), features(key))
        wide = at_least_float32(torch.where(mask, scores, 0.0))
        total = wide.sum(dim=-1, keepdim=True)
        return (wide / torch.where(total == 0.0, 1.0, total)).to(scores.dtype)


def features(x: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """elu(x) + 1, which is above zero."""
    return torch.where(x > 0.0, x + 1.0, torch.exp(x.clamp(max=0.0)))


class AdditiveGPT(GPTOf):
    """A GPT of additive attention."""

    kind = Additive


class CosineGPT(GPTOf):
    """A GPT of cosines."""

    kind = Cosine


class BilinearGPT(GPTOf):
    """A GPT whose scores are its weights."""

    kind = Bilinear


class LinearGPT(GPTOf):
    """A GPT of linear attention."""

    kind = LinearAttention
