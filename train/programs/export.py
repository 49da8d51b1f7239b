"""A run becomes a folder with its program in both frameworks, which runs where ours is not installed."""

from dataclasses import asdict
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from tokenizers import Tokenizer, processors

import data
from train.config import FRAMEWORKS
from train.programs.about import OUTPUTS, SCHEMA, About, refuse_other
from train.programs.check import check
from train.programs.readme import page
from train.runs import checkpoint
from train.runs.durable import write_json
from train.runs.errors import RunError
from train.runs.files import read_model
from train.runs.filling import filling
from train.runs.folder import checkpoint_folder
from train.runs.load import Run, load
from train.runs.predict import meaning_of
from train.runs.their_settings import KEPT, read_kept
from train.runs.used import refuse_used

PACKAGES = ("jax", "numpy", "tokenizers", "torch")


def export_program(source: Path, out: Path) -> None:
    """Write a run as a folder whose README.md opens it in JAX and in PyTorch, without Twinformer.

    The weights are those that `load` opens. Before the folder is there, the lines of its page have been run:
    they read texts as the run does, and compute what its model does in that framework.

    Raises RunError, CheckpointError or `data.DataError`, naming the file at fault or the model that is no
    program, and RunError where a program does not compute the same.
    """
    refuse_used(out)
    refuse_other(read_model(source)[0])
    run = load(source)
    about = _about(run)
    with filling(out) as folder:
        for framework in FRAMEWORKS:
            writer = import_module(f"train.programs.{framework}_program")
            writer.write(run.architecture, run.params, folder)
        data.save_tokenizer(_tokenizer(run), folder / "tokenizer.json")
        write_json(folder / "export.json", asdict(about))
        (folder / "README.md").write_text(page(about), "utf-8")
        check(run, folder)


def _about(run: Run) -> About:
    weights = checkpoint_folder(run.folder, run.framework) / checkpoint.NAME
    return About(
        schema=SCHEMA,
        model=run.architecture.name,
        run=run.folder.resolve().name,
        weights=weights.relative_to(run.folder).as_posix(),
        axes=OUTPUTS[run.architecture.name][1],
        classes=run.classes,
        probabilities=_probabilities(run),
        max_positions=run.architecture.config.max_positions,
        no_tokens=run.examples([""])[0].tolist(),
        packages={name: version(name) for name in PACKAGES},
    )


def _probabilities(run: Run) -> str | None:
    """The function's name that makes probabilities of logits."""
    if not run.classes:
        return None
    try:
        return meaning_of(read_kept(run.folder).get("problem_type"), run.classes, run.folder).__name__
    except RunError:  # a regression
        return None


def _tokenizer(run: Run) -> Tokenizer:
    """The run's tokenizer, which by itself cuts and marks a text as `Run.examples` does."""
    tokenizer = Tokenizer.from_str(run.tokenizer.to_str())
    name = run.architecture.name
    if not (run.folder / KEPT).exists() and name != "gpt":
        begin, end = (data.SPECIAL_TOKENS[number] for number in (data.CLS_ID, data.SEP_ID))
        marks = [begin, end] if name.startswith("bert") else []
        tokenizer.post_processor = processors.TemplateProcessing(
            single=" $A ".join(marks) or "$A",
            special_tokens=[(mark, tokenizer.token_to_id(mark)) for mark in marks],
        )
    tokenizer.enable_truncation(run.architecture.config.max_positions)
    return tokenizer
