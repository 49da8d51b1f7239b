"""A model by name: what exists in both implementations, with the arguments that build it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Architecture:
    """``target`` is "file.name" in both implementations; an argument may be an architecture again, a part."""

    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def build(self, package: str) -> Any:
        """The module, or the function with its arguments held, from "jax_impl" or "torch_impl"."""
        file, name = self.target.split(".")
        found = getattr(import_module(f"{package}.{file}"), name)
        built = {
            name: value.build(package) if isinstance(value, Architecture) else value
            for name, value in self.arguments.items()
        }
        return found(**built) if isinstance(found, type) else partial(found, **built)

    def flat(self) -> dict[str, Any]:
        """All arguments, those of its parts among them."""
        flat: dict[str, Any] = {}
        for name, value in self.arguments.items():
            flat |= value.flat() if isinstance(value, Architecture) else {name: value}
        return flat

    def to_json(self) -> dict[str, Any]:
        arguments = {
            name: value.to_json() if isinstance(value, Architecture) else value
            for name, value in self.arguments.items()
        }
        return {"target": self.target, "arguments": arguments}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Architecture":
        """Raises KeyError where ``fields`` is not what `to_json` gave."""
        arguments = {
            name: cls.from_json(value) if isinstance(value, Mapping) else value
            for name, value in fields["arguments"].items()
        }
        return cls(fields["target"], arguments)
