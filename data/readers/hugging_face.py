"""What `datasets` saved on disk (save_to_disk), by that library."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data.errors import DataError
from data.readers.folders import split_of
from data.readers.table import Row, Table


def is_saved(folder: Path) -> bool:
    """Whether a folder is a data set, or a dictionary of them, that `datasets` saved."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def read(folder: Path) -> dict[str, list[Table]]:
    """The tables in a folder by split; splits of other names are left out, and a single set is under "".

    Raises:
        DataError: there is no `datasets`, or it cannot read the folder.
    """
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            f"{folder} was saved by Hugging Face's datasets, which is not installed: pip install datasets."
        ) from error
    try:
        found = datasets.load_from_disk(str(folder))
    except Exception as error:  # whatever its file formats raise
        raise DataError(f"{folder} cannot be read by datasets ({error!s:.150}); save it again.") from error
    parts = found if isinstance(found, dict) else {"": found}
    tables = {split_of(name): [_table(folder, part)] for name, part in parts.items()}
    return {split: table for split, table in tables.items() if split or len(tables) == 1}


def _table(folder: Path, part: Any) -> Table:
    def rows(names: Sequence[str]) -> Iterator[Row]:
        labels = {name: part.features[name] for name in names if hasattr(part.features[name], "int2str")}
        for number, row in enumerate(part.select_columns(list(names)), 1):
            yield f"row {number}", tuple(_named(row[name], labels.get(name)) for name in names)

    files = tuple(sorted({Path(one["filename"]) for one in part.cache_files}))
    return Table(folder, files, tuple(part.column_names), rows)


def _named(value: Any, label: Any) -> Any:
    return label.int2str(value) if label is not None and isinstance(value, int) and value >= 0 else value
