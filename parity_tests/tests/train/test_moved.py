"""What could be imported in version 0.1, and has moved, still can be, and is the same."""

from importlib import import_module

import pytest

MOVED = {
    "train.generate": ("train.runs.generate", "generate"),
    "train.schedule": ("train.loops.schedule", "learning_rate"),
    "parity_tests.compare": ("parity_tests.core.compare", "first_divergence"),
}


@pytest.mark.parametrize("before", MOVED)
def test_the_former_address_has_the_same_object(before: str) -> None:
    now, name = MOVED[before]
    assert getattr(import_module(before), name) is getattr(import_module(now), name)


def test_the_command_line_too() -> None:
    from train import cli
    from twinformer.cli import main

    assert cli.main is main
