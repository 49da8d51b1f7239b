"""A function of many things, computed by several processes, with the results in the order of the things.

They are spawned: a copy of a process that has threads, as JAX has, may hang. Each imports what it needs.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from glob import glob
from multiprocessing.connection import wait
from typing import Any

from train.sizes import cores, memory
from twinformer import compile_cache

Map = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[Any]]

BYTES = 2**30  # that a process takes with both frameworks, at most
EACH = 8  # things at least for each process, which takes seconds to start
# What one process takes as a whole, by the files that drivers make.
ACCELERATORS = ("/dev/nvidia[0-9]*", "/dev/kfd", "/dev/accel*", "/dev/vfio/[0-9]*")


class ProcessDied(RuntimeError):
    """One of the processes ended before it had answered."""


@contextmanager
def mapped_by(count: int) -> Iterator[Map]:
    """`map` by ``count`` processes, which start when it is called and end with the block, done or not.

    By one, it is this process. Raises ProcessDied.
    """
    if count < 2:
        yield map
        return
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin)

    def mapped(function: Callable[[Any], Any], things: Sequence[Any]) -> Iterator[Any]:
        with _interrupts_ignored():  # which the processes inherit: Ctrl-C is for this one, which ends them
            futures = [pool.submit(function, thing) for thing in things]
        try:
            for future in futures:
                yield future.result()
        except BrokenProcessPool as error:
            raise ProcessDied(
                f"one of {count} processes that share the work ended early, for lack of memory perhaps: "
                "ask for less at a time, which one process does"
            ) from error

    try:
        yield mapped
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.kill()


def useful(things: int) -> int:
    """How many processes to share so many things out to: one a core, as memory allows."""
    if any(map(glob, ACCELERATORS)):
        return 1
    return max(1, int(min(things // EACH, cores(), memory() // BYTES)))


def _begin() -> None:
    """In a new process: it says what this one would, and ends with it, however that ends."""
    compile_cache.keep()
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
