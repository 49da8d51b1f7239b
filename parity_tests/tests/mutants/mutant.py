"""A mutation: a small mistake written into the sources, and the tests that must see it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """In the file ``path``, from the repository's root, ``old``, found exactly once, becomes ``new``."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A mistake by name: its edits, the tests that must fail under them, and, if they do not, the reason.

    ``tests`` are arguments of pytest, files or ids, as few and as fast as find it.
    """

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    survives: str = ""
