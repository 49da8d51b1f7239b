"""Files beside a checkpoint of Hugging Face: one is ignored, or another has the last word."""

from parity_tests.tests.mutants.mutant import Edit, Mutant

BESIDE, CLASS, WRITES = (
    "data/tokenizers/beside.py",
    "data/tokenizers/class_of.py",
    "train/runs/generation_config.py",
)
ODD = "parity_tests/tests/data/test_data_beside.py::test_whatever_the_files_say_it_is_heard_or_refused[{}]"
ENDS = "parity_tests/tests/train/test_generation_config.py::test_greedy_text_ends_where_theirs_does[{}]"


def one(name: str, path: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, (Edit(path, old, new),), tests)


FILES_BESIDE: tuple[Mutant, ...] = (
    one(
        "special_tokens_map.json is ignored",
        BESIDE,
        "for name, value in said.special.items():",
        "for name, value in ():",
        *(ODD.format(first) for first in range(0, 100, 25)),
    ),
    one(
        "added tokens are all special",
        BESIDE,
        "normalized=token not in special, special=token in special",
        "normalized=False, special=True",
        *(ODD.format(first) for first in range(0, 300, 25)),
    ),
    one(
        "the class that config.json names is ignored",
        CLASS,
        'or said.model.get("tokenizer_class")',
        "or None",
        *(ODD.format(first) for first in range(0, 100, 25)),
    ),
    one(
        "special tokens come in another order",
        BESIDE,
        "dict.fromkeys((*NAMED, *named))",
        "dict.fromkeys(sorted(named))",
        *(ODD.format(first) for first in range(0, 100, 25)),
    ),
    one(
        "config.json goes before generation_config.json",
        WRITES,
        '("config.json", config) if generating is None',
        '("config.json", config) if generating is None or config.get("eos_token_id")',
        ENDS.format("each another"),
    ),
    one(
        "config.json says an end that generation_config.json does not",
        WRITES,
        "(GENERATION, generating)",
        "(GENERATION, config | generating)",
        ENDS.format("none in the file that counts"),
    ),
    one(
        "the first of several end tokens is kept",
        WRITES,
        "inside if len(inside) > 1 else inside[0]",
        "inside[0]",
        ENDS.format("several"),
    ),
    one(
        "a penalty is no reason to refuse",
        WRITES,
        "is not None and value not in neutral",
        "is not None and value not in neutral and neutral != (1.0,)",
        "parity_tests/tests/train/test_generation_config.py::test_what_would_change_the_text_is_refused",
    ),
)
