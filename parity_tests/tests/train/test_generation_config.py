"""How a model writes, by generation_config.json: as `generate` of `transformers` does, or it is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import data
import train
from parity_tests.tests.train.test_train_hugging_face import make
from train.config import FRAMEWORKS
from train.runs.generation_config import ASKED, IDS, NEUTRAL, generation
from train.runs.hugging_face import export_run, import_run
from twinformer.cli import status

CONFIG, GENERATION = "config.json", "generation_config.json"
PROMPT, NEW = [40, 41, 42, 43, 44, 45], 12


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generation") / "source"
    make("GPT2LMHeadModel", folder, n_positions=24)
    return folder


@pytest.fixture(scope="module")
def free(source: Path, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """What it writes if nothing ends it: tokens of which several are different."""
    folder = says(source, tmp_path_factory.mktemp("free") / "free", {}, {})
    written = theirs(folder)
    assert len(written) == NEW and len({*written}) > 5
    return list(dict.fromkeys(written))


def says(source: Path, folder: Path, config: dict[str, Any], generating: dict[str, Any] | None) -> Path:
    """The folder with other ends in config.json, and with this generation_config.json or without one."""
    shutil.copytree(source, folder)
    fields = json.loads((folder / CONFIG).read_text())
    kept = {name: value for name, value in fields.items() if name not in IDS}
    (folder / CONFIG).write_text(json.dumps(kept | config))
    (folder / GENERATION).unlink()
    if generating is not None:
        (folder / GENERATION).write_text(json.dumps(generating))
    return folder


def theirs(folder: Path) -> list[int]:
    """The tokens that their model writes after the prompt, the likeliest ones."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.tensor([PROMPT])
    how = {"max_new_tokens": NEW, "do_sample": False, "attention_mask": torch.ones_like(ids)}
    return model.generate(ids, **how)[0, len(PROMPT) :].tolist()


# What config.json and generation_config.json say, with numbers of what is written without an end.
ENDS: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "one": ({}, {"eos_token_id": 2}),
    "several": ({}, {"eos_token_id": [99, 4, 3]}),
    "several, the last one first": ({}, {"eos_token_id": [5, 1]}),
    "config.json alone": ({"eos_token_id": 3}, None),
    "several in config.json alone": ({"eos_token_id": [4, 3]}, None),
    "each another": ({"eos_token_id": 1}, {"eos_token_id": 4}),
    "none in the file that counts": ({"eos_token_id": 1}, {}),
    "null in the file that counts": ({"eos_token_id": 1}, {"eos_token_id": None}),
    "none at all": ({}, None),
    "of another vocabulary": ({}, {"eos_token_id": 50256}),
    "some of another vocabulary": ({}, {"eos_token_id": [50256, 2]}),
    "more that changes nothing": (
        {"repetition_penalty": 1.3},  # of the file that does not count
        {
            "eos_token_id": 2,
            "repetition_penalty": 1.0,
            "num_beams": 1,
            "temperature": 0.6,
            "length_penalty": 2.0,
        },
    ),
}


def numbered(said: dict[str, Any] | None, free: list[int]) -> Any:
    """The settings with tokens in the place of their numbers."""
    if said is None or (ends := said.get("eos_token_id")) is None:
        return said
    found = [free[number] if number < len(free) else number for number in np.atleast_1d(ends).tolist()]
    return said | {"eos_token_id": found if isinstance(ends, list) else found[0]}


@pytest.mark.parametrize("name", ENDS)
def test_greedy_text_ends_where_theirs_does(name: str, source: Path, free: list[int], tmp_path: Path) -> None:
    config, generating = (numbered(said, free) for said in ENDS[name])
    folder = says(source, tmp_path / "folder", config, generating)
    expected = theirs(folder)
    import_run(folder, tmp_path / "run")
    tokenizer = data.load_tokenizer(folder / "tokenizer.json")
    counting = config if generating is None else generating
    ends = np.atleast_1d(counting.get("eos_token_id") or [])
    if len(expected) < NEW:
        assert expected.pop() in ends
    for framework in FRAMEWORKS if name == "several" else FRAMEWORKS[1:]:
        found = train.load(tmp_path / "run", framework)
        assert found.generate(tokenizer.decode(PROMPT), temperature=0.0, new=NEW) == [
            tokenizer.decode(expected)
        ]
    export_run(tmp_path / "run", tmp_path / "export")
    again = theirs(tmp_path / "export")
    assert again[: len(expected)] == expected and len(again) - len(expected) == (len(expected) < NEW)


