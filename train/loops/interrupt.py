"""Signals that ask for the end: the step at hand is finished and saved, and the command says how to go on."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Ctrl-C, a scheduler's or a shutdown's, a closed terminal's; Windows has no SIGHUP.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupted(KeyboardInterrupt):
    """A signal asked for the end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Waiting:
    """A signal that waits until the step at hand is saved."""

    number: int | None = None

    def raise_now(self) -> None:
        """Raise Interrupted if there is one."""
        if self.number is not None:
            raise Interrupted(self.number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Each of the signals raises Interrupted, at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    with _handled(handle):
        yield


@contextmanager
def deferred() -> Iterator[Waiting]:
    """The first signal waits, for the loop to see between two steps; a second one raises at once."""
    waiting = Waiting()

    def handle(number: int, frame: FrameType | None) -> None:
        waiting.raise_now()
        waiting.number = number

    with _handled(handle):
        yield waiting


@contextmanager
def _handled(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """The signals go to ``handle``, but for those that the caller ignores, as nohup does."""
    if threading.current_thread() is not threading.main_thread():  # which alone may handle signals
        yield
        return
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
