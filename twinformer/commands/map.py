"""``twinformer map``."""

from dataclasses import dataclass

import tyro
from rich.console import Console


@dataclass(frozen=True)
class Map:
    """Find the table of weights between two models of your own, and print it as code to keep.

    twinformer map port.py > table.py

    The files are run. What no run can tell apart is marked as unproven. docs/porting.md says how it is found.
    """

    reference: tyro.conf.Positional[str]
    """FILE.py, or FILE.py:NAME of what it calls so; a folder of Hugging Face, or hf:NAME."""
    candidate: tyro.conf.Positional[str | None] = None
    """FILE.py, or FILE.py:NAME; by default in the reference's file."""
    inputs: str | None = None
    """FILE.py, or FILE.py:NAME; by default in the candidate's file."""

    def carry_out(self, console: Console) -> int:
        from parity_tests.pair_file import map_files

        with Console(stderr=True).status("running both models"):
            table = map_files(self.reference, self.candidate, self.inputs)
        # Code, which a file of Python may hold as it is: lines are not to be broken.
        print(f"# {table.summary}\nfrom parity_tests.pair import Row\n\n{table}")
        return 0
