"""What a run writes on the way, and how often."""

from dataclasses import dataclass

from train.config import ConfigError


@dataclass(frozen=True)
class Logging:
    """Besides the progress bar, and metrics.jsonl."""

    tensorboard: bool = False
    """Whether what metrics.jsonl holds is written as TensorBoard's events too."""

    def check(self) -> None:
        """Raise ConfigError naming the setting, its value and the remedy."""
        if self.tensorboard:
            try:
                import train.runs.events  # noqa: F401
            except ImportError as error:
                raise ConfigError(
                    f"tensorboard=True: {error}; install it with pip install 'twinformer[tensorboard]', or "
                    "leave the option out"
                ) from error


SILENT = Logging()
