"""Rotten run folders: each is refused in one line, in a moment, and nothing of it is used."""

import json
import resource
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import data
from jax_impl.config import GPTConfig
from train import resume as resume
from train.architecture import Architecture
from train.config import Config
from train.loops import torch_loop
from train.runs import checkpoint, folder
from train.runs.durable import write_json
from train.runs.plan import Plan
from twinformer import cli

pytestmark = pytest.mark.usefixtures("unchecked")

SECONDS, MEGABYTES = 3.0, 300  # on an idle machine it is less than one second
Change = Callable[[Path], Any]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny GPT that was interrupted after its first checkpoint."""
    out = tmp_path_factory.mktemp("runs") / "run"
    tokenizer = data.train_bpe(["the cat sat on the mat"], 262)
    sizes: dict[str, Any] = {"max_positions": 24, "embed": 8, "heads": 2, "mlp": 8, "layers": 1}
    model = GPTConfig(vocab=tokenizer.get_vocab_size(), **sizes)
    architecture = Architecture("gpt", model)
    out.mkdir()
    Plan(("torch",)).write(out)
    write_json(out / "config.json", Config(model=model, data="embedded", steps=9).to_json())
    folder.create(out, architecture, (), tokenizer)
    params = torch_loop.initial_params(architecture, 5)
    (out / "torch").mkdir()
    (out / "torch/metrics.jsonl").touch()
    about = {"files": folder.parts(out), "step": 3, "fingerprint": "x"}
    checkpoint.save(out / "torch", {"params": params, "mean": params, "square": params}, about)
    return out


def text(name: str, content: str | bytes) -> Change:
    return lambda run: (run / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def field(name: str, *path: str, value: Any) -> Change:
    """A setting of a JSON file, which is otherwise as it was."""

    def change(run: Path) -> None:
        whole = json.loads((run / name).read_text())
        inner = whole
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        (run / name).write_text(json.dumps(whole))

    return change


def lacking(name: str, key: str) -> Change:
    def change(run: Path) -> None:
        whole = json.loads((run / name).read_text())
        del whole[key]
        (run / name).write_text(json.dumps(whole))

    return change


def trusted(change: Change) -> Change:
    """The change, and a checkpoint that says nothing of the files: only what they say is left to judge."""

    def both(run: Path) -> None:
        field("model.json", "schema", value=2)(run)
        change(run)
        path = run / "torch" / checkpoint.NAME
        save_file(load_file(path), path, {"about": '{"step": 3}'})

    return both


def tensors(change: Callable[[dict[str, np.ndarray]], Any]) -> Change:
    """The weights of an old run, which has no digests, changed."""

    def both(run: Path) -> None:
        trusted(lambda run: None)(run)
        path = run / "torch" / checkpoint.NAME
        found = load_file(path)
        change(found)
        save_file(found, path, {"about": '{"step": 3}'})

    return both


def raw(header: bytes, rest: bytes = b"", length: int | None = None) -> Change:
    content = struct.pack("<Q", len(header) if length is None else length) + header + rest
    return text(f"torch/{checkpoint.NAME}", content)


WEIGHTS = f"torch/{checkpoint.NAME}"
KERNEL = "params/blocks_0/attention/query/kernel"
DEEP = "[" * 100_000 + "]" * 100_000
ROTTEN: dict[str, Change] = {
    "no model": lambda run: (run / "model.json").unlink(),
    "no tokenizer": lambda run: (run / "tokenizer.json").unlink(),
    "no checkpoint": lambda run: (run / WEIGHTS).unlink(),
    "a folder for a model": lambda run: ((run / "model.json").unlink(), (run / "model.json").mkdir()),
    "a folder for a checkpoint": lambda run: ((run / WEIGHTS).unlink(), (run / WEIGHTS).mkdir()),
    "an empty model": text("model.json", ""),
    "a model in UTF-16": text("model.json", '{"schema": 3}'.encode("utf-16")),
    "half a model": text("model.json", '{"schema": 3, "mod'),
    "a model that is null": text("model.json", "null"),
    "a model that is a list": text("model.json", "[1]"),
    "a nested model": text("model.json", DEEP),
    "a model of NaN": trusted(field("model.json", "config", "eps", value=float("nan"))),
    "a long number": text("model.json", '{"schema": ' + "9" * 10_000 + "}"),
    "a schema of the future": field("model.json", "schema", value=99),
    "a schema that is text": field("model.json", "schema", value="3"),
    "an unknown model": trusted(field("model.json", "model", value="mamba")),
    "a model with markup": trusted(field("model.json", "model", value="[/]")),
    "an unknown setting": trusted(field("model.json", "config", "depth", value=3)),
    "no settings": trusted(lacking("model.json", "config")),
    "settings that are a list": trusted(field("model.json", "config", value=[1, 2])),
    "no classes": trusted(lacking("model.json", "classes")),
    "classes that are text": trusted(field("model.json", "classes", value="ab")),
    "classes of no classifier": trusted(field("model.json", "classes", value=["a", "b"])),
    "a billion layers": trusted(field("model.json", "config", "layers", value=10**9)),
    "a vocabulary of 10^12": trusted(field("model.json", "config", "vocab", value=10**12)),
    "a width of 10^9": trusted(field("model.json", "config", "embed", value=10**9)),
    "as many positions": trusted(field("model.json", "config", "max_positions", value=10**12)),
    "heads that do not divide": trusted(field("model.json", "config", "heads", value=3)),
    "a negative epsilon": trusted(field("model.json", "config", "eps", value=-1.0)),
    "layers that are text": trusted(field("model.json", "config", "layers", value="1")),
    "layers that are true": trusted(field("model.json", "config", "layers", value=True)),
    "half a layer": trusted(field("model.json", "config", "layers", value=0.5)),
    "more layers": trusted(field("model.json", "config", "layers", value=2)),
    "an edited model": field("model.json", "config", "eps", value=1e-3),
    "an empty tokenizer": text("tokenizer.json", ""),
    "a tokenizer that is none": trusted(text("tokenizer.json", "{}")),
    "a nested tokenizer": text("tokenizer.json", DEEP),
    "another tokenizer": text("tokenizer.json", '{"version": "1.0"}'),
    "an empty checkpoint": text(WEIGHTS, b""),
    "eight bytes": text(WEIGHTS, b"\xff" * 8),
    "a header longer than the file": raw(b"{}", length=2**40),
    "a header that is no JSON": raw(b"hello, world"),
    "a nested header": raw(DEEP.encode()),
    "a tensor beyond the end": raw(b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'),
    "tensors on top of each other": raw(
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        b"1234",
    ),
    "a shape of 10^18": raw(
        b'{"a":{"dtype":"F32","shape":[1000000000000000000],"data_offsets":[0,4]}}', b"1234"
    ),
    "half a checkpoint": lambda run: (run / WEIGHTS).write_bytes((run / WEIGHTS).read_bytes()[:9000]),
    "a tensor too few": tensors(lambda found: found.pop(KERNEL)),
    "a tensor too many": tensors(lambda found: found.update({"params/more": found[KERNEL]})),
    "another shape": tensors(lambda found: found.update({KERNEL: found[KERNEL][:4]})),
    "whole numbers": tensors(lambda found: found.update({KERNEL: found[KERNEL].astype(np.int32)})),
    "NaN": tensors(lambda found: found.update({KERNEL: found[KERNEL] * np.nan})),
    "infinity": tensors(lambda found: found.update({KERNEL: found[KERNEL] + np.inf})),
}
# What only going on reads.
RESUMED: dict[str, Change] = {
    "no configuration": lambda run: (run / "config.json").unlink(),
    "a configuration that is null": text("config.json", "null"),
    "a nested configuration": text("config.json", DEEP),
    "a family that is none": trusted(field("config.json", "family", value="rnn")),
    "steps that are text": trusted(field("config.json", "steps", value="many")),
    "no steps at all": trusted(field("config.json", "steps", value=0)),
    "an optimizer that is none": trusted(field("config.json", "optimizer", "method", value="magic")),
    "a rate that is NaN": trusted(field("config.json", "optimizer", "learning_rate", value=float("nan"))),
    "a rate below 0": trusted(field("config.json", "optimizer", "learning_rate", value=-1.0)),
    "a seed below 0": trusted(field("config.json", "seed", value=-1)),
    "data that are none": trusted(field("config.json", "data", value="secrets")),
    "an edited configuration": field("config.json", "seed", value=7),
    "no plan": lambda run: (run / "run.json").unlink(),
    "a plan that is null": text("run.json", "null"),
    "an edited plan": field("run.json", "skip_parity", value=True),
    "no moments": tensors(
        lambda found: [found.pop(name) for name in list(found) if name.startswith("square/")]
    ),
    "a moment of another shape": tensors(
        lambda found: found.update({KERNEL.replace("params", "mean"): np.ones(3, "f4")})
    ),
    "moments that are NaN": tensors(
        lambda found: found.update({KERNEL.replace("params", "mean"): found[KERNEL] * np.nan})
    ),
    "no metrics": lambda run: (run / "torch/metrics.jsonl").unlink(),
}


def refused(run: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    memory, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    status = cli.status(words)
    seconds = time.perf_counter() - begun
    taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
    said = capsys.readouterr()
    assert status == 2, said
    assert said.err.startswith("twinformer: ") and said.err.count("\n") == 1 and len(said.err) < 600
    assert seconds < SECONDS and taken < MEGABYTES
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


@pytest.mark.parametrize("change", ROTTEN)
def test_a_rotten_run_writes_nothing(change: str, healthy: Path, tmp_path: Path, capsys) -> None:
    run = shutil.copytree(healthy, tmp_path / "run")
    ROTTEN[change](run)
    refused(run, ["generate", str(run), "the", "--framework", "torch"], capsys)


@pytest.mark.parametrize("change", RESUMED)
def test_a_rotten_state_is_not_gone_on_with(change: str, healthy: Path, tmp_path: Path, capsys) -> None:
    run = shutil.copytree(healthy, tmp_path / "run")
    RESUMED[change](run)
    refused(run, ["resume", str(run), "--skip-parity"], capsys)


def test_the_healthy_one_is_used(healthy: Path, capsys) -> None:
    assert cli.status(["generate", str(healthy), "the", "--framework", "torch", "--new", "3"]) == 0
    assert "is unfinished (steps saved: 3 in torch)" in capsys.readouterr().err
