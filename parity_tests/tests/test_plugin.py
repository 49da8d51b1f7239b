"""The pytest plugin, in a test session of its own within this one."""

import subprocess
import sys

pytest_plugins = ["pytester"]

TEST = """
import numpy as np
import torch
from parity_tests.pair import JaxModel, Row, record

ROWS = [Row("kernel", "weight", "i o -> o i")]
MODULE = torch.nn.Linear(3, 2, bias=False)
PARAMS = {"kernel": np.arange(6.0).reshape(3, 2)}
INPUTS = {"input": np.ones((1, 3))}

def test_port(parity):
    parity(JaxModel(lambda params, input: input @ params["kernel"], PARAMS), MODULE, INPUTS, ROWS)

def test_port_of_what_is_on_file(parity, tmp_path):
    path = record(MODULE, INPUTS, tmp_path / "reference.safetensors")
    parity(path, MODULE, weights=[Row("*", "*", "a b -> a b")])

def test_wrong(parity):
    model = JaxModel(lambda params, input: 2 * input @ params["kernel"], PARAMS)
    parity(model, MODULE, INPUTS, weights=ROWS, dtype="float32")
"""


def test_the_fixture_passes_and_fails_with_the_report(pytester):
    pytester.makepyfile(TEST)
    result = pytester.runpytest_inprocess("-p", "parity_tests.plugin")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["Largest relative errors in float32*", "Linear vs <lambda>*FAIL*"])
    result.stdout.no_fnmatch_line("*def check*")


def test_junit_has_what_was_compared(pytester):
    pytester.makepyfile(TEST)
    pytester.runpytest_subprocess("-p", "parity_tests.plugin", "--junitxml=report.xml")
    report = (pytester.path / "report.xml").read_text("utf-8")
    assert '<property name="parity: models" value="Linear vs &lt;lambda&gt;"' in report
    assert (
        report.count('name="parity: largest error"') == 3 and 'name="parity: bound" value="0.0001"' in report
    )


def test_loading_the_plugin_imports_no_framework():
    code = "import sys, parity_tests.plugin; assert not {'jax', 'torch', 'flax', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
