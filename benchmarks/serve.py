"""The other end of a `benchmarks.processes.Process`: a line of JSON asks, a line of JSON answers.

Between two questions the process waits for the next line and computes nothing.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any


def serve(kind: Callable[..., Any]) -> None:
    """Make one with the arguments on the command line, and call its methods by name until nobody asks.

    What libraries print goes to the error stream.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(words: dict[str, Any]) -> None:
        answers.write(json.dumps(words) + "\n")
        answers.flush()

    try:
        served = kind(**json.loads(sys.argv[1]))
        answer({})  # ready
        for line in sys.stdin:
            question = json.loads(line)
            answer(getattr(served, question.pop("ask"))(**question))
    except Exception as error:
        traceback.print_exc()
        answer({"error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"})
