"""The multiverse: probabilities are those of a full forward, masses add up to 1, the prompt is read once."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

import data
from parity_tests.tests.study.playing import LLAMA, log_softmax, made, opened
from parity_tests.tests.study.test_attention import TEXTS
from study.play import jax_branches, torch_branches
from study.play.growth import Growth
from study.play.language import Language, open_language
from study.play.multiverse import check_fits, grow
from study.play.page import multiverse_page
from study.play.tree import Node, Tree
from train.config import ConfigError
from train.runs.load import Run

PROMPT = "the cat sat"
GROWTH = Growth(branch=3, depth=3, threshold=0.0)


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = LLAMA | {"kv_heads": 1, "embed": 24, "head_dim": 8} if request.param == "llama" else {}
    return made(tmp_path_factory.mktemp("runs") / request.param, data.train_bpe(TEXTS, 280), **settings)


def tree(
    folder: Path, framework: Any, growth: Growth = GROWTH, prompt: str = PROMPT
) -> tuple[Run, Language, Tree]:
    run, language = opened(folder, framework)
    return run, language, grow(run, language, prompt, growth)


def mass(whole: Tree) -> float:
    return sum(node.mass for node in whole.leaves) + whole.pruned


@pytest.mark.parametrize("framework", ["jax", "torch"])
def test_every_probability_is_that_of_a_full_forward(folder: Path, framework: str) -> None:
    run, language, whole = tree(folder, framework)
    (prompt,) = language.prompts([PROMPT])
    nodes = [*whole.root.walk()]
    assert len(nodes) == 1 + 3 + 9 + 27
    width = len(prompt) + GROWTH.depth
    rows = [([*prompt, *node.path] + [0] * width)[:width] for node in nodes]
    for node, row in zip(nodes, log_softmax(run, rows), strict=True):
        each = [row[len(prompt) + place - 1, token] for place, token in enumerate(node.path)]
        assert node.mass == pytest.approx(np.exp(sum(each)), rel=1e-5)
        if node.path:
            assert node.probability == pytest.approx(np.exp(each[-1]), rel=1e-5)
        after = np.exp(row[len(prompt) + len(node.path) - 1])
        if node.entropy is None:
            assert len(node.path) == GROWTH.depth and not node.children
            continue
        assert node.entropy == pytest.approx(-(after * np.log(after)).sum(), rel=1e-5)
        assert sorted(after[[child.token for child in node.children]]) == pytest.approx(np.sort(after)[-3:])


def test_both_frameworks_grow_the_same_tree(folder: Path) -> None:
    (_, _, ours), (_, _, theirs) = (tree(folder, framework) for framework in ("jax", "torch"))
    for one, other in zip(ours.root.walk(), theirs.root.walk(), strict=True):
        assert one.path == other.path
        assert (one.mass, one.pruned) == pytest.approx((other.mass, other.pruned), rel=1e-5)


@pytest.mark.parametrize(
    "growth", [GROWTH, Growth(2, 6, 0.01), Growth(1, 1), Growth(5, 2, 0.5), Growth(400, 1)]
)
def test_leaves_and_what_is_pruned_add_up_to_one(folder: Path, growth: Growth) -> None:
    _, _, whole = tree(folder, "torch", growth)
    root = whole.root
    assert mass(whole) == pytest.approx(1.0, abs=1e-12)
    for level in range(growth.depth):
        nodes = [node for node in root.walk() if len(node.path) == level and node.children]
        assert len(nodes) <= growth.rows(level)
        assert all(node.mass >= growth.threshold for node in nodes)
    for node in root.walk():
        assert bool(node.children) == (len(node.path) < growth.depth and node.mass >= growth.threshold)
        assert (
            node.mass == pytest.approx(node.pruned + sum(child.mass for child in node.children))
            or not node.children
        )


@pytest.mark.parametrize("module", [jax_branches, torch_branches])
def test_the_prompt_is_read_once_and_a_level_at_a_time_after_it(
    folder: Path, module: Any, monkeypatch
) -> None:
    asked = []

    class Watched(module.Branches):
        def read(self, prompt: np.ndarray) -> np.ndarray:
            asked.append(("read", len(prompt)))
            return super().read(prompt)

        def extend(self, parents: np.ndarray, tokens: np.ndarray) -> np.ndarray:
            asked.append(("extend", len(tokens)))
            return super().extend(parents, tokens)

    monkeypatch.setattr(module, "Branches", Watched)
    _, language, _ = tree(folder, module.__name__.rpartition(".")[2].partition("_")[0])
    (prompt,) = language.prompts([PROMPT])
    assert asked == [("read", len(prompt)), ("extend", 3), ("extend", 9)]


def test_a_text_that_has_ended_goes_no_further(folder: Path) -> None:
    run, language, whole = tree(folder, "torch", Growth(2, 3, 0.0))
    end = whole.root.children[0].token
    ended = grow(run, replace(language, ends=language.ends._replace(ends=(end,))), PROMPT, Growth(2, 3, 0.0))
    first, second = ended.root.children
    assert not first.children and second.children and ended.to_json()["root"]["children"][0]["end"]
    assert mass(ended) == pytest.approx(1.0, abs=1e-12)


def test_the_last_position_is_used_and_no_more(folder: Path) -> None:
    language = open_language(folder)
    (prompt,) = language.prompts([PROMPT])
    room = language.positions + 1 - len(prompt)
    _, _, whole = tree(folder, "torch", Growth(1, room, 0.0))
    assert max(len(node.path) for node in whole.root.walk()) == room
    with pytest.raises(ConfigError, match=rf"depth={room + 1}: .* has room for {room}: give {room} or less"):
        check_fits(language, PROMPT, Growth(1, room + 1, 0.0))
    with pytest.raises(ConfigError, match="room for 0: shorten the prompt"):
        check_fits(language, "the cat " * 40, GROWTH)


def test_an_empty_prompt_begins_a_text(folder: Path) -> None:
    _, language, whole = tree(folder, "torch", Growth(2, 1), "")
    assert whole.root.token == language.ends.begin and len(whole.root.children) == 2


@pytest.mark.parametrize(
    ("growth", "said"),
    [
        (Growth(branch=0), "branch=0: give 1 or more"),
        (Growth(depth=0), "depth=0: give 1 or more"),
        (Growth(depth=65), "depth=65: give 1 or more, up to 64"),
        (Growth(threshold=float("nan")), "threshold=nan: give a probability"),
        (Growth(threshold=1.0), "threshold=1.0: give a probability"),
        (Growth(threshold=-0.1), "threshold=-0.1: give a probability"),
        (Growth(10, 6, 0.0), "more than 10,000 nodes"),
    ],
)
def test_growth_of_no_use_is_refused(growth: Growth, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        growth.check()


def test_what_does_not_fit_the_memory_is_refused(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr("study.play.multiverse.memory", lambda: 1e4)
    with pytest.raises(ConfigError, match=r"branch=3, depth=3, threshold=0.0: the branches take .* GB"):
        check_fits(open_language(folder), PROMPT, GROWTH)


def test_the_page_needs_nothing_else_and_shows_any_text(folder: Path) -> None:
    prompt = "a </script><b>&amp;"
    _, _, whole = tree(folder, "torch", Growth(2, 2, 0.0), prompt)
    page = multiverse_page(whole, "torch")
    assert "http" not in page and page.count("</script>") == 1 and "<b>" not in page.partition("<script>")[0]
    script = page.partition("const known = ")[2].partition(";\n")[0]
    known = json.loads(script)
    assert "<" not in script
    assert known["prompt"] == prompt and known["root"]["text"] == ""
    for shown, node in zip(known["root"]["children"], whole.root.children, strict=True):
        assert (shown["id"], shown["mass"]) == (node.token, node.mass)
        assert shown["text"] == whole.text(node)
        assert [one["mass"] for one in shown["children"]] == [child.mass for child in node.children]


@pytest.mark.parametrize("kind", ["bytes", "metaspace"])
def test_a_continuation_keeps_its_space(folder: Path, kind: str) -> None:
    language = open_language(folder)
    if kind == "metaspace":
        pieces = Tokenizer(models.WordLevel({"\u2581the": 0, "\u2581cat": 1, "?": 2}, "?"))
        pieces.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        pieces.decoder = decoders.Metaspace(prepend_scheme="first")
        language = replace(language, tokenizer=pieces)
    (before,), (after,) = language.encode(["the"]), language.encode([" cat"])
    node = Node(after[-1], 1.0, 1.0, tuple(after))
    assert Tree(language, "the", tuple(before), GROWTH, node).text(node) == " cat"
