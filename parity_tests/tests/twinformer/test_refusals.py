# ruff: noqa: E501 (a command line a row)
"""Wrong command lines: one line says what and how, the status is 2, and no framework was loaded for it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import twinformer
from train.runs import checkpoint
from train.runs.plan import Plan

ROOT = Path(twinformer.__file__).parents[1]
SLOW = ["jax", "flax", "torch", "matplotlib", "transformers", "pooch"]
BOUND = 3.0  # seconds; on an idle machine it is less than one

# Runs many command lines in one process, and says after each what was loaded.
MANY = """
import contextlib, io, json, sys
from twinformer import cli
found = []
for arguments in json.load(sys.stdin):
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        try:
            status = cli.status(arguments)
        except SystemExit as stop:
            status = stop.code
    found.append([status or 0, told.getvalue(), [name for name in {slow} if name in sys.modules]])
json.dump(found, sys.stdout)
"""

# {folder} holds: `used` with something in it, `file`, runs `null`, `list`, `other`, `wrong` with a bad config.json,
# `imported`, `begun` (a run that ended early), `done`
# and `encoder`.
REFUSED = {
    "": "parity, train, resume",
    "teach": "Unrecognized options: teach",
    "train": "no recipe: name one first",
    "train --steps 5": "--steps stands where a recipe's name belongs",
    "train gpt-embeded": "did you mean gpt-embedded",
    "train bert --data polarity": "--data polarity: bert is trained on",
    "train bert --data=polarity": "--data polarity: bert is trained on",
    "train bert-embedded --data polarity": "--data polarity: bert is trained on",
    "train gpt --init runs/x": "Unrecognized options: --init",
    "train gpt-embedded classifier": "Unrecognized options: classifier",
    "train gpt-embedded --model.heads": "Missing value for argument '--model.heads'",
    "train gpt-embedded --model.heads many": "--model.heads",
    "train gpt-embedded --model.hads 3": "--model.heads",
    "train gpt-embedded --model.kv-heads 3": "--model.kv-heads 3 does not divide --model.heads 4",
    "train gpt-embedded --model.kv_heads=3": "--model.kv-heads 3 does not divide --model.heads 4",
    "train gpt-embedded --model.embed 130": "--model.heads 4 does not divide --model.embed 130",
    "train gpt-embedded --model.embed 10000000": "--model.embed 10000000, --model.mlp 512, --model.layers 2: about",
    "train gpt-embedded --model.layers 0": "--model.layers 0: give a whole number",
    "train gpt-embedded --model.dropout nan": "--model.dropout nan: give a share",
    "train gpt-embedded --model.dropout 1": "--model.dropout 1.0: give a share",
    "train gpt-embedded --model.rope-scaling.kind llama3": "factor",
    "train gpt-embedded --optimizer.weight-decay -1": "--optimizer.weight-decay -1.0: give 0 or more",
    "train gpt-embedded --optimizer.weight-decay nan": "--optimizer.weight-decay nan: give 0 or more",
    "train gpt-embedded --optimizer.weight-decay inf": "--optimizer.weight-decay inf: give 0 or more",
    "train gpt-embedded --optimizer.learning-rate nan": "--optimizer.learning-rate nan: give a number above 0",
    "train gpt-embedded --optimizer.learning-rate inf": "--optimizer.learning-rate inf: give a number above 0",
    "train gpt-embedded --optimizer.eps inf": "--optimizer.eps inf: give a number above 0",
    "train gpt-embedded --optimizer.beta1 nan": "--optimizer.beta1 nan: give a share",
    "train gpt-embedded --optimizer.warmup 0 --optimizer.schedule triangular": "--optimizer.warmup 0.0: it is",
    "train gpt-embedded --text.batch 0": "--text.batch 0: give 1 or more",
    "train gpt-embedded --steps 0": "--steps 0: give 1 or more",
    "train gpt-embedded --seed -1": "--seed -1: give a whole number from 0",
    "train gpt-embedded --seed 99999999999999999999": "--seed 99999999999999999999: give a whole number from 0",
    "train gpt-embedded --data-dir nowhere": "--data-dir nowhere: no such folder",
    "train classifier --data polarty": "--data polarty: no file or folder; did you mean polarity?",
    "train classifier --data nowhere/mine.csv": "nowhere/mine.csv is no file or folder: check the path",
    "train classifier --data mine.csv --data-dir {folder}": "mine.csv is no file or folder in {folder}: check the path",
    "train classifier --data hf:imdb --data-dir {folder}": "hf:imdb is loaded by its name, from no folder",
    "train gpt --data hf:": "hf: names no data set; give hf:NAME",
    "train classifier --data https://example.org/mine.csv": "is an address: download it",
    "train classifier-own": "--data own: name the file or the folder of your texts with --data",
    "train seq2seq --data {folder}/file": "--data {folder}/file: seq2seq is trained on reversal",
    "train gpt --data {folder}/file --label-column x": "Unrecognized options: --label-column",
    "train classifier-polarity --text-column x": "--text-column x: goes with a file or a folder of yours",
    "train classifier --data {folder}/file --tokenizer nowhere.json": "could not read nowhere.json",
    "train gpt-embedded --out {folder}/used": "used is not empty, and no run: give another folder",
    "train gpt-embedded --out {folder}/used --overwrite": "used is not empty, and no run: give another folder",
    "train gpt-embedded --out {folder}/file": "--out {folder}/file: {folder}/file is no folder",
    "train gpt-embedded --out {folder}/file/sub": "--out {folder}/file/sub: {folder}/file is no folder",
    "train gpt-embedded --out {folder}/done": "it holds a run; or give another folder, or begin again with --overwrite",
    "train gpt-embedded --out {folder}/begun": "holds 7 steps; go on with: twinformer resume {folder}/begun",
    "train gpt-embedded --out {folder}/used --model.layers 0": "--model.layers 0",
    "train classifier-polarity --pooling first": "--pooling first: goes with --init only",
    "train classifier --pooling first --data polarity": "--pooling first: goes with --init only",
    "train classifier-polarity --init {folder}/done": "classifier-polarity-from begins with a run",
    "train classifier-polarity-from": "give its folder with --init",
    "train classifier --init nowhere": "nowhere is no trained run",
    "train classifier --init=nowhere --data=polarity": "nowhere is no trained run",
    "train classifier --init nowhere --model.embed 64": "--model.embed 64: the run of --init says that",
    "parity atention": "no model or block 'atention': did you mean attention",
    "parity block_pre --seed -1": "--seed -1: give a whole number from 0",
    "parity block_pre --seed 99999999999999999999": "--seed 99999999999999999999: give a whole number from 0",
    "parity --dtype": "--dtype: give one or more of float64",
    "parity --dtype float16": "float16",
    "parity --json {folder}": "--json {folder}: is a folder; give a file",
    "parity --html {folder}/file/x.html": "--html {folder}/file/x.html: {folder}/file is no folder",
    "parity --steps 20 --plot {folder}/x.xyz": "--plot {folder}/x.xyz: give a name that ends with",
    "parity --plot {folder}/x.png": "--plot {folder}/x.png: goes with --steps only",
    "parity --defects --seed 3": "--seed 3: --defects goes with --json only",
    "parity --field": "--field: goes with --defects only",
    "parity --defects --field --html {folder}/x.html": "--html {folder}/x.html: --field goes with --json and --plot only",
    "parity gpt --steps 5 --switch 5": "--switch 5: give 1 or more, and less than --steps 5",
    "parity gelu --steps 5": "'gelu' is not trained",
    "resume {folder}/imported {folder}/new": "was imported, not trained here",
    "resume nowhere {folder}/new": "nowhere is no trained run",
    "resume {folder}/begun {folder}/used": "used is not empty",
    "evaluate {folder}/imported": "was imported, not trained here",
    "evaluate {folder}/null": "it holds NoneType where settings by name belong",
    "evaluate {folder}/list": "it holds list where settings by name belong",
    "evaluate {folder}/other": "is not the configuration of a run",
    "evaluate {folder}/wrong": "is not the configuration of a run",
    "evaluate [/x]": "[/x] is no trained run",
    "evaluate :cat:[red]": ":cat:[red] is no trained run",
    "generate nowhere If": "nowhere is no trained run",
    "generate nowhere": "no prompt",
    "generate nowhere If --temperature nan": "--temperature nan: give 0",
    "generate nowhere If --temperature -1": "--temperature -1.0: give 0",
    "generate nowhere If --new 0": "--new 0: give 1 or more",
    "generate nowhere If --num 0": "--num 0: give 1 or more",
    "generate nowhere If --top-k 0": "--top-k 0: give 1 or more",
    "generate nowhere If --top-p nan": "--top-p nan: give a probability",
    "generate nowhere If --seed -1": "--seed -1: give a whole number from 0",
    "generate nowhere \udcff": "'\\udcff' is not UTF-8",
    "record nowhere.py {folder}/x.safetensors": "nowhere.py is no file: give one that defines a reference",
    "record {folder}/file {folder}/x.txt": "give a name that ends with .safetensors",
    "play": "bits, shots, sort, score, multiverse",
    "play bits": "no run: give the folder of one or more",
    "play bits nowhere": "nowhere is no trained run",
    "play bits {folder}/encoder": "holds a classifier, which writes no text: give a run of gpt",
    "play bits {folder}/imported --out {folder}/x.txt": "give a name that ends with .json",
    "play bits {folder}/imported --data-dir nowhere": "--data-dir nowhere: no such folder",
    "play shots nowhere": "nowhere is no trained run",
    "play shots nowhere -k -1": "--k [-1]: give one or more numbers of examples",
    "play shots nowhere --texts 0": "--texts 0: give 1 or more",
    "play shots nowhere --seed -1": "--seed -1: give a whole number from 0",
    "play sort nowhere": "nowhere is no trained run",
    "play sort nowhere --length 9": "--length 9: give 3 to 5",
    "play sort {folder}/encoder": "holds a classifier, which writes no text: give a run of gpt",
    "play score nowhere word": "0 openings: give two or more",
    "play score nowhere word --under a --under b": "nowhere is no trained run",
    "play score nowhere word --under a --under b --out {folder}/x.png": "give a name that ends with .html or .json",
    "play multiverse nowhere If": "nowhere is no trained run",
    "play multiverse nowhere If --threshold nan": "--threshold nan: give a probability",
    "play multiverse nowhere If --branch 0": "--branch 0: give 1 or more",
    "play multiverse nowhere If --depth 65": "--depth 65: give 1 or more, up to 64",
    "play multiverse nowhere If --branch 20 --depth 9 --threshold 0": "more than 10,000 nodes",
    "play multiverse nowhere If --out {folder}/file/x.html": "{folder}/file is no folder",
    "import nowhere {folder}/new": "nowhere is no checkpoint",
    "import {folder}/list {folder}/new": "it holds list where settings by name belong",
    "grok --prime 91": "--prime 91: give a prime from 5 to 251",
    "grok --operation multiply": "--operation",
    "grok --fraction 0": "--fraction 0.0: give a share between 0 and 1",
    "grok --fraction 1": "--fraction 1.0: give a share between 0 and 1",
    "grok --fraction nan": "--fraction nan: give a share between 0 and 1",
    "grok --fraction 1e-6": "--fraction 1e-06: it trains on 0 of 9409 pairs",
    "grok --weight-decay -1": "--weight-decay -1.0: give 0 or more",
    "grok --weight-decay nan": "--weight-decay nan: give 0 or more",
    "grok --prime 13": "--batch 512: there are 67 training pairs; give no more, or 0 for all",
    "grok --batch -1": "--batch -1: there are 3763 training pairs",
    "grok --steps 0": "--steps 0: give 1 or more",
    "grok --every 0": "--every 0: give 1 or more",
    "grok --seeds 0": "--seeds 0: give 1 or more",
    "grok --framework flax": "flax",
    "grok --out {folder}/file": "--out {folder}/file: {folder}/file is no folder",
    "export nowhere {folder}/new": "nowhere is no trained run",
    "export {folder}/done {folder}/file": "{folder}/file is no folder",
}
ANSWERED = (
    "--help",
    "--version",
    "train --list",
    "train --help",
    "train gpt --help",
    "train bert-embedded --help",
    "parity -h",
    "play --help",
    "play multiverse --help",
    "grok --help",
)


class Answer(NamedTuple):
    status: int
    said: str
    loaded: list[str]


def write(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("folders")
    sizes = {"vocab": 9, "max_positions": 8, "embed": 8, "heads": 2, "mlp": 8, "layers": 1}
    model = {"schema": 2, "model": "gpt", "config": sizes, "classes": []}
    config = {"schema": 2, "family": "gpt", "model": sizes, "data": "embedded", "text": {}, "optimizer": {}}
    write(made / "used", notes=1)
    (made / "file").touch()
    write(made / "null", config=None)
    write(made / "list", config=[1], model=[1])
    write(made / "other", config={"depth": 3})
    write(made / "wrong", config=config | {"steps": "many"})
    small = {"vocab": 9, "max_positions": 8, "embed": 8, "heads": 2, "mlp": 8, "layers": 1, "classes": 2}
    write(made / "encoder", model=model | {"model": "classifier", "config": small, "classes": ["a", "b"]})
    write(made / "imported", model=model, tokenizer={})
    (made / "imported" / "checkpoint.safetensors").touch()
    write(made / "begun", model=model, tokenizer={}, config=config)
    Plan(("jax",)).write(made / "begun")
    (made / "begun" / "jax").mkdir()
    checkpoint.save(made / "begun" / "jax", {"params": {"bias": np.zeros(1, np.float32)}}, {"step": 7})
    write(made / "done", model=model, tokenizer={}, config=config, report={})
    return made


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, Answer]:
    lines = [line.replace("{folder}", str(folder)) for line in (*REFUSED, *ANSWERED)]
    found = subprocess.run(
        [sys.executable, "-c", MANY.replace("{slow}", str(SLOW))],
        input=json.dumps([line.split() for line in lines]),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip((*REFUSED, *ANSWERED), (Answer(*one) for one in json.loads(found.stdout)), strict=True))


@pytest.mark.parametrize("line", REFUSED)
def test_a_wrong_command_line_is_refused_in_a_line_and_loads_no_framework(
    line: str, answers: dict[str, Answer], folder: Path
) -> None:
    status, said, loaded = answers[line]
    assert status == 2, said
    assert REFUSED[line].replace("{folder}", str(folder)) in said
    assert "Traceback" not in said and loaded == []
    assert not said.startswith("twinformer:") or said.count("\n") == 1
    assert not (folder / "new").exists() and not (folder / "runs").exists()


@pytest.mark.parametrize("line", ANSWERED)
def test_help_loads_no_framework(line: str, answers: dict[str, Answer]) -> None:
    status, said, loaded = answers[line]
    assert (status, loaded) == (0, []) and said


@pytest.mark.parametrize("line", ["--help", "train gpt-embedded --model.kv-heads 3", "evaluate nowhere"])
def test_an_answer_takes_no_time(line: str) -> None:
    begun = time.perf_counter()
    arguments = [sys.executable, "-m", "twinformer", *line.split()]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, check=False)
    seconds = time.perf_counter() - begun
    print(f"twinformer {line}: {seconds:.2f} s")
    assert seconds < BOUND
