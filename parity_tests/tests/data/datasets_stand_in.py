"""As much of Hugging Face's `datasets` as is asked of it, with data sets that tests give."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Columns = Mapping[str, list[Any]]


class Names:
    """Of classes, as ClassLabel has them."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def int2str(self, value: int) -> str:
        return self.names[value]


class Picture:
    """A column that nobody may read."""

    def decode_example(self, value: Any) -> Any:
        raise AssertionError(value)


@dataclass
class Part:
    """A split, in memory; of a picture there is no more than that it is one."""

    columns: Columns
    features: dict[str, Any] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        self.column_names = list(self.columns)
        self.features = {name: self.features.get(name) for name in self.columns}
        self.cache_files = [{"filename": str(path)} for path in self.files]

    def select_columns(self, names: list[str]) -> "Part":
        return replace(self, columns={name: self.columns[name] for name in names})

    def iter(self, size: int) -> Iterator[Columns]:
        assert not any(isinstance(self.features[name], Picture) for name in self.columns)
        rows = len(next(iter(self.columns.values())))
        for begin in range(0, rows, size):
            yield {name: values[begin : begin + size] for name, values in self.columns.items()}


def installed(
    monkeypatch: pytest.MonkeyPatch, load: Callable[..., Any], version: str = "4.0.0"
) -> list[tuple[Any, ...]]:
    """Put the stand-in where `import datasets` finds it; what is asked of ``load`` is listed."""
    asked: list[tuple[Any, ...]] = []

    def load_dataset(*arguments: Any) -> Any:
        asked.append(arguments)
        return load(*arguments)

    library: Any = ModuleType("datasets")
    library.load_dataset = library.load_from_disk = load_dataset
    library.__version__ = version
    monkeypatch.setitem(sys.modules, "datasets", library)
    return asked
