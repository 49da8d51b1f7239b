"""Files beside a tokenizer: ids and texts are those of `transformers`, or a line says what is not ours."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import transformers
from tokenizers import Tokenizer

from data.errors import DataError
from data.tokenizers.beside import Beside
from data.tokenizers.class_of import REFUSED as REFUSED_KEYS
from data.tokenizers.pretrained import load_pretrained
from parity_tests.tests.data.odd_folders import (
    NAMED,
    SETTINGS,
    TOKENIZERS,
    compare,
    difference,
    trained,
    write,
)

BLOCK = 25  # folders a test


@pytest.fixture(autouse=True)
def quiet() -> None:
    transformers.logging.set_verbosity_error()


@pytest.mark.parametrize("first", range(0, 300, BLOCK))
def test_whatever_the_files_say_it_is_heard_or_refused(first: int, tmp_path: Path) -> None:
    found = []
    for number in range(first, first + BLOCK):
        (tmp_path / f"{number}").mkdir()
        kind, about = compare(number, tmp_path / f"{number}")
        assert kind != "DIFFERS", about
        found.append(kind)
    assert found.count("equal") > BLOCK / 3


@pytest.mark.parametrize("name", ["model", "config", "special", "added"])
def test_a_file_that_is_ignored_would_be_seen(name: str, tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}").mkdir()
        if compare(number, tmp_path / f"{number}", name)[0] == "DIFFERS":
            return
    pytest.fail(f"no folder tells whether {name} is read")


WITH_OLDER = [name for name, (_, kinds) in TOKENIZERS.items() if "llama" not in kinds]


@pytest.mark.parametrize(
    ("name", "form"), [*((name, "new") for name in TOKENIZERS), *((name, "old") for name in WITH_OLDER)]
)
def test_nasty_texts_have_their_ids(name: str, form: str, tmp_path: Path) -> None:
    tokenizer, kinds = Tokenizer.from_str(trained(name)), TOKENIZERS[name][1]
    write(tmp_path, tokenizer, form)
    for kind in kinds:
        model = {"model_type": kind}
        if name == "words" and kind == "gpt2":  # whose class runs no such
            model["tokenizer_class"] = "PreTrainedTokenizerFast"
        (tmp_path / "config.json").write_text(json.dumps(model))
        theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
        assert difference(load_pretrained(Beside(tmp_path, model), rows=1000).tokenizer, theirs) is None


CONFIG, ADDED = "tokenizer_config.json", "added_tokens.json"
KNOWN = "ours knows BertTokenizer, "
# The tokenizer, what its files say, and the line: the file, the key, its value and the remedy.
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "class": (
        "gpt2",
        {"config": {"tokenizer_class": "T5Tokenizer"}},
        f"/{CONFIG} says tokenizer_class='T5Tokenizer': {KNOWN}",
    ),
    "class in config.json": (
        "gpt2",
        {"model": {"tokenizer_class": "T5Tokenizer"}},
        "/config.json says tokenizer_class='T5Tokenizer': ",
    ),
    "class of another form": (
        "gpt2",
        {"config": {"tokenizer_class": "BertTokenizer"}},
        f"/{CONFIG} says tokenizer_class='BertTokenizer': a BertTokenizer does not run a "
        "tokenizer.json of this form; put back the right one, or name PreTrainedTokenizerFast as",
    ),
    "kind of another form": (
        "unigram",
        {"model": {"model_type": "gpt2"}},
        "/config.json says model_type='gpt2': a GPT2Tokenizer does not run",
    ),
    "Qwen2 of another form": (
        "unigram",
        {"model": {"model_type": "qwen2"}},
        "of this form; put back the right one.",
    ),
    "code": (
        "gpt2",
        {"config": {"auto_map": {"AutoTokenizer": ["x.y", None]}}},
        "auto_map={'AutoTokenizer': ['x.y', None]}: ours runs no code of a checkpoint",
    ),
    "split": ("gpt2", {"config": {"split_special_tokens": True}}, "split_special_tokens=True: "),
    "flag": ("bert", {"config": {"do_lower_case": "no"}}, "do_lower_case='no': give true or false."),
    "accents": ("bert", {"config": {"strip_accents": 3}}, "strip_accents=3: give true or false."),
    "files": (
        "gpt2",
        {"config": {"fast_tokenizer_files": ["tokenizer.4.0.json"]}},
        "fast_tokenizer_files=['tokenizer.4.0.json']: name the right one tokenizer.json.",
    ),
    "token": ("gpt2", {"config": {"pad_token": 3}}, f"/{CONFIG} says pad_token=3: give a token as text"),
    "empty token": ("gpt2", {"special": {"pad_token": ""}}, "pad_token='': give a token as text"),
    "token of a map": (
        "gpt2",
        {"special": {"pad_token": {"text": "x"}}},
        "/special_tokens_map.json says pad_token={'text': 'x'}: ",
    ),
    "extra": (
        "gpt2",
        {"config": {"extra_special_tokens": "x"}},
        "extra_special_tokens='x': give a list or tokens by name.",
    ),
    "no unknown": (
        "bert",
        {"config": {"unk_token": None}},
        "unk_token=None: a BertTokenizer needs one; name it.",
    ),
    "other unknown": (
        "bert",
        {"config": {"unk_token": "x-y"}},
        "lacks 'x-y', the token for what is unknown: name one that it has as unk_token in",
    ),
    "added elsewhere": (
        "gpt2",
        {"added": {"<new>": 7}},
        "the added token '<new>' is number 7 in its files, but 320 in the vocabulary: put back the",
    ),
    "added by text": (
        "gpt2",
        {"added": {"<new>": "7"}},
        f"/{ADDED} says '<new>'='7': give the number of a token.",
    ),
    "listed": (
        "gpt2",
        {"config": {"added_tokens_decoder": [3]}},
        "added_tokens_decoder=[3]: give settings by name.",
    ),
    "listed by text": (
        "gpt2",
        {"config": {"added_tokens_decoder": {"320": "<new>"}}},
        "give numbers their tokens' settings.",
    ),
    "listed by name": (
        "gpt2",
        {"config": {"added_tokens_decoder": {"x": {"content": "<new>"}}}},
        "give numbers their tokens' settings.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_ours_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    kind, said, words = REFUSED[name]
    write(tmp_path, Tokenizer.from_str(trained(kind)), "new")
    model = {"model_type": TOKENIZERS[kind][1][0]} | said.get("model", {})
    with pytest.raises(DataError) as error:
        load_pretrained(Beside(tmp_path, **(said | {"model": model})), rows=320)
    line = str(error.value)
    assert words in line and line.startswith(f"{tmp_path}") and "\n" not in line and len(line) < 500
    assert "write it again" not in line and "check the path" not in line


JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**20, "", "x", "\x00", [], ["x"], [3], [None], [["x"]], {}, {"a": 1}),
    *(
        [{"content": "x"}],
        {"content": ""},
        {"content": "x", "lstrip": "no"},
        {"content": 3},
        {"a_token": [1]},
    ),
    *(
        {"a_token": [1]},
        {"__type": "AddedToken"},
        {"content": "x", "q": 1},
        {"x": "y"},
        {"3": {"content": "z"}},
        {"-1": {}},
    ),
)
KEYS = (*SETTINGS, *NAMED, *REFUSED_KEYS, "added_tokens_decoder", "tokenizer_class", "x_token")


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_junk_is_taken_or_refused_in_a_line(
    first: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def some(draw: random.Random, share: float) -> dict[str, Any]:
        return {key: draw.choice(JUNK) for key in draw.sample(KEYS, 2) if draw.random() < share}

    names = [*TOKENIZERS]
    refused = 0
    for name in names:
        (tmp_path / name).mkdir()
        write(tmp_path / name, Tokenizer.from_str(trained(name)), "new")
    for number in range(first, first + 100):
        draw = random.Random(number)
        name = draw.choice(names)
        added = {draw.choice(["", "x", "the"]): draw.choice(JUNK)} if draw.random() < 0.2 else {}
        model = {"model_type": TOKENIZERS[name][1][0]}
        said = Beside(tmp_path / name, model, some(draw, 0.7), some(draw, 0.3), added)
        try:
            tokenizer = Tokenizer.from_str(load_pretrained(said, rows=1000).tokenizer.to_str())
            tokenizer.encode("the cat <new>")
        except DataError as error:
            assert "\n" not in str(error) and len(str(error)) < 600
            refused += 1
    assert 20 < refused < 95
    assert not capfd.readouterr().err


def test_older_files_of_another_class_are_named(tmp_path: Path) -> None:
    write(tmp_path, Tokenizer.from_str(trained("bert")), "old")
    for model, words in (
        ({"model_type": "gpt2"}, "has no vocab.json, which the tokenizer of gpt2 runs: put it there."),
        ({"model_type": "llama"}, "has no tokenizer.json, which the tokenizer of llama runs: "),
        (
            {"model_type": "bert", "tokenizer_class": "LlamaTokenizer"},
            "has no tokenizer.json, which LlamaTok",
        ),
    ):
        with pytest.raises(DataError, match=words):
            load_pretrained(Beside(tmp_path, model), rows=1000)


def test_a_mark_that_neither_vocabulary_nor_model_has_is_named(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[UNK]\n[SEP]\nthe\n")
    with pytest.raises(
        DataError, match=r"needs '\[CLS\]', but the vocabulary lacks it, and the model has no row"
    ):
        load_pretrained(Beside(tmp_path, {"model_type": "bert"}), rows=3)
    found = load_pretrained(Beside(tmp_path, {"model_type": "bert"}), rows=6).tokenizer
    assert found.encode("the").ids == [4, 2, 1]  # [PAD] is 3


@pytest.mark.parametrize("name", ["tokenizer.model", "tekken.json"])
def test_a_tokenizer_that_transformers_alone_reads_is_named_with_the_way_out(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(b"\x0a")
    with pytest.raises(DataError) as error:
        load_pretrained(Beside(tmp_path, {"model_type": "llama"}), rows=1000)
    assert str(error.value) == (
        f"{tmp_path} holds {name} alone, which ours does not read: make its tokenizer.json: "
        f"AutoTokenizer.from_pretrained('{tmp_path}').save_pretrained('{tmp_path}')."
    )
