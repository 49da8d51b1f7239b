"""In which order a model uses its weights: that of the parts that own them."""

from collections.abc import Mapping, Sequence

from torch_impl.convert.row import torch_path

Shapes = Mapping[str, tuple[int, ...]]


def in_order_of_use(shapes: Shapes, parts: Sequence[str]) -> Shapes:
    """The shapes in the order in which the parts ran that own the weights, as far as these were heard."""
    order = Uses(parts)
    return dict(sorted(shapes.items(), key=lambda item: order.place(item[0])))


class Uses:
    """The places of parts in the order of execution."""

    def __init__(self, parts: Sequence[str]) -> None:
        self._places: dict[str, int] = {}
        for place, part in enumerate(parts):
            self._places.setdefault(torch_path(part), place)

    def place(self, weight: str) -> int:
        """Of the part that owns a weight, or of what that lies in; before all where neither was heard."""
        path = torch_path(weight).split(".")
        owners = (".".join(path[:end]) for end in range(len(path) - 1, 0, -1))
        return next((self._places[owner] for owner in owners if owner in self._places), -1)