LOUD: dict[str, Any] = {
    **dict.fromkeys(("repetition_penalty", "encoder_repetition_penalty", "guidance_scale"), 1.3),
    **dict.fromkeys(("typical_p", "min_p", "top_h", "epsilon_cutoff", "eta_cutoff", "penalty_alpha"), 0.5),
    **dict.fromkeys(("min_length", "min_new_tokens", "no_repeat_ngram_size", "num_beams"), 2),
    **dict.fromkeys(("encoder_no_repeat_ngram_size", "num_beam_groups", "max_time"), 2),
    **dict.fromkeys(("token_healing", "force_bos_token_to_be_generated", "use_mtp"), True),
    "suppress_tokens": [7],
    "begin_suppress_tokens": [7],
    **dict.fromkeys(("forced_bos_token_id", "forced_eos_token_id"), 7),
    "bad_words_ids": [[7]],
    "force_words_ids": [[7]],
    "sequence_bias": [[[7], -9.0]],
    "exponential_decay_length_penalty": [5, 1.1],
    "stop_strings": ["."],
    "constraints": [{}],
    "dola_layers": "high",
    "watermarking_config": {"bias": 2.5},
    "cache_implementation": "quantized",
}
# Those of their GenerationConfig that change nothing where the likeliest token of a GPT is taken, each time.
WITHOUT_EFFECT = {
    "of beams alone": {"early_stopping", "length_penalty", "diversity_penalty", "low_memory"},
    "of encoder-decoders": {"decoder_start_token_id"},
    "of speed and memory": {
        *("use_cache", "cache_config", "max_cache_len", "prefill_chunk_size", "compile_config"),
        *("disable_compile", "continuous_batching_config"),
    },
    "of a second model's guesses, which the first one confirms": {
        *("is_assistant", "num_assistant_tokens", "num_assistant_tokens_schedule", "assistant_early_exit"),
        *("assistant_confidence_threshold", "prompt_lookup_num_tokens", "max_matching_ngram_size"),
        *("assistant_lookbehind", "target_lookbehind", "assistant_ensemble_weight", "speculation_type"),
    },
    "of what is returned": {
        *("output_attentions", "output_hidden_states", "output_scores", "output_logits"),
        "return_dict_in_generate",
    },
    "of numbers that are finite": {"remove_invalid_values"},
    "of the order of logits, which stays": {"renormalize_logits"},
    "of the file": {"transformers_version"},
}


def test_every_setting_of_theirs_is_accounted_for() -> None:
    told = {name for name in vars(transformers.GenerationConfig()) if not name.startswith("_")}
    ours = {*IDS, *ASKED, *NEUTRAL, *(name for names in WITHOUT_EFFECT.values() for name in names)}
    assert told - ours == set()
    assert {*LOUD} == {*NEUTRAL}


@pytest.mark.parametrize("file", [CONFIG, GENERATION])
@pytest.mark.parametrize("key", NEUTRAL)
def test_what_would_change_the_text_is_refused(key: str, file: str) -> None:
    def said(value: Any) -> dict[str, Any]:
        fields = {"eos_token_id": 3, key: value}
        return generation(fields, None, 10) if file == CONFIG else generation({}, fields, 10)

    for value in (None, *NEUTRAL[key]):
        assert said(value) == {"eos_token_id": 3}
    with pytest.raises(data.DataError) as error:
        said(LOUD[key])
    assert str(error.value).startswith(
        f"{file} says {key}={LOUD[key]!r}, which ours does not do when it writes: "
    )


def test_the_import_refuses_it_where_the_model_writes(source: Path, tmp_path: Path) -> None:
    folder = says(source, tmp_path / "folder", {}, {"repetition_penalty": 1.3})
    with pytest.raises(
        data.DataError, match=r"penalty=1\.3, .*: set it to 1\.0 to have the texts without it"
    ):
        import_run(folder, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    make("BertForMaskedLM", tmp_path / "bert")
    (tmp_path / "bert" / GENERATION).write_text(json.dumps({"repetition_penalty": 1.3}))
    import_run(tmp_path / "bert", tmp_path / "run")
    assert not (tmp_path / "run" / GENERATION).exists()


def test_the_import_shows_what_a_user_is_to_say_anew(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said = {"eos_token_id": 0, "temperature": 0.6, "top_p": "[/red]"}
    folder = says(source, tmp_path / "folder", {}, said)
    assert status(["import", str(folder), str(tmp_path / "run")]) == 0
    note = "Of how it writes its files say temperature=0.6, top_p='[/red]': twinformer generate has it as"
    assert note in capsys.readouterr().out
    export_run(tmp_path / "run", tmp_path / "export")
    assert json.loads((tmp_path / "export" / GENERATION).read_text()) == said


@pytest.mark.parametrize("value", ["3", [3, "4"], True, 1.5, {"0": 1}])
def test_an_end_that_is_no_token_is_refused(value: Any) -> None:
    with pytest.raises(
        data.DataError, match=r"generation_config\.json says eos_token_id=.*: give the number"
    ):
        generation({}, {"eos_token_id": value}, 10)
