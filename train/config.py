"""What a run is: its data, its model, how it is trained. Written into the run's folder as JSON."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import tyro

Framework = Literal["jax", "torch"]


class ConfigError(ValueError):
    """A setting that cannot be used; the message names it, its value and the remedy."""


@dataclass(frozen=True)
class Model:
    """The sizes of a model, and the variant of it."""

    embed: int = 128
    """Width of the residual stream."""
    heads: int = 4
    """Attention heads; they share the width evenly."""
    mlp: int = 256
    """Width of the feed-forward layer."""
    layers: int = 2
    """Transformer blocks."""
    dropout: float = 0.3
    """Probability of dropping a number, everywhere that the original transformer drops."""
    norm: Literal["pre", "post"] = "pre"
    """Layer norm before each branch, or after each sum. Not of bert, which is post."""
    activation: Literal["gelu", "gelu_tanh", "relu", "silu"] = "gelu"
    """Of the feed-forward layer. Not of bert, whose is gelu."""
    position: Literal["learned", "sinusoidal", "rotary"] = "learned"
    """How positions are embedded; rotary is gpt's alone. Not of bert, whose are learned."""
    tied: bool = True
    """Whether the output layer is the token embedding again (this and what follows: gpt only)."""
    window: int | None = None
    """Tokens that every other block sees back."""
    kv_heads: int | None = None
    """Heads of keys and values, each for a group of queries' heads."""
    gated: bool = False
    """Gated feed-forward layers."""
    rms: bool = False
    """RMSNorm for layer norm."""
    biased: bool = True
    """Linear layers with biases."""


SIZES = {"embed", "heads", "mlp", "layers", "dropout"}
SETTINGS = {  # of the model, by family
    "classifier": SIZES | {"norm", "activation", "position"},
    "bert": SIZES,
    "gpt": {field.name for field in dataclasses.fields(Model)},
}


@dataclass(frozen=True)
class Optimizer:
    """The method, its learning rate with warm-up, and clipping by the global norm."""

    method: Literal["adamw", "sgd"] = "adamw"
    """AdamW, or stochastic gradient descent with momentum, whose decay is decoupled too."""
    learning_rate: float = 1e-3
    """At its peak."""
    warmup: float = 0.1
    """Share of the steps in which the learning rate rises from zero."""
    schedule: Literal["linear", "inverse_sqrt", "constant", "cosine", "triangular"] = "linear"
    """From the peak on: linearly to zero, with 1/sqrt(step) as the original transformer's, not at all, along
    half a cosine to zero, or down and up again, each side as long as the warm-up."""
    weight_decay: float = 0.1
    """Of kernels and embeddings, decoupled (times the learning rate)."""
    clip: float = 1.0
    """Largest global norm of the gradient."""
    accumulate: int = 1
    """Batches of a step: its gradient is the mean of theirs."""
    beta1: float = 0.9
    """Of Adam's mean of gradients, or SGD's momentum."""
    beta2: float = 0.98
    """Of Adam's mean of squares."""
    epsilon: float = 1e-8
    """Added to Adam's root."""
    smoothing: float = 0.0
    """Label smoothing of the training loss."""


@dataclass(frozen=True)
class Text:
    """How texts become batches."""

    vocab: int = 8000
    """Largest number of word pieces."""
    positions: int = 128
    """Longest text in tokens; longer ones are cut."""
    batch: int = 64
    """Texts in a batch."""
    word_dropout: float = 0.0
    """Share of the training tokens that are replaced by [UNK], drawn anew at each step."""
    buckets: int = 4
    """Widths that batches come in; each is a compilation in JAX."""


