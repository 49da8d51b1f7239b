"""`data` knows nothing of the frameworks, nor of its sibling packages."""

import subprocess
import sys


def test_importing_data_loads_no_framework_and_no_sibling():
    program = "import sys, data, data.sets.download; print(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert "numpy" in loaded  # the listing works
    assert not loaded & {"jax", "flax", "torch", "jax_impl", "torch_impl", "parity_tests", "train"}
