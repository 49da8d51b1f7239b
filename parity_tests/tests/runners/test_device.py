"""Where PyTorch computes: on the GPU where there is one, in full precision. None is needed here."""

from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
import torch

from parity_tests.runners import torch_runner
from parity_tests.runners.torch_numerics import torch_device, torch_numerics
from parity_tests.twins import run
from parity_tests.twins.check import check_twin, find_twins
from torch_impl import layers


@contextmanager
def matmul_precision(precision):
    """A setting of PyTorch's for the time of a test."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("gpu", [True, False])
def test_all_but_float64_goes_to_the_gpu_where_there_is_one(gpu):
    with mock.patch("torch.cuda.is_available", lambda: gpu):
        assert torch_device("float64").type == "cpu"
        for dtype in ("float32", "bfloat16"):
            assert torch_device(dtype).type == ("cuda" if gpu else "cpu")


def test_a_run_asks_for_its_device_and_for_exact_matmuls():
    (twin,) = find_twins("feed_forward")
    inputs = twin.inputs(np.random.default_rng(0))
    params = run.initial_params(twin, inputs, 0)
    seen = []

    def linear(*arguments):
        seen.append(torch.get_float32_matmul_precision())
        return original(*arguments)

    original = layers.linear
    with (
        mock.patch.object(torch_runner, "torch_device", return_value=torch.device("cpu")) as device,
        mock.patch.object(layers, "linear", linear),
        matmul_precision("high"),
    ):
        run.run_torch(twin, params, inputs, "float32")
    device.assert_called_once_with("float32", False)
    assert seen == ["highest", "highest"]


@pytest.mark.parametrize("name", ["bert_for_masked_lm", "encoder_decoder", "gpt_classifier", "llama"])
def test_everything_that_a_run_computes_is_on_its_device(name):
    """Dropout too. On a device that holds no numbers, a tensor left on the CPU is an error or shows here."""
    (twin,) = find_twins(name)
    inputs = twin.inputs(np.random.default_rng(0))
    params = run.initial_params(twin, inputs, 0)
    places = []

    def numbers(tensor):
        places.append(tensor.device.type)
        return np.zeros(tensor.shape)

    with (
        mock.patch.object(torch_runner, "torch_device", return_value=torch.device("meta")),
        mock.patch.object(torch_runner, "numbers", numbers),
    ):
        run.run_torch(twin, params, inputs, "float32", dropout_seed=0)
    assert len(places) > len(params)
    assert set(places) == {"meta"}


def test_the_settings_come_back_after_an_error_too():
    def settings():
        matmul = torch.backends.cuda.matmul
        return torch.get_float32_matmul_precision(), matmul.allow_bf16_reduced_precision_reduction

    with matmul_precision("high"):
        before = settings()
        with pytest.raises(ZeroDivisionError), torch_numerics("float32"):
            assert settings() == ("highest", False)
            raise ZeroDivisionError
        assert settings() == before == ("high", True)


def test_float64_is_one_run_of_pytorch_and_other_precisions_two():
    (twin,) = find_twins("gelu")
    for dtype, runs in (("float64", ["float64"]), ("float32", ["float32", "float64"])):
        with mock.patch("parity_tests.twins.check.run_torch", wraps=run.run_torch) as torch_run:
            check_twin(twin, dtype)
        assert [call.args[3] for call in torch_run.call_args_list] == runs
