"""Processes that are asked one at a time and wait in between."""

import json
import os
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Any

from benchmarks.errors import BenchmarkError

# Alike for all: float32 means float32 on a GPU too, whose memory is shared by all that are alive.
ENVIRONMENT = {
    "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "TOKENIZERS_PARALLELISM": "false",
    "KERAS_BACKEND": "jax",
    "HF_HUB_OFFLINE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONWARNINGS": "ignore",
}


class Process:
    """A module that answers lines of JSON, as `benchmarks.serve` does."""

    def __init__(self, module: str, arguments: dict[str, Any]) -> None:
        self.log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, json.dumps(arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**os.environ, **ENVIRONMENT},
        )  # fmt: skip

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it; again is nothing."""
        self._process.kill()
        self._process.communicate()
        self.log.close()

    def ask(self, question: str, **words: Any) -> dict[str, Any]:
        """What it answers. Raises BenchmarkError where it failed or ended."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"ask": question, **words}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:  # why is told by `hear`
            pass
        return self.hear()

    def hear(self) -> dict[str, Any]:
        """Its next answer; the first, before any question, is that it is ready."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise BenchmarkError(f"its process ended ({self._process.returncode}): {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise BenchmarkError(answer["error"])
        return answer

    def _last_words(self) -> str:
        self.log.seek(0)
        lines = self.log.read().split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "nothing was said")[:300]
