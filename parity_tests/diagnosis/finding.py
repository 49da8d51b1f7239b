"""What was found, in words: what the candidate does, what the reference does, and what to change."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from parity_tests.diagnosis.search import Difference, Explanation

LISTED = 4  # places of a sentence; `to_json` has them all
ROW = "correct its row of the table"

# By what differs: what the candidate does, and what to change.
SENTENCES: dict[str, tuple[str, str]] = {
    "eps": ("computes with eps {theirs:g}, the reference with {ours:g}", "set {eps}={ours:g}"),
    "norm": ("is a {theirs}, in the reference a {ours}", ""),
    "variance": ("takes the {theirs} variance, the reference the {ours}", ""),
    "scale": ("multiplies by {theirs}, the reference by {ours}", ""),
    "bias": ("has its bias {theirs}, the reference {ours}", ""),
    "activation": ("comes through {theirs}, in the reference through {ours}", "take {ours}{approximate}"),
    "a query sees": ("lets a query see {theirs}, the reference {ours}", "correct the mask"),
    "scale of the scores": ("multiplies the scores by {theirs}, the reference by {ours}", ""),
    "heads are split": ("splits what the heads read as ({theirs}), the reference as ({ours})", ""),
    "heads are merged": ("merges what the heads return as ({theirs}), the reference as ({ours})", ""),
    "rotary positions": ("turns by rotary positions in {theirs}, the reference in {ours}", ""),
    "softmax is taken": ("takes the softmax {theirs}, the reference {ours}", ""),
    "softmax in": ("takes the softmax in {theirs}, in a run in {ours}", "do not fix a dtype there"),
    "kernel": ("has its kernel {theirs}, the reference {ours}", ROW),
    "kernel of the output": ("has the kernel of its output {theirs}, the reference {ours}", ROW),
    "kernels of queries, keys and values": (
        "has the kernels of its queries, keys and values {theirs}, the reference {ours}",
        ROW,
    ),
    "order of the kernel's rows": ("has what its kernel reads as {theirs}, the reference {ours}", ROW),
    "order of the kernel's columns": ("has what its kernel returns as {theirs}, the reference {ours}", ROW),
    "precision": ("is rounded to {theirs}, in a run in {ours}", "do not fix a dtype there"),
    "rows of the table": ("takes rows {theirs} of its table, in the reference {ours}", "correct the ids"),
    "factor of the table": ("multiplies its table by {theirs}, the reference by {ours}", ""),
    "keys and values are shared": ("shares keys and values {theirs}, the reference {ours}", ""),
    "sum": ("is {theirs}, in the reference {ours}", ""),
    "dropout": ("has dropout at a rate of {theirs}, the reference none", "set deterministic=True"),
    "statistics": ("normalises by {theirs} for {ours}", "evaluate it, with the reference's buffers"),
    "pooling": ("comes through a pooling by {theirs}, in the reference by {ours}", ""),
    "padding": ("pads by {theirs}, the reference by {ours}", "set padding={ours}"),
    "flattened as": ("is flattened as ({theirs}), in the reference as ({ours})", "move the axes before"),
}
GENERAL = ("has {what}: {theirs}; the reference: {ours}", "")


@dataclass(frozen=True)
class Finding:
    """A mistake that gives the candidate's numbers, and the places where it does.

    ``explanations`` has more than one where the numbers cannot tell alternatives apart. A difference has
    ``what``, and its value in the candidate (``theirs``) and in the reference (``ours``).
    """

    places: Sequence[str]
    explanations: Sequence[Explanation]
    framework: str
    """The candidate's."""

    @property
    def text(self) -> str:
        first, *others = self.places
        told = "; or ".join(
            " and ".join(self._sentence(difference) for difference in explanation)
            for explanation in self.explanations
        )
        more = f" and {len(others) - LISTED} more" if len(others) > LISTED else ""
        return f"{first} {told}" + (f" (also {', '.join(others[:LISTED])}{more})" if others else "")

    def to_json(self) -> dict[str, Any]:
        """ "places", "text", and "explanations", each a list of differences."""
        return {
            "places": list(self.places),
            "explanations": [[asdict(item) for item in explanation] for explanation in self.explanations],
            "text": self.text,
        }

    def _sentence(self, difference: Difference) -> str:
        found, change = SENTENCES.get(difference.what, GENERAL)
        words = asdict(difference) | {"eps": "epsilon" if self.framework == "flax" else "eps"}
        gelu = self.framework == "flax" and str(difference.ours).endswith(" GELU")
        words["approximate"] = f": approximate={difference.ours == 'tanh GELU'}" if gelu else ""
        return "; ".join(filter(None, (found.format(**words), change.format(**words))))
