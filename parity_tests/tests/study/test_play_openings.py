"""A text after several openings: its words' log-probabilities are the model's, and the fewest decide."""

import json
from pathlib import Path

import numpy as np
import pytest

import data
from parity_tests.tests.study.playing import LLAMA, log_softmax, made, opened
from parity_tests.tests.study.test_attention import TEXTS
from study.play.openings import DECIDE, Openings, joined, score
from study.play.page import openings_page
from train.config import ConfigError

TEXT, UNDER = "sat on the barking mat", ["the cat", "", "the dog </script><b>"]


@pytest.fixture(scope="module")
def gpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("runs") / "gpt", data.train_bpe(TEXTS, 280), **LLAMA)


def test_the_words_are_those_of_the_text_and_add_up_to_its_log_probability(gpt: Path) -> None:
    for framework in ("jax", "torch"):
        run, language = opened(gpt, framework)
        found = score(run, language, TEXT, UNDER)
        assert list(found.words) == TEXT.split()
        for opening, total in zip(UNDER, found.totals, strict=True):
            before = language.prompts([opening])[0]
            (ids,) = language.encode([f" {TEXT}"])
            logs = log_softmax(run, [[*before, *ids]])[0]
            expected = logs[len(before) - 1 + np.arange(len(ids)), ids].sum()
            assert total == pytest.approx(expected, rel=1e-5)
    assert len(ids) > len(found.words)  # some words are several tokens


def test_a_word_has_all_its_tokens(gpt: Path) -> None:
    run, language = opened(gpt)
    whole = score(run, language, "the barking mat", ["a"]).log_probs[0]
    cut = score(run, language, "the barking", ["a"]).log_probs[0]
    np.testing.assert_allclose(whole[:2], cut, rtol=1e-5)


def test_the_fewest_words_that_make_up_half_decide() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        found = Openings(("a", "b"), tuple("abcdefgh"), rng.normal(size=(2, 8)))
        size, deciding = np.abs(found.differences(1)), found.deciding(1)
        assert size[deciding].sum() >= DECIDE * size.sum() > size[deciding[:-1]].sum()
        assert size[deciding].min() >= np.delete(size, deciding).max()
        assert found.differences(1).sum() == pytest.approx(found.totals[1] - found.totals[0])


def test_nothing_decides_between_an_opening_and_itself(gpt: Path) -> None:
    run, language = opened(gpt)
    found = score(run, language, TEXT, ["the cat", "the cat"])
    assert found.deciding(1) == [] and not found.differences(1).any()


def test_a_text_that_is_too_long_after_an_opening_is_refused(gpt: Path) -> None:
    _, language = opened(gpt)
    joined(language, TEXT, ["the"])
    with pytest.raises(ConfigError, match=r"under='the cat the .* the model has 32 positions: shorten"):
        joined(language, TEXT, ["the", "the cat " * 20])


def test_the_page_escapes_texts_and_has_all_figures(gpt: Path) -> None:
    run, language = opened(gpt)
    found = score(run, language, "sat </script><b>on", UNDER)
    page = openings_page(found, "torch")
    assert "http" not in page and page.count("</script>") == 1 and "<b>" not in page.partition("<script>")[0]
    script = page.partition("const known = ")[2].partition(";\n")[0]
    known = json.loads(script)
    assert "<" not in script
    np.testing.assert_array_equal(known["log_probs"], found.log_probs)
    assert known["openings"] == UNDER and known["words"] == ["sat", "</script><b>on"]
    assert known["deciding"] == [found.deciding(number) for number in range(3)] and known["deciding"][0] == []
