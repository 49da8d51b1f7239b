"""Input that keeps up: batches made ahead of the step that takes them, in order, on a thread of their own."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

from data import Batch
from train.loops.backend import Stream

DEPTH = 2  # batches that are ready, or being made
HEARD = 1.0  # seconds after which a signal is heard that came just before the wait for a batch
GRACE = 5.0  # seconds that the thread has to finish the batch it is at, once nobody waits for it


class Ahead:
    """A stream of the batches of some numbers, each asked for once, in order."""

    def __init__(self, make: Stream, place: Callable[[Batch], Batch], numbers: range) -> None:
        self._make, self._place, self._numbers = make, place, numbers
        self._due = iter(numbers)
        self._ready: SimpleQueue[Batch | BaseException] = SimpleQueue()
        self._room, self._over = threading.Semaphore(DEPTH), threading.Event()
        # One that hangs, on a disk that is gone, must not keep the process: so a daemon.
        self._thread = threading.Thread(target=self._work, name="batches ahead", daemon=True)
        self.waited = 0.0
        """Seconds that were spent waiting for a batch."""

    def __call__(self, number: int) -> Batch:
        """The batch of this number, on the device. Raises what making it raised."""
        if number != (due := next(self._due, None)):
            raise ValueError(f"batch {number} was asked for, but {due} is the next of {self._numbers}")
        begun = time.perf_counter()
        batch = self._next()
        self.waited += time.perf_counter() - begun
        if isinstance(batch, BaseException):
            batch.add_note(f"while batch {number}, counted from 0, was made")
            raise batch
        self._room.release()
        return batch

    def _next(self) -> Batch | BaseException:
        while True:
            with suppress(Empty):
                return self._ready.get(timeout=HEARD)

    def _work(self) -> None:
        for number in self._numbers:
            self._room.acquire()
            if self._over.is_set():
                return
            try:
                self._ready.put(self._place(self._make(number)))
            except BaseException as error:  # raised again in the loop, which waits for it
                self._ready.put(error)
                return

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """No more batches are made."""
        self._over.set()
        self._room.release()
        self._thread.join(GRACE)


@contextmanager
def ahead(make: Stream, place: Callable[[Batch], Batch], numbers: range) -> Iterator[Ahead]:
    """The batches that ``make`` gives for these numbers, brought to the device by ``place``, made ahead.

    The thread ends with the context, after the batch that it is at.
    """
    stream = Ahead(make, place, numbers)
    stream.start()
    try:
        yield stream
    finally:
        stream.end()
