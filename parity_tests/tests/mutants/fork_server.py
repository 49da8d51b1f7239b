"""Runs pytest again and again, each time in a child that begins with the libraries imported.

A script of its own: nothing of the project is imported here, so that each child imports its own copy. A line
of JSON in, {"arguments": [...], "seconds": 60}; a line out, {"code": 1, "output": "..."}, null if stopped.
"""

import importlib
import json
import os
import signal
import sys
import tempfile
import time
import warnings


def child(arguments: list[str], output: int) -> None:
    """Run pytest, its words into a file, and end."""
    os.setsid()  # what it starts can be ended with it
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdin = open(os.devnull)  # noqa: SIM115
    import pytest

    code = int(pytest.main(arguments))
    sys.stdout.flush()
    os._exit(code)


def ended(process: int, seconds: float) -> int | None:
    """The exit status, or None if it took longer and was stopped."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def main(libraries: list[str]) -> None:
    for name in libraries:
        importlib.import_module(name)
    warnings.simplefilter(
        "ignore"
    )  # JAX warns of forks; nothing has been computed here, so it has no threads
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile() as output:
            if not (process := os.fork()):
                child(request["arguments"], output.fileno())
            code = ended(process, request["seconds"])
            output.seek(0)
            text = output.read().decode(errors="replace")
        print(json.dumps({"code": code, "output": text}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
