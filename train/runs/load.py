"""Opening a run: its model, weights and tokenizer, in either framework."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

import data
from train.architecture import Architecture
from train.config import FRAMEWORKS, Framework
from train.loops.backend import Outputs, backend
from train.runs import checkpoint
from train.runs.continuations import continuations
from train.runs.files import RunError, check_writes, read_model
from train.runs.folder import checkpoint_folder
from train.runs.inputs import checked, inputs_of
from train.runs.predict import (
    Prediction,
    logits_of,
    meaning_of,
    prediction,
    softmax,
    texts_of,
    with_own_marks,
)
from train.runs.sampling import Sampling
from train.runs.their_settings import KEPT, ends_of, read_kept

MASKS = (data.SPECIAL_TOKENS[data.MASK_ID], "<mask>")  # ours and BERT's, RoBERTa's


@dataclass(frozen=True, repr=False, eq=False)
class Run:
    """A trained run, opened in one framework."""

    folder: Path
    framework: Framework
    """The one that computes, "jax" or "torch"."""
    architecture: Architecture
    classes: tuple[str, ...]
    """The names of what a classifier tells apart; none of other models."""
    tokenizer: Tokenizer
    model: Any
    """The model of jax_impl or torch_impl; PyTorch's holds its weights."""
    params: checkpoint.Arrays
    """The weights, flat, in Flax's names and layout: "blocks_0/attention/query/kernel"."""
    outputs: Outputs
    """The model's inputs, in its order, to what it returns: logits from (ids, mask) of a classifier,
    (ids, mask, masked_positions) of BERT, (ids,) of GPT, (source, target, source_mask) of an encoder-decoder;
    masks are True at real tokens. ValueError: inputs of another number, dtype or shape, and ids outside the
    vocabulary."""

    def predict(self, texts: str | Sequence[str]) -> list[Prediction]:
        """How likely each class is for each text. A text too long for the model is cut.

        ``train.load("runs/polarity").predict("A film to remember.")[0].label`` is the likeliest class.

        An imported classifier whose classes do not exclude each other gives each its own probability. Raises
        RunError where the run is no classifier, or gives a number, and ValueError on what is no text.
        """
        if not self.classes:
            raise RunError(f"{self.folder} holds a {self.architecture.name}, which tells no classes apart")
        if not (texts := texts_of(texts)):
            return []
        meaning = meaning_of(read_kept(self.folder).get("problem_type"), self.classes, self.folder)
        logits = logits_of(self.outputs, self.examples(texts), self.architecture.config.max_positions)
        return [prediction(text, row, self.classes, meaning) for text, row in zip(texts, logits, strict=True)]

    def examples(self, texts: Sequence[str]) -> data.Examples:
        """The token ids that the model reads of each text, cut to its positions."""
        name, positions = self.architecture.name, self.architecture.config.max_positions
        if (self.folder / KEPT).exists() or name == "gpt":
            return with_own_marks(self.tokenizer, list(texts), positions)
        marked = name.startswith("bert")  # [CLS] and [SEP] around each text
        return data.encode(self.tokenizer, texts, positions, marked).examples

    def generate(self, prompts: str | Sequence[str], **settings: Any) -> list[str]:
        """What the model writes after each prompt; the settings are those of `Sampling`.

        ``train.load("runs/gpt").generate("The class", temperature=0.7, new=40)[0]`` goes on from "The class".

        Raises RunError where the run is no GPT, ConfigError on a prompt that is too long and on a setting of
        no use, and ValueError on what is no text.
        """
        check_writes(self.folder, self.architecture)
        loop, sampling = backend(self.framework), Sampling(**settings)
        ends, prompts = ends_of(self.folder, self.tokenizer), texts_of(prompts)
        return continuations(loop, self.model, self.params, self.tokenizer, prompts, sampling, ends)

    def fill_mask(self, text: str, top: int = 5) -> list[dict[str, float]]:
        """For each [MASK] in the text (RoBERTa's <mask>), the ``top`` likeliest tokens, with probabilities.

        Raises RunError where the run is no BERT with its head, and ValueError on a text without a mask.
        """
        if self.architecture.name != "bert_for_masked_lm":
            raise RunError(f"{self.folder} holds a {self.architecture.name}, which fills no masks in")
        positions = self.architecture.config.max_positions
        known = {token: self.tokenizer.token_to_id(token) for token in MASKS}
        (ids,) = data.encode(self.tokenizer, texts_of(text), positions, marked=True).examples
        masked = np.flatnonzero(np.isin(ids, [number for number in known.values() if number is not None]))
        if not len(masked):
            names = " or ".join(token for token, number in known.items() if number is not None)
            raise ValueError(f"{text!r} has no {names or 'mask, nor has the tokenizer one,'} to fill in")
        (logits,) = self.outputs(ids[None], np.ones((1, len(ids)), bool), masked[None])
        rows = [(row, np.argsort(-row)[:top]) for row in map(softmax, logits)]
        return [{str(self.tokenizer.id_to_token(n)): float(row[n]) for n in best} for row, best in rows]

    def __repr__(self) -> str:
        return f"<run {self.folder}: {', '.join(self._facts().values())}>"

    def _repr_html_(self) -> str:
        """A small table, as notebooks show it."""
        facts = {"run": str(self.folder), **self._facts()}
        cells = (f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in facts.items())
        return f"<table>{''.join(cells)}</table>"

    def _facts(self) -> dict[str, str]:
        size = sum(array.size for array in self.params.values())
        facts = {"model": self.architecture.name, "size": f"{size:,} parameters"}
        if self.classes:
            facts["classes"] = f"{len(self.classes)} classes"
        return facts | {"framework": f"in {self.framework}"}


def load(folder: str | Path, framework: Framework = "jax") -> Run:
    """Open a run in "jax" or "torch", whichever of the two trained it.

    ``train.load("runs/polarity", "torch").outputs(ids, mask)`` gives logits (batch classes).

    Raises RunError or checkpoint.CheckpointError naming the file at fault.
    """
    folder = Path(folder)
    if framework not in FRAMEWORKS:
        raise RunError(f"framework={framework!r}: choose one of {', '.join(FRAMEWORKS)}")
    architecture, classes = read_model(folder)
    tokenizer = data.load_tokenizer(folder / "tokenizer.json")
    loop = backend(framework)
    place = checkpoint_folder(folder, framework)
    checkpoint.refuse_unlike(place, architecture.config, folder)
    params = checkpoint.load(place, loop.parameter_shapes(architecture), folder)
    model = loop.build_model(architecture)
    unchecked, expected = loop.outputs(model, params), inputs_of(model)

    def outputs(*inputs: Any) -> Any:
        return unchecked(*checked(expected, inputs, architecture.config))

    return Run(folder, framework, architecture, classes, tokenizer, model, params, outputs)
