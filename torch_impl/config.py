"""The settings of every model, and of the optimizer, each once: frozen dataclasses.

Blocks and models take them. A setting of a block is a setting of all models that have blocks: the dataclasses
inherit. No framework is imported here, so that a command line reads and refuses settings in a moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import sqrt
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints


@dataclass(frozen=True, kw_only=True)
class Config:
    """What all have. Raises ValueError naming the setting, its value and the remedy."""

    embed: int
    """Width of the residual stream."""
    dropout: float = 0.0
    """Probability of dropping a number, everywhere that the original transformer drops."""
    eps: float = 1e-5
    """Added to the variance in norms."""

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self)).items():
            _check(name, getattr(self, name), hint)

    @property
    def kernel_std(self) -> float | None:
        """The initial deviation of matrices; None: Xavier."""
        return None

    @property
    def residual_std(self) -> float | None:
        """The same of the two projections of a block whose output is added to the residual stream."""
        return self.kernel_std


@dataclass(frozen=True, kw_only=True)
class AttentionConfig(Config):
    """Many heads side by side (Vaswani et al. 2017, section 3.2.2)."""

    heads: int
    """Attention heads."""
    head_dim: int | None = None
    """Width of a head. None: embed / heads."""
    kv_heads: int | None = None
    """Heads of keys and values, each for a group of queries' heads (Ainslie et al. 2023). None: heads."""
    use_bias: bool = True
    """Linear layers with biases."""
    qkv_bias: bool | None = None
    """Biases on queries, keys and values, as Qwen2 has them alone. None: use_bias."""
    qk_norm: bool = False
    """RMSNorm of each head's queries and keys (Henry et al. 2020; with a scale, as Qwen3)."""
    fused: bool = False
    """Attention by PyTorch's own kernel, where nobody listens inside of it and none of its weights is
    dropped. JAX's compiler fuses what is written out; there it is the same program."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.head_dim is None and self.embed % self.heads:
            raise ValueError(
                f"heads={self.heads} does not divide embed={self.embed}: choose embed as a multiple of "
                "heads, or give head_dim"
            )
        if self.heads % self.key_heads:
            raise ValueError(
                f"kv_heads={self.kv_heads} does not divide heads={self.heads} into equal groups: choose one "
                "that does"
            )

    @property
    def width(self) -> int:
        """Of one head."""
        return self.embed // self.heads if self.head_dim is None else self.head_dim

    @property
    def key_heads(self) -> int:
        """Heads of keys and values."""
        return self.heads if self.kv_heads is None else self.kv_heads

    @property
    def input_bias(self) -> bool:
        """Whether queries, keys and values have biases."""
        return self.use_bias if self.qkv_bias is None else self.qkv_bias


@dataclass(frozen=True, kw_only=True)
class FeedForwardConfig(Config):
    """Two linear layers (Vaswani et al. 2017, section 3.3), or three with a gate (Shazeer 2020, eq. 6)."""

    mlp: int
    """Width of the feed-forward layer."""
    activation: Literal["gelu", "gelu_tanh", "relu", "silu"] = "gelu"
    """Of the feed-forward layer; gelu_tanh is GPT-2's."""
    gated: bool = False
    """Whether a gate multiplies the feed-forward layer; with silu it is SwiGLU."""
    use_bias: bool = True
    """Linear layers with biases."""


@dataclass(frozen=True, kw_only=True)
class BlockConfig(AttentionConfig, FeedForwardConfig):
    """Attention, then feed-forward, each with a norm and a residual connection."""

    norm: Literal["layer", "rms"] = "layer"
    """Layer norm (Ba et al. 2016) or RMSNorm (Zhang and Sennrich 2019)."""
    norm_position: Literal["pre", "post"] = "pre"
    """The norm before each branch (Xiong et al. 2020), or after each sum (Vaswani et al. 2017)."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingConfig(Config):
    """Tokens and positions to vectors (Vaswani et al. 2017, sections 3.4 and 3.5)."""

    vocab: int
    """Tokens in the vocabulary, or the largest number of them where a tokenizer is trained."""
    max_positions: int
    """The longest text in tokens."""
    position_encoding: Literal["learned", "sinusoidal", "rotary", "none"] = "learned"
    """How positions are told: added to the tokens, or by turning queries and keys (rotary)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.position_encoding == "sinusoidal" and self.embed % 2:
            raise ValueError(
                f"embed={self.embed}: sinusoidal positions pair sines with cosines; give an even one"
            )

    @property
    def embedding_std(self) -> float:
        """The initial deviation of the tables."""
        return 0.02


