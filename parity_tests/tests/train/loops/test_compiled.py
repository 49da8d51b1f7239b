"""PyTorch's compiled step is the step op by op: losses, dropout, weights."""

import operator
from dataclasses import replace

import numpy as np
import pytest
import torch

from torch_impl.tables import sinusoidal_table
from train.config import ConfigError
from train.loops import torch_loop
from train.proof.small import small
from train.tasks.task import prepare

# PyTorch's compiler uses what PyTorch calls old.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.slow  # half a minute of compiling: make proof
@pytest.mark.parametrize("family", ["gpt", "classifier"])
def test_compiled_steps_are_those_that_are_not(family, unchecked):
    task = prepare(small(family), None)
    params = task.initial_params(torch_loop)
    runs = {}
    for compiled in (False, True):
        optimizer = replace(task.config.optimizer, compiled=compiled)
        trainer = torch_loop.Trainer(family, task.architecture, params, task.batch, optimizer, 10, 0)
        losses = [trainer.step(number)["loss"].item() for number in range(4)]
        runs[compiled] = losses, trainer.params()
    assert task.architecture.config.dropout > 0.0
    np.testing.assert_allclose(runs[True][0], runs[False][0], rtol=1e-5)
    for name, array in runs[False][1].items():
        np.testing.assert_allclose(runs[True][1][name], array, atol=1e-4, err_msg=name)


def test_without_a_compiler_the_setting_is_refused_before_the_first_step(monkeypatch):
    torch_loop.compiled.cache_clear()
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ConfigError, match=r"compiled=True: .*'no-such-compiler'; install one"):
        torch_loop.compiled("gpt")


@pytest.mark.slow
def test_a_kernel_compiles_with_keys_for_dropout_once(unchecked):
    """A new key at each step is no new program."""
    task = prepare(small("gpt"), None)
    optimizer = replace(task.config.optimizer, compiled=True)
    params = task.initial_params(torch_loop)
    trainer = torch_loop.Trainer("gpt", task.architecture, params, task.batch, optimizer, 10, 0)
    trainer.step(0)
    before = torch_loop.programs_compiled()
    for number in range(1, 5):
        trainer.step(number)
    assert torch_loop.programs_compiled() == before > 0


def test_a_table_of_positions_is_a_constant_of_the_program(unchecked):
    graphs, x = [], torch.ones(4, 8)
    add = torch.compile(
        lambda x: x + sinusoidal_table(4, 8, x.dtype, x.device),
        backend=lambda graph, inputs: graphs.append(graph) or graph.forward,
        fullgraph=True,
    )
    assert torch.equal(add(x), x + sinusoidal_table(4, 8, x.dtype, x.device))
    (graph,) = graphs
    assert [node.target for node in graph.graph.nodes if node.op.startswith("call")] == [operator.add]


def test_a_new_shape_is_one_more_program(unchecked):
    double = torch.compile(lambda vector: vector + vector, backend="eager", dynamic=False)
    seen = []
    for length in (2, 3, 3, 2):
        before = torch_loop.programs_compiled()
        double(torch.ones(length))
        seen.append(torch_loop.programs_compiled() - before)
    assert seen == [1, 1, 0, 0]
