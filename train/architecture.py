"""A model by name and settings, as a run's folder keeps it; either framework builds it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from jax_impl.config import CONFIGS, EmbeddingConfig, from_json
from train.runs.legacy import upgraded_model

SCHEMA = 3  # of model.json; 1 had a target and arguments, 2 checkpoints without digests


@dataclass(frozen=True)
class Architecture:
    """``name`` is one of `jax_impl.models.MODELS`, and of torch_impl's."""

    name: str
    config: EmbeddingConfig

    def build(self, package: str) -> Any:
        """The module of "jax_impl" or "torch_impl"; only that one is imported."""
        configs, models = import_module(f"{package}.config"), import_module(f"{package}.models")
        return models.MODELS[self.name](configs.from_json(configs.CONFIGS[self.name], asdict(self.config)))

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "model": self.name, "config": asdict(self.config)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Architecture":
        """Raises KeyError, TypeError or ValueError where ``fields`` is not what `to_json` gave."""
        fields = upgraded_model(fields)
        if fields["schema"] not in (2, SCHEMA):
            raise ValueError(f"schema {fields['schema']!r}: this version reads {SCHEMA} and what came before")
        return cls(fields["model"], from_json(CONFIGS[fields["model"]], fields["config"]))
