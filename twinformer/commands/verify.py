"""``twinformer verify``."""

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Verify:
    """Show for each file of a run whether it is as it was written, down to every tensor."""

    run: tyro.conf.Positional[Path]
    """The run's folder."""

    def carry_out(self, console: Console) -> int:
        from train.runs.verify import verify

        findings = verify(self.run)
        table = Table(box=None, pad_edge=False)
        table.add_column("file", no_wrap=True)
        table.add_column("what was found")
        for finding in findings:
            table.add_row(finding.file, finding.text, style="bold red" if finding.wrong else "")
        console.print(table)
        return 1 if any(finding.wrong for finding in findings) else 0