@dataclass(frozen=True)
class Config:
    """One run."""

    family: tyro.conf.Suppress[Literal["classifier", "bert", "gpt"]] = "classifier"
    """Which model."""
    data: Literal["polarity", "ag_news", "ag_news_10k", "shakespeare", "embedded"] = "polarity"
    """Film reviews, news (the whole, or a sample of 10,000), Shakespeare; embedded needs no download. The
    classifier reads labelled data (not shakespeare); bert and gpt read any but polarity."""
    text: Text = field(default_factory=Text)
    model: Model = field(default_factory=Model)
    init: str | None = None
    """Folder of a run of bert or gpt to begin a classifier with. Its sizes and tokenizer are taken."""
    pooling: Literal["first", "mean"] = "mean"
    """With init: bert's head reads the first token's vector, through the pooler, or the mean of all."""
    optimizer: Optimizer = field(default_factory=Optimizer)
    epochs: int = 10
    """Passes over the training split."""
    steps: int | None = None
    """Train for so many steps (updates) instead."""
    seed: int = 0
    """Of weights, batches and dropout."""

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Config":
        """Raises TypeError on a field that this version does not know."""
        sections = {"text": Text, "model": Model, "optimizer": Optimizer}
        return cls(**{k: sections[k](**v) if k in sections else v for k, v in fields.items()})

    def check(self) -> None:
        """Refuse what cannot be trained. Raises ConfigError naming the setting, its value and the remedy."""
        model, optimizer = self.model, self.optimizer
        for section in (model, self.text, self):
            for name, value in vars(section).items():
                if isinstance(value, int) and not isinstance(value, bool) and name != "seed" and value < 1:
                    raise ConfigError(f"{name}={value}: give 1 or more")
        for name in vars(model).keys() - SETTINGS[self.family]:
            value, default = getattr(model, name), getattr(Model(), name)
            if value != default:
                raise ConfigError(
                    f"{name}={value!r}: {self.family} has no such setting; leave it at {default!r}"
                )
        if self.family == "classifier" and model.position == "rotary":
            raise ConfigError(
                "position='rotary': only gpt has rotary positions; choose learned or sinusoidal"
            )
        if self.init is not None and self.family != "classifier":
            raise ConfigError(f"init={self.init!r}: only a classifier begins with another run; leave it out")
        if model.embed % model.heads:
            raise ConfigError(
                f"heads={model.heads} does not divide embed={model.embed}: each head needs the same "
                "width; choose embed as a multiple of heads"
            )
        if model.position == "sinusoidal" and model.embed % 2:
            raise ConfigError(f"embed={model.embed}: sinusoidal positions need an even width")
        if model.position == "rotary" and model.embed // model.heads % 2:
            raise ConfigError(
                f"embed={model.embed}, heads={model.heads}: rotary positions need heads of even width"
            )
        if model.kv_heads is not None and model.heads % model.kv_heads:
            raise ConfigError(
                f"kv_heads={model.kv_heads} does not divide heads={model.heads} into equal groups"
            )
        shares = {
            "dropout": model.dropout,
            "word_dropout": self.text.word_dropout,
            "warmup": optimizer.warmup,
            "beta1": optimizer.beta1,
            "beta2": optimizer.beta2,
            "smoothing": optimizer.smoothing,
        }
        for name, value in shares.items():
            if not 0.0 <= value < 1.0:
                raise ConfigError(f"{name}={value}: give a share from 0 up to, not including, 1")
        for name in ("learning_rate", "clip", "epsilon"):
            if not getattr(optimizer, name) > 0.0:
                raise ConfigError(f"{name}={getattr(optimizer, name)}: give a number above 0")
        if optimizer.accumulate < 1:
            raise ConfigError(f"accumulate={optimizer.accumulate}: give 1 or more")
        if optimizer.schedule == "triangular" and not optimizer.warmup:
            raise ConfigError("warmup=0.0: it is one side of schedule='triangular'; give a share above 0")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"seed={self.seed}: give a whole number from 0 to 2^32 - 1")


def model_settings(config: Config) -> dict[str, Any]:
    """The settings that the model of a family takes."""
    return {name: value for name, value in vars(config.model).items() if name in SETTINGS[config.family]}


def write_json(path: Path, value: Any) -> None:
    """Write JSON that a person can read."""
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
