"""kill -9 at any moment, inside the writing too: what was saved is whole, and goes on to the same bits."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from train.config import FRAMEWORKS
from train.runs.checkpoint import NAME, read_whole
from train.runs.metrics import read_metrics
from train.runs.verify import verify

KILLS = int(os.environ.get("TWINFORMER_KILLS", "200"))  # of each framework
EVERY = 2  # steps between checkpoints
SIZES = "--model.vocab 600 --model.max-positions 16 --model.embed 32 --model.mlp 32 --model.layers 1"
TRAIN = (
    f"train classifier-embedded --skip-parity --text.buckets 1 --text.batch 64 {SIZES} --steps 120 "
    f"--save-every {EVERY} --keep 3"
)

# Saves one checkpoint after the other, each of the number of its step, as fast as it can.
SAVES = """
import sys
from pathlib import Path
import numpy as np
from train.runs import checkpoint
folder = Path(sys.argv[1])
for step in range(int(sys.argv[2]), 10**6):
    params = {"kernel": np.full((300, 300), step, np.float32)}
    checkpoint.save(folder, {"params": params}, {"step": step}, keep=2)
    if step == int(sys.argv[2]):
        print("saved", flush=True)
"""


def test_a_checkpoint_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    draw, last, cut = random.Random(0), 0, 0
    for _ in range(20):
        with subprocess.Popen(
            [sys.executable, "-c", SAVES, tmp_path, str(last)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None and writer.stdout.readline() == "saved\n"
            time.sleep(draw.uniform(0.0, 0.1))
            writer.kill()
        cut += (tmp_path / f"{NAME}.partial").exists()
        step = read_whole(tmp_path / NAME)["step"]
        assert step >= last
        tensors = load_file(tmp_path / NAME)
        assert (tensors["params/kernel"] == step).all()
        for older in tmp_path.glob("checkpoint-*.safetensors"):
            read_whole(older)
        last = step
    assert cut > 0  # some died inside the writing


def command(said: Path, *words: str) -> subprocess.Popen[bytes]:
    """The command begun; what goes wrong is in the file ``said``."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with said.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "twinformer", *words],
            stdout=subprocess.DEVNULL,
            stderr=file,
            env=environment,
        )


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_run_that_is_killed_again_and_again_is_the_run_that_was_not(framework: str, tmp_path: Path) -> None:
    """Each run is killed at random moments, resumed, killed again, until it ends; then the next begins."""
    whole, said = tmp_path / "whole", tmp_path / "said.txt"
    process = command(said, *TRAIN.split(), "--framework", framework, "--out", str(whole))
    assert process.wait() == 0
    draw, kills, inside, finished = random.Random(1), 0, 0, 0
    for run in folders(tmp_path):
        words = [*TRAIN.split(), "--framework", framework, "--out", str(run)]
        while True:
            process = command(said, *words)
            done = ended(process, run / framework, draw)
            if done:
                assert process.returncode == 0, said.read_text()
                break
            kills += 1
            inside += any(run.rglob("*.partial"))
            saved = run / framework / NAME
            if (run / "report.json").exists():  # killed while it printed
                break
            if saved.exists():
                step = read_whole(saved)["step"]
                rows = read_metrics(run / framework)
                assert not rows or rows[-1]["step"] + 1 - step <= EVERY
                words = ["resume", str(run)]
            elif run.exists() and words[0] == "train":
                words = [*words, "--overwrite"] if "--overwrite" not in words else words
        finished += 1
        assert not [finding for finding in verify(run) if finding.wrong]
        ours, theirs = (load_file(place / framework / NAME) for place in (whole, run))
        assert ours.keys() == theirs.keys() and all((ours[name] == theirs[name]).all() for name in ours)
        metrics = [(place / framework / "metrics.jsonl").read_bytes() for place in (whole, run)]
        assert metrics[0] == metrics[1]
        if kills >= KILLS:
            break
    print(f"{framework}: {kills} kills, {inside} inside the writing, {finished} runs to the same bits")


def folders(parent: Path) -> Iterator[Path]:
    number = 0
    while True:
        yield parent / f"run-{number}"
        number += 1


def ended(process: subprocess.Popen[bytes], place: Path, draw: random.Random) -> bool:
    """Whether it came to its end before it was killed, at a random moment after it began to save.

    What is killed while JAX compiles has taken no step, and would never come to an end.
    """
    before = saved(place)
    while process.poll() is None:
        if saved(place) != before:
            break
        if draw.random() < 0.0005:  # now and then before that
            break
        time.sleep(0.01)
    try:
        process.wait(draw.uniform(0.0, 1.5))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


def saved(place: Path) -> dict[str, int]:
    """The checkpoints that are there, whole or in part, and when they were written."""
    found = {}
    for path in place.glob("checkpoint*"):
        with suppress(FileNotFoundError):  # it was moved
            found[path.name] = path.stat().st_mtime_ns
    return found
