"""How far a tree of continuations grows."""

from dataclasses import dataclass

from train.config import ConfigError

NODES = 10_000  # of a tree that a page can show
DEEPEST = 64  # tokens of a branch


@dataclass(frozen=True)
class Growth:
    """How far a tree grows."""

    branch: int = 3
    """The likeliest tokens that are followed after each."""
    depth: int = 6
    """Tokens from the prompt to a leaf."""
    threshold: float = 0.001
    """A branch whose mass is less is not followed further."""

    def check(self) -> None:
        """Raise ConfigError naming a setting of no use, its value and the remedy."""
        for name, most in (("branch", NODES), ("depth", DEEPEST)):
            if not 1 <= getattr(self, name) <= most:
                raise ConfigError(f"{name}={getattr(self, name)}: give 1 or more, up to {most:,}")
        if not 0.0 <= self.threshold < 1.0:
            raise ConfigError(f"threshold={self.threshold}: give a probability from 0 up to, and without, 1")
        if sum(self.rows(level) for level in range(self.depth)) * self.branch > NODES:
            raise ConfigError(
                f"branch={self.branch}, depth={self.depth}, threshold={self.threshold}: more than {NODES:,} "
                "nodes; give a smaller branch or depth, or a larger threshold"
            )

    def rows(self, level: int) -> int:
        """The most nodes of a level that can be followed: each has the threshold, and all together 1."""
        by_mass = int(1.0 / self.threshold) if self.threshold > 1.0 / NODES else NODES
        return min(self.branch**level, by_mass)
