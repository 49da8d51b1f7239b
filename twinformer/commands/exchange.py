"""``twinformer import`` and ``twinformer export``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console


@dataclass(frozen=True)
class Import:
    """Make a run of a Hugging Face checkpoint: BERT, GPT-2, GPT or Llama."""

    source: tyro.conf.Positional[Path]
    """Folder with config.json, a tokenizer, and model.safetensors or pytorch_model.bin, or shards."""
    out: tyro.conf.Positional[Path]
    """The run's folder, new or empty."""

    def carry_out(self, console: Console) -> int:
        from train.runs.files import read_json
        from train.runs.used import refuse_used

        refuse_used(self.out)
        read_json(self.source / "config.json", f"{self.source} is no checkpoint")

        from train.runs.generation_config import asked
        from train.runs.hugging_face import import_run

        model = import_run(self.source, self.out)
        console.print(f"{self.out} holds a {model.name}: {model.config}")
        if said := asked(self.out):
            note = f"Of how it writes its files say {said}: twinformer generate has it as you ask."
            console.print(note, markup=False)
        return 0


@dataclass(frozen=True)
class Export:
    """Write a run as a folder that transformers opens, or that runs with PyTorch or JAX alone.

    twinformer export runs/classifier-mine-0 exported
    """

    run: tyro.conf.Positional[Path]
    """The run's folder."""
    out: tyro.conf.Positional[Path]
    """The folder to write, new or empty."""
    form: Annotated[Literal["hugging-face", "program"] | None, tyro.conf.arg(name="as")] = None
    """What to write. Default: hugging-face where a model there computes the same, else program."""

    def carry_out(self, console: Console) -> int:
        from train.runs.files import read_model
        from train.runs.used import refuse_used

        refuse_used(self.out)
        architecture = read_model(self.run)[0]

        from train.runs.hugging_face import export_run, has_counterpart

        if self.form == "hugging-face" or (self.form is None and has_counterpart(architecture)):
            console.print(f"{self.out} opens as {export_run(self.run, self.out)}.from_pretrained")
            return 0

        from train.programs.export import export_program

        export_program(self.run, self.out)
        why = "" if self.form else f"no model at Hugging Face computes this {architecture.name}, so "
        page = self.out / "README.md"
        console.print(f"{why}{self.out} is a program: {page} opens it in JAX and in PyTorch")
        return 0
