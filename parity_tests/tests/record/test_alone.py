"""The tests of `test_held` where one framework cannot be imported, as if it were not there."""

import subprocess
import sys
from pathlib import Path

import pytest

# Run in a process of its own, where the frameworks of its first argument cannot be imported.
BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
import pytest
sys.exit(pytest.main(sys.argv[2:]))
"""


@pytest.mark.parametrize("missing", ["torch", "jax,jaxlib,flax,optax"])
def test_no_other_framework_is_asked_for(missing):
    tests = [str(Path(__file__).with_name("test_held.py")), "--noconftest", "-q", "-p", "no:cacheprovider"]
    command = [sys.executable, "-c", BLOCKED, missing, *tests]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "6 passed, 6 skipped" in result.stdout, result.stdout + result.stderr
