"""Branches of one prompt, read in PyTorch."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from torch_impl.cache import Cache, KeyValue
from torch_impl.gpt import GPT
from train.runs.checkpoint import Arrays


class Branches:
    """See `study.play.multiverse.Branches`; no row may have more than ``capacity`` tokens."""

    def __init__(self, model: GPT, params: Arrays, capacity: int) -> None:
        self._model, self._capacity = model, capacity  # the model holds its weights

    def read(self, prompt: Int[np.ndarray, "position"]) -> Float[np.ndarray, "batch vocab"]:
        cache = self._model.empty_cache(1, self._capacity, self._model.table().dtype)
        return self._step(self._ids(prompt)[None], cache)

    def extend(
        self, parents: Int[np.ndarray, "batch"], tokens: Int[np.ndarray, "batch"]
    ) -> Float[np.ndarray, "batch vocab"]:
        rows = self._ids(parents)
        copies = tuple(KeyValue(*(array[rows] for array in layer)) for layer in self._cache.layers)
        return self._step(self._ids(tokens)[:, None], Cache(self._cache.length, copies))

    @torch.no_grad()
    def _step(self, ids: Tensor, cache: Cache) -> np.ndarray:
        logits, self._cache = self._model.step(ids, cache)
        return logits[:, -1].cpu().numpy()

    def _ids(self, numbers: np.ndarray) -> Tensor:
        return torch.tensor(numbers, dtype=torch.int64, device=self._model.table().device)
