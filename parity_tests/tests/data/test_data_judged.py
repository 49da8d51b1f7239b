"""A tokenizer.json that would explode is refused before it is built."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, normalizers

from data.errors import DataError
from data.tokenizers.classes import QWEN
from data.tokenizers.files import load_tokenizer
from data.tokenizers.judged import judge, judge_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        QWEN,
        r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",  # GPT-2
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{M}]*[\p{Ll}\p{M}]+(?i:'s|'t|'re)?| ?[^\s\p{L}]+[\r\n/]*|\s+",
        r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))",
        *("(?=(\\d{3})+(?!\\d))", "[0-9][0-9][0-9]", "[一-龥぀-ゟ゠-ヿ]+", " {2,}", "\\n", r"[(]+|[)]+|\++"),
    ],
)
def test_patterns_of_known_tokenizers_are_fine(pattern: str) -> None:
    judge_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"(a+)+$", r"(a|a)*$", r"(a|aa)+b", r"(?:a*)*", r"(?:(?:a+)b?)+", r"(a*a*a*a*a*)b", r"([a-z]+)*\d"),
        *(r"(\w+\s?)*$", r"(a)\1", r"(?<x>a)\k<x>", r"(?:a{1,1000}){1,1000}", r"a{100000}", "(x+x+)+y"),
        *(r"((a+)+)+", r"(?>a+)*(b|c)+", r"a*?a*?a*?a*?a*?b", r"(?i)(a+)+", r"\g<0>", r"(?:a?){64}a{64}"),
    ],
)
def test_patterns_that_explode_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="can explode"):
        judge_pattern(pattern)


def test_a_pattern_is_found_wherever_it_stands(tmp_path: Path) -> None:
    split = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
    fields: dict[str, Any] = json.loads(Tokenizer(models.BPE({"a": 0}, [])).to_str())
    fields["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [{"type": "Sequence", "pretokenizers": [split]}],
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(fields))
    with pytest.raises(DataError, match=r"tokenizer\.json is refused, as the pattern .*can explode"):
        load_tokenizer(tmp_path)
    with pytest.raises(ValueError, match="no text of 2000 letters"):
        judge({"normalizer": {"pattern": {"Regex": "a" * 2001}}})


def test_replacements_that_double_a_text_many_times_are_refused() -> None:
    def doubled(times: int) -> dict[str, Any]:
        tokenizer = Tokenizer(models.BPE({"a": 0}, []))
        tokenizer.normalizer = normalizers.Sequence([normalizers.Replace("a", "aa")] * times)
        return json.loads(tokenizer.to_str())

    judge(doubled(6))
    with pytest.raises(ValueError, match="make 1,099,511,627,776 letters of one"):
        judge(doubled(40))
