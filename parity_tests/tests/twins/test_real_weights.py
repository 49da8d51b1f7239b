"""A sentence encoder that others trained, MiniLM: as a run it computes what `transformers` computes."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import train
from train.config import FRAMEWORKS
from train.runs.hugging_face import import_run

FOLDER = os.environ.get("TWINFORMER_MINILM")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(FOLDER is None, reason="TWINFORMER_MINILM names no folder; make proof downloads it"),
]
# Two sentences each of eating, running animals and markets.
SENTENCES = [
    "A man is eating food.",
    "A man is eating a piece of bread.",
    "A cheetah is running behind its prey.",
    "A monkey is chasing another animal through the trees.",
    "Stocks fell sharply on Wall Street.",
    "Shares dropped in New York trading on Thursday, and the dollar with them.",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "minilm"
    import_run(Path(str(FOLDER)), out)
    return out


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_outputs_are_theirs_and_similar_sentences_are_near(run: Path, framework: str) -> None:
    opened = train.load(run, framework)
    encoded = [opened.tokenizer.encode(sentence).ids for sentence in SENTENCES]
    mask = np.arange(max(map(len, encoded)))[None, :] < np.array([[len(ids)] for ids in encoded])
    ids = np.zeros(mask.shape, np.int32)
    ids[mask] = np.concatenate(encoded)
    model: Any = transformers.BertModel.from_pretrained(FOLDER).eval()
    with torch.no_grad():
        theirs = model(torch.tensor(ids).long(), attention_mask=torch.tensor(mask).long())
    ours = opened.outputs(ids, mask)
    assert np.abs((ours.hidden - theirs.last_hidden_state.numpy()) * mask[:, :, None]).max() < 1e-5
    assert np.abs(ours.pooled - theirs.pooler_output.numpy()).max() < 1e-5
    vectors = (ours.hidden * mask[:, :, None]).sum(axis=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors.T
    pairs = cosines[[0, 2, 4], [1, 3, 5]]
    others = [cosines[i, j] for i in range(6) for j in range(6) if i // 2 != j // 2]
    assert pairs.min() > max(others) + 0.1
