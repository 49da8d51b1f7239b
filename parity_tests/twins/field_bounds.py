"""The bounds of other projects' tests, as rules that judge outputs.

The figures stand in the files that are named, which were read in November 2026. All compare what a model
returns in evaluation mode, in float32, and nothing else.
"""

from dataclasses import dataclass

import numpy as np

from parity_tests.core.trace import Arrays


@dataclass(frozen=True)
class Close:
    """Every number within ``atol`` + ``rtol`` times the reference's magnitude, as numpy's allclose has it."""

    rtol: float
    atol: float

    def holds(self, reference: np.ndarray, candidate: np.ndarray) -> bool:
        return np.allclose(candidate, reference, self.rtol, self.atol)

    def __str__(self) -> str:
        return f"rtol {_power(self.rtol)}, atol {_power(self.atol)}"


@dataclass(frozen=True)
class Cosine:
    """The cosine of both arrays, each taken as one long vector, is above ``least``.

    With ``same_argmax``, the largest number along the last axis is at the same place too.
    """

    least: float
    same_argmax: bool = False

    def holds(self, reference: np.ndarray, candidate: np.ndarray) -> bool:
        if self.same_argmax and reference.ndim and np.any(reference.argmax(-1) != candidate.argmax(-1)):
            return False
        norms = np.linalg.norm(reference) * np.linalg.norm(candidate)
        return bool(np.vdot(reference, candidate) > self.least * norms)

    def __str__(self) -> str:
        return f"cosine > {self.least:g}" + ", the same argmax" * self.same_argmax


@dataclass(frozen=True)
class Rule:
    """A bound in use: whose, what they compare by it, the repository and file that it stands in."""

    project: str
    compares: str
    bound: Close | Cosine
    repository: str
    file: str

    @property
    def name(self) -> str:
        return f"{self.project}: {self.compares}"

    def passes(self, reference: Arrays, candidate: Arrays) -> bool:
        """Whether all outputs are the same by this bound."""
        return reference.keys() == candidate.keys() and all(
            array.shape == candidate[name].shape and self.bound.holds(array, candidate[name])
            for name, array in reference.items()
        )


_CS336, _BONSAI, _MOBIUS = "stanford-cs336/assignment1-basics", "jax-ml/bonsai", "onnxruntime/mobius"
_COMPONENTS = ".agents/skills/phi4mm-component-parity/SKILL.md"

RULES = (
    Rule("CS336", "a linear layer, an embedding", Close(1e-4, 1e-2), _CS336, "tests/conftest.py"),
    Rule("CS336", "a block", Close(1e-4, 1e-4), _CS336, "tests/test_model.py"),
    Rule("CS336", "logits", Close(1e-2, 1e-4), _CS336, "tests/test_model.py"),
    Rule(
        "MaxText",
        "layers of Llama 4",
        Close(1e-3, 5e-2),
        "AI-Hypercomputer/maxtext",
        "tests/unit/llama4_layers_test.py",
    ),
    Rule(
        "KerasHub",
        "logits of Mistral",
        Close(1e-7, 1e-3),
        "keras-team/keras-hub",
        "tools/checkpoint_conversion/convert_mistral_checkpoints.py",
    ),
    Rule(
        "Tunix",
        "logits of Gemma 4",
        Close(1e-3, 1e-3),
        "google/tunix",
        "tests/models/gemma4/equivalence_test.py",
    ),
    Rule(
        "bonsai",
        "the encoder of Gemma 3",
        Close(1e-2, 1e-2),
        _BONSAI,
        "bonsai/models/gemma3/tests/test_outputs_gemma3.py",
    ),
    Rule(
        "bonsai",
        "logits of Llama 3.2",
        Close(5e-2, 5e-2),
        _BONSAI,
        "bonsai/models/llama32/tests/test_outputs_llama32.py",
    ),
    Rule("mobius", "an encoder", Cosine(0.99), _MOBIUS, _COMPONENTS),
    Rule("mobius", "logits", Cosine(0.98, same_argmax=True), _MOBIUS, _COMPONENTS),
)


def _power(tolerance: float) -> str:
    """1e-2 rather than 1e-02."""
    return f"{tolerance:.0e}".replace("e-0", "e-")