@dataclass(frozen=True, kw_only=True)
class NGramConfig(EmbeddingConfig):
    """What tells classes apart may add naive Bayes' log-ratios to its logits (Wang and Manning 2012)."""

    classes: int
    """What it tells apart."""
    ngram_buckets: int = 0
    """Rows of log-ratios that pairs of neighbouring tokens share by a hash; each token has one of its own.
    They are counted in the training texts, and not trained. 0: there are none, of tokens neither."""
    ngram_dropout: float = 0.8
    """Probability that a training text goes without them, so that the rest learns to do alone."""


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(BlockConfig, NGramConfig):
    """A text classifier: embeddings, blocks, the mean over real tokens, a linear layer."""

    classes: int = 2
    """What it tells apart; the data set says how many."""
    layers: int
    """Transformer blocks."""
    position_encoding: Literal["learned", "sinusoidal"] = "learned"
    """How positions are added to the tokens."""


@dataclass(frozen=True, kw_only=True)
class BertConfig(BlockConfig, EmbeddingConfig):
    """BERT (Devlin et al. 2018); RoBERTa and DistilBERT by the last three settings."""

    layers: int
    """Transformer blocks."""
    norm_position: Literal["post"] = "post"
    """The norm after each sum."""
    eps: float = 1e-12
    """Added to the variance in norms."""
    position_encoding: Literal["learned"] = "learned"
    """Positions have a table."""
    segments: int = 2
    """Sentences that a row can hold, each with a vector; 0: no such vectors (DistilBERT)."""
    position_offset: int = 0
    """Where real tokens' positions begin; 2: those before are the padding's (RoBERTa)."""
    pooler_activation: Literal["tanh", "relu"] = "tanh"
    """What the pooler ends with."""
    lean: bool = False
    """Whether the last block computes only the positions that the head reads: the masked ones, the first."""

    @property
    def kernel_std(self) -> float | None:
        """google-research/bert, modeling.py, initializer_range."""
        return 0.02


@dataclass(frozen=True, kw_only=True)
class BertClassifierConfig(BertConfig, NGramConfig):
    """BERT that tells classes apart."""

    pooling: Literal["first", "mean"] = "first"
    """What the head reads: the first token through the pooler, or the mean of all."""


@dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """How the angles of rotary positions are stretched for texts longer than a model was trained on."""

    kind: Literal["linear", "llama3"] = "linear"
    """All angles divided by the factor (Chen et al. 2023); or the slow ones alone, as Llama 3.1 has them."""
    factor: float
    """By how much."""
    low_freq_factor: float = 1.0
    """llama3: pairs that turn fewer times than this in the original length are slowed by the whole factor."""
    high_freq_factor: float = 4.0
    """llama3: pairs that turn more often than this are left alone; between the two, in part."""
    original_max_positions: int = 8192
    """llama3: the length that the model was trained on."""

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self)).items():
            _check(name, getattr(self, name), hint)
        if not self.low_freq_factor < self.high_freq_factor:
            raise ValueError(
                f"low_freq_factor={self.low_freq_factor}, high_freq_factor={self.high_freq_factor}: "
                "give the lower one first"
            )


@dataclass(frozen=True, kw_only=True)
class GPTConfig(BlockConfig, EmbeddingConfig):
    """GPT-2 by default (Radford et al. 2019); GPT, GPT-3, Llama, Mistral, Qwen by their settings."""

    layers: int
    """Transformer blocks."""
    activation: Literal["gelu", "gelu_tanh", "relu", "silu"] = "gelu_tanh"
    """Of the feed-forward layer; Llama's is silu."""
    tied: bool = True
    """Whether the output layer is the token embedding again."""
    window: int | None = None
    """Tokens that a block sees back, itself included; None: all."""
    window_every: int = 2
    """Which blocks have the window: every other (GPT-3), or 1: every one (Mistral)."""
    theta: float = 10000.0
    """The base of rotary positions' angles."""
    rope_scaling: RopeScaling | None = None
    """How rotary positions are stretched; None: not at all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.position_encoding == "rotary" and self.width % 2:
            raise ValueError(
                f"head_dim={self.width}: rotary positions turn pairs of numbers; choose embed and heads, or "
                "head_dim, so that heads have an even width"
            )

    @property
    def kernel_std(self) -> float | None:
        """Radford et al. 2018, section 4.1."""
        return 0.02

    @property
    def residual_std(self) -> float | None:
        """Two branches a layer are summed (Radford et al. 2019, section 2.3)."""
        return 0.02 / sqrt(2 * self.layers)

    def is_local(self, number: int) -> bool:
        """Whether block ``number``, counted from 0, sees no further than the window."""
        return self.window is not None and (number + 1) % self.window_every == 0


@dataclass(frozen=True, kw_only=True)
class GPTClassifierConfig(GPTConfig, NGramConfig):
    """GPT that tells classes apart."""


@dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig(BlockConfig, EmbeddingConfig):
    """The original encoder and decoder (Vaswani et al. 2017)."""

    layers: int
    """Blocks of the encoder, and of the decoder."""
    activation: Literal["gelu", "gelu_tanh", "relu", "silu"] = "relu"
    """Of the feed-forward layer."""
    norm_position: Literal["post"] = "post"
    """The norm after each sum."""
    position_encoding: Literal["learned", "sinusoidal"] = "sinusoidal"
    """How positions are added to the tokens."""

    @property
    def embedding_std(self) -> float:
        """As in the authors' code: times sqrt(embed), the embeddings begin at deviation 1."""
        return 1.0 / sqrt(self.embed)


