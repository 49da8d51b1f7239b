"""What a run writes on the way, and how often."""

from dataclasses import dataclass

from train.config import ConfigError


@dataclass(frozen=True)
class Logging:
    """Besides the progress bar, and metrics.jsonl."""

    tensorboard: bool = False
    """Whether what metrics.jsonl holds is written as TensorBoard's events too."""
    log_every: int = 1
    """Steps between two lines of metrics.jsonl, each of its own step; the first and the last have one."""
    sample_every: int = 0
    """Steps after which a GPT writes on from the prompt; 0: never."""
    prompt: str = ""
    """What it goes on from; an empty one begins a new text."""

    def writes(self, step: int, steps: int) -> bool:
        """Whether a step, counted from 0, has a line."""
        return (step + 1) % self.log_every == 0 or step in (0, steps - 1)

    def check(self, family: str) -> None:
        """Raise ConfigError naming the setting, its value and the remedy."""
        if self.log_every < 1:
            raise ConfigError(f"log_every={self.log_every}: give 1 or more")
        if self.sample_every < 0:
            raise ConfigError(f"sample_every={self.sample_every}: give 0 (never) or more")
        if self.sample_every and family != "gpt":
            raise ConfigError(f"sample_every={self.sample_every}: {family} writes no text; leave it out")
        if self.prompt and not self.sample_every:
            raise ConfigError(f"prompt={self.prompt!r}: goes with sample_every; give that too")
        if self.tensorboard:
            try:
                import train.runs.events  # noqa: F401
            except ImportError as error:
                raise ConfigError(
                    f"tensorboard=True: {error}; install it with pip install 'twinformer[tensorboard]', or "
                    "leave the option out"
                ) from error


SILENT = Logging()
