"""What a recipe is."""

from dataclasses import dataclass

from train.config import Config


@dataclass(frozen=True)
class Recipe:
    """A configuration, and what came of it. Chosen on validation splits alone."""

    config: Config
    result: str
    """What it reaches on the test split; "not measured" where nobody looked."""
    begins: bool = False
    """Whether it begins with the weights of another run."""

    @property
    def name(self) -> str:
        """By family and data: "gpt-embedded"; "classifier-polarity-from" begins with another run."""
        return f"{self.config.family}-{self.config.data}" + ("-from" if self.begins else "")