@dataclass(frozen=True)
class OptimizerConfig:
    """What an update does with a gradient."""

    method: Literal["adamw", "sgd"] = "adamw"
    """Adam, or stochastic gradient descent with momentum; how either decays is said below."""
    weight_decay: float = 0.1
    """How strongly weights are drawn to zero: times the learning rate, their share that a step takes."""
    decayed: Literal["matrices", "all"] = "matrices"
    """What decays: kernels and embeddings, or biases and norms too, as in torch.optim and optax."""
    coupled: bool = False
    """Whether the decay is added to the gradient, as L2 is in torch.optim.Adam and SGD; else it is apart from
    it, as in AdamW (Loshchilov and Hutter 2019)."""
    clip: float = 1.0
    """Largest global norm of the gradient."""
    beta1: float = 0.9
    """Of Adam's mean of gradients, or SGD's momentum."""
    beta2: float = 0.98
    """Of Adam's mean of squares."""
    eps: float = 1e-8
    """Added to Adam's root."""
    fused: bool = False
    """Adam by PyTorch's own kernel, which reads and writes each number once. JAX's compiler fuses what is
    written out; there it is the same program, as it is for SGD."""


CONFIGS: dict[str, type[EmbeddingConfig]] = {
    "classifier": ClassifierConfig,
    "bert": BertConfig,
    "bert_model": BertConfig,
    "bert_for_masked_lm": BertConfig,
    "bert_pretraining": BertConfig,
    "bert_classifier": BertClassifierConfig,
    "gpt": GPTConfig,
    "gpt_classifier": GPTClassifierConfig,
    "encoder_decoder": Seq2SeqConfig,
}

AnyConfig = TypeVar("AnyConfig", bound=Config)


def from_json(kind: type[AnyConfig], settings: Mapping[str, Any]) -> AnyConfig:
    """The settings that `dataclasses.asdict` wrote. Raises TypeError on one that ``kind`` does not have."""
    known = {field.name for field in fields(kind)}
    if unknown := settings.keys() - known:
        raise TypeError(f"{kind.__name__} has no setting {sorted(unknown)[0]!r}")
    scaling = settings.get("rope_scaling")
    return kind(**settings if scaling is None else {**settings, "rope_scaling": RopeScaling(**scaling)})


def _check(name: str, value: Any, hint: Any) -> None:
    """One setting against its type: True or False, whole numbers from 1 on (or 0), shares, choices."""
    kinds = get_args(hint) if type(None) in get_args(hint) else (hint,)
    if value is None and type(None) in kinds:
        return
    if get_origin(kinds[0]) is Literal:
        if value not in get_args(kinds[0]):
            raise ValueError(f"{name}={value!r}: choose one of {', '.join(map(repr, get_args(kinds[0])))}")
    elif kinds[0] is int:
        least = 0 if name in ("segments", "position_offset", "ngram_buckets") else 1
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name}={value!r}: give a whole number, {least} or more")
    elif kinds[0] is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{name}={value!r}: give True or False")
    elif kinds[0] is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        share = name in ("dropout", "ngram_dropout")
        if share and not (number and 0.0 <= value < 1.0):
            raise ValueError(f"{name}={value!r}: give a share from 0 up to, not including, 1")
        if not share and not (number and 0.0 < value < float("inf")):
            raise ValueError(f"{name}={value!r}: give a number above 0")
