"""What is wrong with a folder: errors whose message names it, the reason and the remedy."""


class RunError(ValueError):
    """A folder that is no run, or already holds one; the message names it and the remedy."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names it, the reason and the remedy."""


class GoOn(str):
    """A note of an error: what is saved of a run, and the command that goes on. Frameworks add notes too."""
