"""What an exported folder says of its program, in export.json."""

from dataclasses import dataclass

from train.architecture import Architecture
from train.runs.errors import RunError

SCHEMA = 1
WORDS = "bert_for_masked_lm"  # whose program gives the words of all positions, not of those that are masked
# What can be a program of one text each, what it computes, and the axes of that.
OUTPUTS = {
    "classifier": ("the logits of the classes", "batch classes"),
    "bert_classifier": ("the logits of the classes", "batch classes"),
    "gpt_classifier": ("the logits of the classes", "batch classes"),
    "gpt": ("the logits of each position's next token, of a whole text at once", "batch position vocab"),
    WORDS: ("the logits of the token at each position", "batch position vocab"),
    "bert": ("a vector of each token", "batch position embed"),
}


def refuse_other(architecture: Architecture) -> None:
    """Raise RunError where a model is no function of one text each."""
    name = architecture.name
    if name == "encoder_decoder":
        raise RunError(
            "encoder_decoder: it writes token by token, which no one call of a program does: open it with "
            "twinformer.load"
        )
    if name not in OUTPUTS:
        raise RunError(f"{name}: it has several outputs; export it with --as hugging-face")


@dataclass(frozen=True)
class About:
    """A field is a key of the file."""

    schema: int
    model: str
    """One of `OUTPUTS`."""
    run: str
    """The name of the run's folder."""
    weights: str
    """Where in the run they were."""
    axes: str
    """Of what the program computes."""
    classes: tuple[str, ...]
    probabilities: str | None
    """What makes such of logits, "softmax" or "sigmoid"; None where these are of no classes."""
    max_positions: int
    """The most tokens of a text."""
    no_tokens: list[int]
    """The ids of a text without tokens."""
    packages: dict[str, str]
    """The versions that wrote it: later ones open it as their projects promise."""

    @property
    def what(self) -> str:
        """What the program computes, in words."""
        return OUTPUTS[self.model][0]
