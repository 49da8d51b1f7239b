"""What a run is: its data, its model, how it is trained. Written into the run's folder as JSON."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import jax_impl.config
import torch_impl.config
from jax_impl.config import BertConfig, ClassifierConfig, GPTConfig, Seq2SeqConfig, from_json
from train.runs.legacy import upgraded_config

SCHEMA = 2  # of config.json; 1 had the model's vocabulary and positions with the text
Framework = Literal["jax", "torch"]
FRAMEWORKS: tuple[Framework, ...] = get_args(Framework)
FALLING = ("linear", "cosine")  # the schedules that end at a rate of their own
SEEDS = range(2**32)  # of weights, batches and draws
SETS = ("polarity", "ag_news", "ag_news_10k", "shakespeare", "embedded", "reversal")
"""The data sets by name; what is named otherwise is a path to one's own."""
OWN = "own"  # stands in recipes for such a path
OWN_ONLY = ("text_column", "label_column", "encoding", "documents")  # settings of one's own data


class ConfigError(ValueError):
    """A setting that cannot be used; the message names it, its value and the remedy."""


ModelConfig = ClassifierConfig | BertConfig | GPTConfig | Seq2SeqConfig
FAMILIES: dict[str, type[ModelConfig]] = {
    "classifier": ClassifierConfig,
    "bert": BertConfig,
    "gpt": GPTConfig,
    "seq2seq": Seq2SeqConfig,
}


@dataclass(frozen=True)
class Optimizer(jax_impl.config.OptimizerConfig, torch_impl.config.OptimizerConfig):
    """What an update does with a gradient, the learning rate of each step, and what the loss is."""

    learning_rate: float = 1e-3
    """At its peak."""
    warmup: float = 0.1
    """Share of the steps in which the learning rate rises from zero."""
    schedule: Literal["linear", "inverse_sqrt", "constant", "cosine", "triangular"] = "linear"
    """From the peak on: linearly to zero, with 1/sqrt(step) as the original transformer's, not at all, along
    half a cosine to zero, or down and up again, each side as long as the warm-up."""
    min_learning_rate: float = 0.0
    """Where linear and cosine end instead of at zero, as PyTorch's eta_min."""
    accumulate: int = 1
    """Batches of a step: its gradient is the mean of theirs."""
    compiled: bool = False
    """Whether PyTorch compiles its gradient for each shape of batch (torch.compile; on a CPU that takes a C++
    compiler); JAX always does."""
    smoothing: float = 0.0
    """Label smoothing of the training loss. Not of gpt."""


@dataclass(frozen=True)
class Text:
    """How texts become batches."""

    batch: int = 64
    """Texts in a batch."""
    word_dropout: float = 0.0
    """Share of the training tokens that are replaced by [UNK], drawn anew at each step."""
    buckets: int = 4
    """Widths that batches come in; each is a compilation in JAX."""
    packed: bool = False
    """Whether a classifier's training texts share rows, so that hardly any padding is computed."""


UNTUNED = ClassifierConfig(vocab=8000, max_positions=128, embed=128, heads=4, mlp=256, layers=2, dropout=0.3)


