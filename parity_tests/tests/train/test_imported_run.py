"""An imported run: its inputs lie within its tables, and its texts end where those of transformers end."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import data
import train
from jax_impl.config import CONFIGS as JAX_CONFIGS
from parity_tests.tests.train.test_train_hugging_face import make
from torch_impl.config import CONFIGS
from torch_impl.convert.shapes import flax_shape
from train.architecture import Architecture
from train.config import FRAMEWORKS, ConfigError
from train.loops.backend import backend
from train.runs.hugging_face import import_run
from train.runs.tensor_files import open_tensors

SIZES: dict[str, Any] = {"vocab": 20, "max_positions": 7, "embed": 12, "heads": 3, "mlp": 10, "layers": 2}
LLAMA = {"norm": "rms", "gated": True, "position_encoding": "rotary", "use_bias": False, "kv_heads": 1}
MODELS = {
    "bert": {},
    "bert_model": {"segments": 3, "position_offset": 2},
    "bert_pretraining": {"head_dim": 5},
    "bert_classifier": {"classes": 4},
    "gpt": LLAMA | {"tied": False, "qk_norm": True, "head_dim": 6, "qkv_bias": True},
    "gpt_classifier": {"classes": 4, "norm_position": "post"},
}


@pytest.mark.parametrize("name", MODELS)
def test_shapes_that_no_framework_was_asked_for_are_those_of_the_models(name: str) -> None:
    settings = SIZES | MODELS[name]
    shapes = backend("torch").parameter_shapes(Architecture(name, JAX_CONFIGS[name](**settings)))
    config: Any = CONFIGS[name](**settings)
    assert {parameter: flax_shape(parameter, config, 4) for parameter in shapes} == shapes


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    make("BertForMaskedLM", folder / "source")
    import_run(folder / "source", folder / "run")
    return folder / "run"


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("positions", "segments", "words"),
    [
        ([2], [0, 0, 2], "segment_ids.*got 2, but there the model has 0 to 1"),
        ([2], [0, -1, 0], "segment_ids.*got -1"),
        ([3], [0, 0, 0], "masked_positions.*got 3, but there the model has 0 to 2"),
        ([-1], [0, 0, 0], "masked_positions.*got -1"),
    ],
)
def test_numbers_outside_a_table_are_refused(
    bert: Path, framework: Any, positions: list[int], segments: list[int], words: str
) -> None:
    opened, ids = train.load(bert, framework), np.array([[5, 6, 7]])
    with pytest.raises(ValueError, match=words):
        opened.outputs(ids, np.ones((1, 3), bool), np.array([positions]), np.array([segments]))


@pytest.mark.parametrize("where", ["config.json", "generation_config.json"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_texts_end_where_theirs_do_and_the_last_token_that_fits_is_written(
    tmp_path: Path, where: str, framework: Any
) -> None:
    """6 tokens follow 6 in a model of 11 positions: the last one is not read."""
    made = make("GPT2LMHeadModel", tmp_path / "source", n_positions=11)
    tokenizer = data.load_tokenizer(tmp_path / "source")
    prompt = tokenizer.decode([40, 41, 42, 43, 44, 45])
    assert tokenizer.encode(prompt).ids == [40, 41, 42, 43, 44, 45]
    for name in ("config.json", "generation_config.json"):
        fields = json.loads((tmp_path / "source" / name).read_text())
        (tmp_path / "source" / name).write_text(json.dumps(fields | {"eos_token_id": None}))
    with torch.no_grad():
        free = []
        for _ in range(6):
            free.append(int(made(torch.tensor([[*range(40, 46), *free]])).logits[0, -1].argmax()))
    import_run(tmp_path / "source", tmp_path / "free")
    found = train.load(tmp_path / "free", framework)
    assert found.generate(prompt, temperature=0.0) == [tokenizer.decode(free)]  # so many fit, and no more
    with pytest.raises(ConfigError, match="max_positions=11"):
        found.generate(prompt, temperature=0.0, new=7)
    if where == "config.json":  # which counts alone
        (tmp_path / "source" / "generation_config.json").unlink()
    fields = json.loads((tmp_path / "source" / where).read_text()) | {"eos_token_id": [3, free[2]]}
    (tmp_path / "source" / where).write_text(json.dumps(fields))
    import_run(tmp_path / "source", tmp_path / "ended")
    stop = free.index(free[2])
    opened = train.load(tmp_path / "ended", framework)
    assert opened.generate(prompt, temperature=0.0) == [tokenizer.decode(free[:stop])]


@pytest.mark.parametrize("new", [True, False])
def test_every_tensor_of_a_pickle_is_read_as_pytorch_reads_it(tmp_path: Path, new: bool) -> None:
    base = torch.randn(4, 6)
    state = {
        "turned": torch.randn(3, 5).t(),
        "view": base[1:, 2:4],
        "same": base,
        "half": torch.randn(3).half(),
        "brain": torch.randn(3).bfloat16(),
        "double": torch.randn(2).double(),
        "whole": torch.arange(-1, 3),
        "bytes": torch.arange(3).to(torch.uint8),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
    }
    torch.save(state, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=new)
    files = open_tensors(tmp_path)
    read = files.read()
    for name, tensor in state.items():
        expected = tensor.detach().float() if tensor.is_floating_point() else tensor
        assert files.header[name].shape == tuple(tensor.shape)
        assert read[name].dtype == expected.numpy().dtype and np.array_equal(read[name], expected.numpy()), (
            name
        )
