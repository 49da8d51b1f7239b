"""Mutants run: a copy of the sources for each worker, a mistake in it, the tests that must see it."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any

from parity_tests.tests.mutants.mutant import Mutant
from parity_tests.tests.mutants.table import mutated

SECONDS = 120.0  # a mutant may take
HEALTHY = 900.0  # all tests of the table may take, without a mutation
# Imported once a worker, which takes longer than most tests: these, and what they bring.
LIBRARIES = (
    "beartype",
    "flax.linen",
    "jax",
    "matplotlib.pyplot",
    "optax",
    "pytest",
    "rich.progress",
    "scipy.stats",
    "tokenizers",
    "torch._dynamo",
    "transformers.models.bert.modeling_bert",
    "transformers.models.gpt2.modeling_gpt2",
)
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+\.py::.*?)(?: - .*)?$", re.MULTILINE)
KILLED, SURVIVED, TIMED_OUT, BROKEN = "killed", "survived", "timed out", "broken"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    status: str
    """Killed, if a test failed; broken, if the tests could not be run at all, which shows nothing."""
    by: str
    """The test that failed, or why there is none."""
    seconds: float

    @property
    def accounted(self) -> bool:
        """Killed, or a survivor that is listed with a reason; one that is listed and killed is not."""
        return self.status == (SURVIVED if self.mutant.survives else KILLED)


def left_behind(folder: str, names: list[str]) -> list[str]:
    """What is not copied: hidden and compiled files, and runs beside the sources."""
    made = {"__pycache__", *(["runs"] if "pyproject.toml" in names else [])}
    return [name for name in names if name.startswith(".") or name in made]


class Worker:
    """A copy of the sources, and a process that runs pytest in it."""

    def __init__(self, root: Path, folder: Path, libraries: Sequence[str]) -> None:
        self.root = Path(shutil.copytree(root, folder / "sources", ignore=left_behind))
        compiled = {
            "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("fork_server.py")), *libraries],
            cwd=self.root,
            env=os.environ | compiled | {"PYTHONPATH": str(self.root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def pytest(self, *arguments: str, seconds: float) -> tuple[int | None, str]:
        """Its exit status, None after so many seconds, and what it wrote."""
        assert self._process.stdin and self._process.stdout
        known = "ignore:Module already imported so cannot be rewritten"  # as all libraries are
        options = ["-q", "-p", "no:cacheprovider", "--tb=short", "--color=no", "-rfE", "-W", known]
        request = {"arguments": [*options, *arguments], "seconds": seconds}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        return answer["code"], answer["output"]

    def close(self) -> None:
        with self._process:  # closes its standard input, at which it ends
            pass

    @contextmanager
    def written(self, mutant: Mutant) -> Iterator[None]:
        """Meanwhile the copy has the mistake."""
        texts = mutated(mutant, self.root)
        before = {path: (self.root / path).read_bytes() for path in texts}
        try:
            for path, text in texts.items():
                self._write(path, text.encode())
            yield
        finally:
            for path, content in before.items():
                self._write(path, content)

    def _write(self, path: str, content: bytes) -> None:
        """Compiled leftovers go: they are told from the source by size and second alone."""
        file = self.root / path
        file.write_bytes(content)
        for leftover in file.parent.glob(f"__pycache__/{file.stem}.*"):
            leftover.unlink()


def run(mutant: Mutant, worker: Worker, seconds: float = SECONDS) -> Outcome:
    """Run the tests of a mutant until one fails."""
    started = time.monotonic()
    with worker.written(mutant):
        code, output = worker.pytest("-x", *mutant.tests, seconds=seconds)
    taken = time.monotonic() - started
    if code is None:
        return Outcome(mutant, TIMED_OUT, f"after {seconds:.0f} s", taken)
    if code == 0:
        return Outcome(mutant, SURVIVED, mutant.survives or "no test sees it", taken)
    if code == 1 and (failed := FAILED.search(output)):
        return Outcome(mutant, KILLED, failed[1], taken)
    return Outcome(mutant, BROKEN, output[-2000:], taken)


def red_tests(tests: Sequence[str], workers: Sequence[Worker]) -> list[str]:
    """What is wrong with the tests before any mutation, run by all workers together: their last words."""
    parts = [tests[number :: len(workers)] for number in range(len(workers))]

    def red(worker: Worker, part: Sequence[str]) -> str:
        code, output = worker.pytest(*part, seconds=HEALTHY) if part else (0, "")
        return "" if code == 0 else f"pytest ended with {code}: {output[-4000:]}"

    with ThreadPoolExecutor(len(workers)) as pool:
        return [words for words in pool.map(red, workers, parts) if words]


def run_all(
    mutants: Sequence[Mutant],
    workers: Sequence[Worker],
    seen: Callable[[Outcome], Any],
    seconds: float = SECONDS,
) -> list[Outcome]:
    """The outcomes in the mutants' order; ``seen`` is told of each as it comes."""
    idle: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def one(mutant: Mutant) -> Outcome:
        worker = idle.get()
        try:
            outcome = run(mutant, worker, seconds)
        finally:
            idle.put(worker)
        seen(outcome)
        return outcome

    with ThreadPoolExecutor(len(workers)) as pool:
        return list(pool.map(one, mutants))


@contextmanager
def started(root: Path, count: int, libraries: Sequence[str] = LIBRARIES) -> Iterator[list[Worker]]:
    """So many workers, each with a copy of ``root`` in a temporary folder."""
    with TemporaryDirectory() as folder:
        workers = [Worker(root, Path(folder, str(number)), libraries) for number in range(count)]
        try:
            yield workers
        finally:
            for worker in workers:
                worker.close()
