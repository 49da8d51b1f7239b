"""What a run keeps of one's own data (data.json): where it lay, its digest, and what was found in it."""

from pathlib import Path

from data.sets.found import Found
from data.sets.own import Reading, digest, place_of
from train.config import Config
from train.runs import digests
from train.runs.durable import write_json
from train.runs.errors import RunError
from train.runs.files import read_json

NAME = "data.json"


def write(folder: Path, found: Found) -> None:
    write_json(folder / NAME, digests.sealed(found.to_json()))


def refuse_changed(folder: Path, config: Config, data_dir: Path | None) -> None:
    """Raise RunError where a run's own data is not what it was, `data.DataError` where it is nowhere."""
    if not config.own:
        return
    kept = read_json(folder / NAME, f"{folder} does not say what its data was")
    path = place_of(config.data, data_dir)
    if digest(path, reading(config), config.family == "classifier") != kept.get("sha256"):
        raise RunError(
            f"{path} is not what {folder} was trained on: it has changed since, so texts held out then "
            "may be trained on now; bring back what it was (give its folder with --data-dir), or train anew"
        )


def reading(config: Config) -> Reading:
    """How the configuration has one's own data read."""
    return Reading(config.text_column, config.label_column, config.encoding, config.documents)
