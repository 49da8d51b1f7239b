"""How a run is carried out: run.json, the first file of its folder, by which one that ended is known."""

from dataclasses import asdict, dataclass
from pathlib import Path

from train.config import FRAMEWORKS, Framework
from train.loops.logs import SILENT, Logging
from train.loops.saving import DEFAULT, Saving
from train.runs import digests
from train.runs.durable import write_json
from train.runs.errors import RunError
from train.runs.untrusted import read_json

NAME = "run.json"


@dataclass(frozen=True)
class Plan:
    """What of a run is no setting of what it learns."""

    frameworks: tuple[Framework, ...]
    """Trained in this order."""
    skip_parity: bool = False
    """Whether nothing was proven before."""
    saving: Saving = DEFAULT
    """When checkpoints are written."""
    logging: Logging = SILENT
    """What else is written on the way."""

    def write(self, folder: Path) -> None:
        write_json(folder / NAME, digests.sealed(asdict(self)))


def is_planned(folder: Path) -> bool:
    """Whether a run of version 0.2 or later began in a folder."""
    return (folder / NAME).is_file()


def read_plan(folder: Path) -> Plan:
    """The plan of a run. Raises RunError where there is none, or none that can be used."""
    if not (folder / NAME).exists():
        raise RunError(
            f"{folder} has no {NAME}: no run, or one of version 0.1. That goes on in a new folder: name one "
            "after it"
        )
    fields = read_json(folder / NAME)
    if not digests.is_sealed(fields):
        raise RunError(f"{folder / NAME} was changed after it was written: bring back what it was")
    try:
        frameworks, saving = fields["frameworks"], Saving(**fields["saving"])
        if not frameworks or any(name not in FRAMEWORKS for name in frameworks):
            raise ValueError(f"frameworks {frameworks!r}")
        saving.check()
        logging = Logging(**fields.get("logging", {}))  # a plan of before says nothing of it
        return Plan(tuple(frameworks), bool(fields["skip_parity"]), saving, logging)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"{folder / NAME} does not say how a run is carried out: {error!r}") from error
