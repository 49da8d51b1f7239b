"""float32 inside the parts of third parties: in a run in float64 it is float64, and said.

`transformers` takes its norms, softmax and angles in float32 whatever the dtype. Such a part has seven digits
in a run that is to have sixteen, and no port could agree with it.
"""

import sysconfig
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_INSTALLED = Path(sysconfig.get_path("purelib"))


class Widening(TorchFunctionMode):
    """float64 wherever the part that runs asks for float32; ``parts`` are those that did."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, None] = {}
        self._running: list[str] = []

    def watch(self, module: torch.nn.Module) -> None:
        """Widen what runs inside the parts of a model that third parties wrote."""
        for name, part in module.named_modules():
            if is_third_party(type(part)):
                self._widen_angles(name, part)
                part.register_forward_pre_hook(lambda *_, name=name: self._running.append(name))
                part.register_forward_hook(lambda *_: (self._running.pop(), None)[1], always_call=True)

    def _widen_angles(self, name: str, part: Any) -> None:
        """The frequencies of rotary positions, which `transformers` computes once, where they are its own."""
        narrow = getattr(part, "inv_freq", None)
        if isinstance(narrow, torch.Tensor) and hasattr(part, "config"):
            self._running.append(name)
            wide = type(part)(part.config).inv_freq
            self._running.pop()
            if wide.shape == narrow.shape and torch.allclose(wide, narrow.to(wide), rtol=1e-6, atol=0.0):
                part.inv_freq = wide

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        asked = [torch.float32 if function is torch.Tensor.float else None, *args, *kwargs.values()]
        if self._running and any(item is torch.float32 for item in asked):
            self.parts[self._running[-1]] = None
            function = torch.Tensor.double if function is torch.Tensor.float else function
            args = [_wide(item) for item in args]
            kwargs = {name: _wide(item) for name, item in kwargs.items()}
        return function(*args, **kwargs)


def is_third_party(kind: type) -> bool:
    """Whether a class is of an installed package, other than PyTorch."""
    package = kind.__module__.partition(".")[0]
    return package != "torch" and ((_INSTALLED / package).exists() or (_INSTALLED / f"{package}.py").exists())


def _wide(item: Any) -> Any:
    return torch.float64 if item is torch.float32 else item