@dataclass(frozen=True, kw_only=True)
class Config:
    """One run; the defaults are no recipe's."""

    model: ModelConfig = field(default_factory=lambda: UNTUNED)
    data: str = "polarity"
    """One's own file or folder (docs/data.md); or hf:NAME, loaded by Hugging Face's datasets; or polarity
    (film reviews), ag_news or ag_news_10k (news, the whole or a sample), shakespeare, embedded (needs no
    download). The classifier reads labelled data (not shakespeare); bert and gpt read any but polarity;
    seq2seq learns reversal, which is drawn."""
    text_column: str | None = None
    """Of one's own table: the column of texts. Default: found by its name or its length."""
    label_column: str | None = None
    """Of one's own table: the column of classes. Default: found by its name or its values."""
    encoding: str = "utf-8"
    """Of one's own text files, as Python names it."""
    documents: Literal["lines", "files"] | None = None
    """Of one's own plain text, for bert and gpt: whether each line is a document, or each file. Default: each
    line of a single file without blank lines; else each file."""
    tokenizer: str | None = None
    """A tokenizer that is there: a tokenizer.json, or the folder of a run. Default: one is trained."""
    text: Text = field(default_factory=Text)
    init: str | None = None
    """Folder of a run of bert or gpt to begin a classifier with. Its sizes and tokenizer are taken."""
    pooling: Literal["first", "mean"] = "mean"
    """With init: bert's head reads the first token's vector, through the pooler, or the mean of all."""
    optimizer: Optimizer = field(default_factory=Optimizer)
    calibrated: bool = False
    """Whether a classifier ends as sure as it is right: after the last step its logits, and apart from them
    what its n-grams say, are each multiplied by the number that fits the validation texts best."""
    epochs: int = 10
    """Passes over the training split; of reversal, which never ends, a hundred batches each."""
    least_steps: int = 1
    """Train for so many steps at least, where the epochs have fewer."""
    steps: int | None = None
    """Train for so many steps (updates) instead."""
    seed: int = 0
    """Of weights, batches and dropout."""

    @property
    def own(self) -> bool:
        """Whether the data is one's own."""
        return self.data not in SETS

    @property
    def family(self) -> str:
        """Which of `FAMILIES` the model is of."""
        return next(name for name, kind in FAMILIES.items() if type(self.model) is kind)

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "family": self.family, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Config":
        """Raises KeyError, TypeError or ValueError on a field that this version does not know, or a value."""
        fields = dict(upgraded_config(fields))
        if (schema := fields.pop("schema")) != SCHEMA:
            raise ValueError(f"schema {schema!r}: this version reads {SCHEMA} and what came before")
        model = from_json(FAMILIES[fields.pop("family")], fields.pop("model"))
        text, optimizer = Text(**fields.pop("text")), Optimizer(**fields.pop("optimizer"))
        return cls(model=model, text=text, optimizer=optimizer, **fields)

    def check(self) -> None:
        """Refuse what cannot be trained. Raises ConfigError naming the setting, its value and the remedy.

        The model's settings were checked when they were made.
        """
        optimizer = self.optimizer
        for section in (self.text, self):
            for name, value in vars(section).items():
                if isinstance(value, int) and not isinstance(value, bool) and name != "seed" and value < 1:
                    raise ConfigError(f"{name}={value}: give 1 or more")
        if (self.family == "seq2seq") != (self.data == "reversal"):
            fitting = "reversal" if self.family == "seq2seq" else "texts"
            raise ConfigError(f"data={self.data!r}: {self.family} learns from {fitting}; choose such data")
        for name in OWN_ONLY:
            if not self.own and getattr(self, name) != getattr(type(self), name):
                value = getattr(self, name)
                raise ConfigError(f"{name}={value!r}: goes with a file or a folder of yours; leave it out")
        if self.label_column is not None and self.family != "classifier":
            raise ConfigError(
                f"label_column={self.label_column!r}: {self.family} reads no labels; leave it out"
            )
        if self.tokenizer is not None and (self.init is not None or self.family == "seq2seq"):
            raise ConfigError(f"tokenizer={self.tokenizer!r}: there is one already; leave it out")
        if self.family == "gpt" and optimizer.smoothing:
            raise ConfigError(f"smoothing={optimizer.smoothing}: gpt has no such setting; leave it at 0.0")
        if self.text.packed and (self.family != "classifier" or self.init is not None):
            raise ConfigError("packed=True: the classifier alone has it, and without init; leave it out")
        if self.calibrated and self.family != "classifier":
            raise ConfigError(f"calibrated=True: {self.family} tells no classes apart; leave it out")
        if self.init is not None and self.family != "classifier":
            raise ConfigError(f"init={self.init!r}: only a classifier begins with another run; leave it out")
        shares = {
            "word_dropout": self.text.word_dropout,
            "warmup": optimizer.warmup,
            "beta1": optimizer.beta1,
            "beta2": optimizer.beta2,
            "smoothing": optimizer.smoothing,
        }
        for name, value in shares.items():
            if not 0.0 <= value < 1.0:
                raise ConfigError(f"{name}={value}: give a share from 0 up to, not including, 1")
        for name in ("learning_rate", "clip", "eps"):
            value = getattr(optimizer, name)
            if not value > 0.0 or (value == math.inf and name != "clip"):  # an infinite clip is none
                raise ConfigError(f"{name}={value}: give a number above 0")
        least = optimizer.min_learning_rate
        if not 0.0 <= least <= optimizer.learning_rate:
            raise ConfigError(
                f"min_learning_rate={least}: give a number from 0 to learning_rate={optimizer.learning_rate}"
            )
        if least and optimizer.schedule not in FALLING:
            raise ConfigError(
                f"min_learning_rate={least}: schedule={optimizer.schedule!r} has no such end; choose "
                "'linear' or 'cosine', or leave it at 0.0"
            )
        if not 0.0 <= optimizer.weight_decay < math.inf:
            raise ConfigError(f"weight_decay={optimizer.weight_decay}: give 0 or more")
        if optimizer.accumulate < 1:
            raise ConfigError(f"accumulate={optimizer.accumulate}: give 1 or more")
        if optimizer.schedule == "triangular" and not optimizer.warmup:
            raise ConfigError("warmup=0.0: it is one side of schedule='triangular'; give a share above 0")
        if self.seed not in SEEDS:
            raise ConfigError(f"seed={self.seed}: give a whole number from 0 to 2^32 - 1")
