"""Bits per byte are the model's, whatever the windows; and one probability has many perplexities."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from rich.console import Console

import data
from data.batches.windows import Stream, cut
from parity_tests.tests.study.playing import log_softmax, made, opened
from parity_tests.tests.study.test_attention import TEXTS
from parity_tests.tests.train.test_train_hugging_face import make
from study.play.bits import cuts, measure, windows
from study.play.language import open_language
from study.play.texts import lost, read_file, refuse_unknown
from train.config import ConfigError
from train.runs.errors import RunError
from train.runs.hugging_face import import_run
from train.runs.load import Run

POSITIONS, CONSOLE = 32, Console(quiet=True)
TEXT = "the cat sat on a mat , naïve 猫 🙂 <|endoftext|>"


@pytest.fixture(scope="module")
def gpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("runs") / "gpt", data.train_bpe(TEXTS, 280))


def nats(run: Run, ids: list[int]) -> float:
    """- log P(ids after the first), by one forward."""
    logs = log_softmax(run, [ids[:-1]])[0]
    return -float(logs[np.arange(len(ids) - 1), ids[1:]].sum())


def test_both_frameworks_give_the_model_s_own_figure(gpt: Path) -> None:
    text = "the cat sat on a mat"
    for framework in ("jax", "torch"):
        run, language = opened(gpt, framework)
        found = measure(run, language, [text, "a dog"], POSITIONS, CONSOLE)
        expected = sum(nats(run, language.begin + ids) for ids in language.encode([text, "a dog"]))
        assert found.nats == pytest.approx(expected, rel=1e-5)
        assert found.bytes == len(text) + 5 and found.words == 8
        assert found.bits_per_byte == pytest.approx(expected / math.log(2) / found.bytes, rel=1e-5)
        each = found.perplexity("bytes"), found.perplexity("tokens")
        assert each[0] == pytest.approx(2**found.bits_per_byte)
        assert each[1] == pytest.approx(math.exp(expected / found.tokens), rel=1e-5)


def test_an_imported_run_costs_what_transformers_says(tmp_path: Path) -> None:
    make("GPT2LMHeadModel", tmp_path / "source")
    import_run(tmp_path / "source", tmp_path / "run")
    run, language = opened(tmp_path / "run")
    (ids,) = language.encode(["the cat sat"])
    theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "source").eval()
    row = torch.tensor([language.begin + ids])
    with torch.no_grad():
        loss = theirs(row, labels=row).loss.item()  # a mean over all but the first
    found = measure(run, language, ["the cat sat"], language.positions, CONSOLE)
    assert found.nats / found.tokens == pytest.approx(loss, rel=1e-5)


def test_a_model_that_overflows_is_refused(gpt: Path) -> None:
    run, language = opened(gpt)
    run = replace(run, outputs=lambda ids: np.full((*ids.shape, 280), np.nan, np.float32))
    with pytest.raises(RunError, match="its model gives nan: its weights are of no use"):
        measure(run, language, ["the cat"], POSITIONS, CONSOLE)


def test_tokens_that_a_model_lacks_are_refused(gpt: Path) -> None:
    run, language = opened(gpt)
    wide = replace(language, tokenizer=data.train_bpe([*TEXTS, "zebra zebra zebra zebra"], 290))
    with pytest.raises(data.DataError, match="is outside 0 to 279"):
        measure(run, wide, [*TEXTS, "a zebra"], POSITIONS, CONSOLE)


def test_a_model_that_knows_nothing_costs_the_logarithm_of_its_vocabulary(tmp_path: Path, gpt: Path) -> None:
    folder = made(tmp_path / "run", open_language(gpt).tokenizer, scale=0.0)
    run, language = opened(folder)
    found = measure(run, language, [TEXT * 5], 20, CONSOLE)
    assert found.perplexity("tokens") == pytest.approx(language.config.vocab)
    assert found.bytes == len((TEXT * 5).encode())


@pytest.mark.parametrize("length", [1, 5, 32, 33, 34, 64, 65, 100])
@pytest.mark.parametrize("stride", [1, 7, 31, 32])
def test_each_token_is_predicted_once_from_as_much_as_promised(length: int, stride: int) -> None:
    stream = list(range(length + 1))
    found = [*windows(stream, POSITIONS, stride)]
    assert [token for _, tokens in found for token in tokens] == stream[1:]
    for number, (before, tokens) in enumerate(found):
        read = [*before, *tokens[:-1]]
        assert len(read) <= POSITIONS and read == list(range(read[0], read[0] + len(read)))
        assert [*before, *tokens][len(before)] == before[-1] + 1
        if number:
            assert len(before) == POSITIONS - stride + 1 and len(tokens) <= stride


def test_windows_that_do_not_overlap_are_those_of_training() -> None:
    tokens = np.arange(3 * POSITIONS + 1, dtype=np.int32)
    theirs = cut(Stream(tokens, np.ones_like(tokens)), POSITIONS)
    ours = [*windows(tokens.tolist(), POSITIONS, POSITIONS)]
    assert [[*before, *after[:-1]] for before, after in ours] == theirs.ids.tolist()
    assert [after for _, after in ours] == theirs.labels.tolist()


def test_the_stride_changes_what_is_read_and_not_what_is_counted(gpt: Path) -> None:
    run, language = opened(gpt)
    found = [measure(run, language, [TEXT * 6], stride, CONSOLE) for stride in (POSITIONS, 8)]
    assert found[0].tokens == found[1].tokens and found[0].bytes == found[1].bytes
    assert found[0].nats != found[1].nats


def test_fewer_merges_are_the_tokenizer_of_a_smaller_vocabulary(gpt: Path) -> None:
    run, language = opened(gpt)
    bits = measure(run, language, TEXTS, POSITIONS, CONSOLE)
    found = cuts(language, bits, TEXTS)
    assert found[0].tokens == bits.bytes and found[-1].tokens == bits.tokens
    assert len({cut.tokens for cut in found}) == len(found)
    for one in found:
        smaller = data.train_bpe(TEXTS, one.vocab)
        assert one.tokens == sum(len(smaller.encode(text).ids) for text in TEXTS)
        assert one.tokens * math.log(one.perplexity) == pytest.approx(bits.nats)


def test_what_a_tokenizer_loses_is_said_or_refused(tmp_path: Path) -> None:
    folder = made(tmp_path / "run", data.train_tokenizer(TEXTS, 90))
    language = open_language(folder)
    assert lost(language, ["the cat"]) is None
    assert lost(language, ["the cat", "a Dog"]) == "'Dog' becomes 'dog'"
    assert lost(language, ["the  cat"]) == "spaces are lost"
    refuse_unknown(language, ["the cat"])
    with pytest.raises(ConfigError, match=r"no token for 1 parts of the texts, which all become '\[UNK\]'"):
        refuse_unknown(language, ["the cat", "a 猫 sat"])


def test_a_byte_level_tokenizer_loses_nothing(gpt: Path) -> None:
    language = open_language(gpt)
    refuse_unknown(language, [TEXT])
    assert lost(language, [TEXT]) is None
    assert language.begin[0] not in language.encode([TEXT])[0]  # the name of the end is text


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\r\ntwo\n")
    assert read_file(tmp_path / "a.txt") == "one\r\ntwo\n"
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe")
    for name, said in {"b.txt": "UTF-8", "none": "No such file", "": "it is no plain file"}.items():
        with pytest.raises(ConfigError, match=said):
            read_file(tmp_path / name)


def test_the_figures_as_json(gpt: Path) -> None:
    run, language = opened(gpt)
    found = json.loads(json.dumps(measure(run, language, [TEXT], POSITIONS, CONSOLE).to_json()))
    assert found["bits_per_byte"] == pytest.approx(found["nats"] / math.log(2) / found["bytes"])
