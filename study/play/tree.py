"""A tree of continuations: what each token's probability is, and where the mass goes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from study.attention.heads import shown
from study.play.growth import Growth
from study.play.language import Language


@dataclass(eq=False)
class Node:
    """A token after those above it."""

    token: int
    probability: float
    """P(token | prompt and all above)."""
    mass: float
    """P(this and all above | prompt): the product of their probabilities."""
    path: tuple[int, ...]
    """The tokens from the prompt's end to this one."""
    entropy: float | None = None
    """Of what follows, over the whole vocabulary, in nats; None where nothing was asked to follow."""
    pruned: float = 0.0
    """The mass of all that may follow and is not in the tree."""
    children: list["Node"] = field(default_factory=list)

    def walk(self) -> Iterator["Node"]:
        """This and all below."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, eq=False)
class Tree:
    """What may follow a prompt. The mass of all leaves, and what is ``pruned`` of all nodes, add up to 1."""

    language: Language
    prompt: str
    before: tuple[int, ...]
    """The prompt's tokens."""
    growth: Growth
    root: Node
    """The prompt's last token, after which nothing is left to chance."""

    @property
    def leaves(self) -> list[Node]:
        """The likeliest first."""
        return sorted((node for node in self.root.walk() if not node.children), key=lambda node: -node.mass)

    @property
    def pruned(self) -> float:
        """The mass of all that is not in the tree."""
        return sum(node.pruned for node in self.root.walk())

    def text(self, node: Node) -> str:
        """The continuation up to a node, as it stands behind the prompt: with the space before it, if any."""
        before = self.language.decode(self.before)
        whole = self.language.decode([*self.before, *node.path])
        return whole[len(before) :] if whole.startswith(before) else self.language.decode(node.path)

    def to_json(self) -> dict[str, Any]:
        kept = sum(node.mass for node in self.leaves)
        about = {"prompt": self.prompt, **vars(self.growth), "leaves": kept, "pruned": self.pruned}
        return about | {"root": self._json(self.root)}

    def _json(self, node: Node) -> dict[str, Any]:
        return {
            "token": shown(self.language.tokenizer, node.token),
            "id": node.token,
            "text": self.text(node),
            "probability": node.probability,
            "mass": node.mass,
            "entropy": node.entropy,
            "pruned": node.pruned,
            "end": bool(node.path) and node.token in self.language.ends.ends,
            "children": [self._json(child) for child in node.children],
        }
