"""Batches are made ahead: in order, a few at a time, by a thread that ends when the loop does."""

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from unittest import mock

import pytest

from parity_tests.tests.annotations import annotations_unchecked
from train.loops.ahead import DEPTH, ahead
from train.loops.interrupt import Interrupted, deferred

SOON = 5.0  # seconds in which a thread has surely moved on


@pytest.fixture(autouse=True)
def unchecked() -> Iterator[None]:
    """Numbers stand for batches here."""
    with annotations_unchecked():
        yield


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert "batches ahead" not in {thread.name for thread in threading.enumerate()}


def made_ahead(make: Callable[[int], Any], numbers: range) -> Any:
    return ahead(make, lambda batch: batch, numbers)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("numbers", [range(50), range(17, 30), range(0)])
def test_each_number_s_batch_comes_in_its_turn(numbers: range) -> None:
    with ahead(lambda number: number * 10, lambda batch: batch + 1, numbers) as stream:  # type: ignore
        assert [stream(number) for number in numbers] == [number * 10 + 1 for number in numbers]
        with pytest.raises(ValueError, match="None is the next"):
            stream(numbers.stop)


def test_a_number_out_of_turn_is_refused() -> None:
    with made_ahead(lambda number: number, range(3, 9)) as stream:
        stream(3)
        with pytest.raises(ValueError, match=r"batch 3 was asked for, but 4 is the next of range\(3, 9\)"):
            stream(3)


def test_a_few_are_made_before_they_are_asked_for_and_no_more() -> None:
    made: list[int] = []
    with made_ahead(made.append, range(100)) as stream:
        wait_for(lambda: len(made) == DEPTH)
        stream(0)
        wait_for(lambda: len(made) == 1 + DEPTH)
        time.sleep(0.05)
        assert made == list(range(1 + DEPTH))


def test_batches_are_made_and_placed_on_one_other_thread() -> None:
    seen: set[int] = set()

    def here(number: int) -> int:
        seen.add(threading.get_ident())
        return number

    with ahead(here, here, range(5)) as stream:  # type: ignore
        for number in range(5):
            stream(number)
    assert len(seen) == 1 and threading.get_ident() not in seen


def unreadable(number: int) -> int:
    if number == 4:
        raise OSError(f"no disk for {number}")
    return number


def test_an_error_comes_at_its_batch_with_the_place_where_it_was_made() -> None:
    with made_ahead(unreadable, range(9)) as stream:
        assert [stream(number) for number in range(4)] == [0, 1, 2, 3]
        with pytest.raises(OSError, match="no disk for 4") as caught:
            stream(4)
    assert caught.value.__notes__ == ["while batch 4, counted from 0, was made"]
    assert "in unreadable" in "".join(traceback.format_exception(caught.value))


def test_an_error_in_the_loop_ends_the_thread() -> None:
    with suppress(FloatingPointError), made_ahead(lambda number: number, range(1000)) as stream:
        stream(0)
        raise FloatingPointError  # and the fixture counts the threads


def test_time_that_is_waited_is_counted() -> None:
    def slow(number: int) -> int:
        time.sleep(0.02)
        return number

    with made_ahead(slow, range(5)) as stream:
        begun = time.perf_counter()
        for number in range(5):
            stream(number)
        assert 0.09 < stream.waited <= time.perf_counter() - begun
    with made_ahead(lambda number: number, range(5)) as stream:
        time.sleep(0.05)
        stream(0)
        assert stream.waited < 0.02


def test_a_second_signal_ends_the_wait_for_a_batch_that_does_not_come() -> None:
    free, told = threading.Event(), []

    def hanging(number: int) -> None:
        for count in (1, 2):
            told.append(count)
            os.kill(os.getpid(), signal.SIGTERM)
            if count == 1:
                wait_for(lambda: waiting.number is not None)
        free.wait(SOON)

    with deferred() as waiting, pytest.raises(Interrupted), made_ahead(hanging, range(9)) as stream:
        try:
            stream(0)
        finally:
            free.set()
    assert told == [1, 2]


def test_a_batch_that_hangs_does_not_keep_the_process() -> None:
    free = threading.Event()
    begun = time.perf_counter()
    with mock.patch("train.loops.ahead.GRACE", 0.05), made_ahead(free.wait, range(9)) as stream:
        assert stream._thread.daemon
    assert time.perf_counter() - begun < SOON / 2
    free.set()
    stream._thread.join(SOON)
