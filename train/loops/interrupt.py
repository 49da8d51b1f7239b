"""Ctrl-C in training: the step at hand is finished and saved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Interrupt:
    """Whether the user asked for the end."""

    asked: bool = False


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Ctrl-C sets ``asked``, for the loop to see between two steps; a second one interrupts at once."""
    interrupt = Interrupt()

    def handle(number: int, frame: FrameType | None) -> None:
        if interrupt.asked:
            raise KeyboardInterrupt
        interrupt.asked = True

    if threading.current_thread() is not threading.main_thread():  # which alone may handle signals
        yield interrupt
        return
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
