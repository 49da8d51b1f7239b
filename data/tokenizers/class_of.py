"""Which class of Hugging Face's runs a folder's vocabulary, and which of its settings ours has."""

from data.errors import DataError
from data.tokenizers.beside import CONFIG, Beside, Settings
from data.tokenizers.classes import CLASSES, MODELS, OF_KIND, fits

WHOLE = ("PreTrainedTokenizerFast", "TokenizersBackend", "PreTrainedTokenizer", "PythonBackend")
"""Classes that run tokenizer.json as it is."""
AS_IT_IS = ("mistral",)  # kinds that do whatever the class is
STRICT = ("qwen2",)  # kinds whose own class is taken whatever the class is
FILES = {"WordPiece": ("vocab.txt",), "BPE": ("vocab.json", "merges.txt")}  # without a tokenizer.json
# Settings of tokenizer_config.json with which `transformers` does what ours cannot, if they say anything.
REFUSED = {
    "auto_map": "ours runs no code of a checkpoint; take it out if the class does without",
    "split_special_tokens": "ours meets special tokens in texts; take it out if that is meant",
    "fix_mistral_regex": "write the mended pattern into tokenizer.json, and take it out",
    "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output": "take it out",
    **dict.fromkeys(
        ("init_inputs", "vocab", "merges", "tokenizer_object", "gguf_file", "tokenizer_padding",
         "tokenizer_truncation", "post_processor"),
        "that belongs into tokenizer.json; take it out",
    ),
}  # fmt: skip
FLAGS = (  # true, false, or null for the default
    "do_lower_case", "strip_accents", "tokenize_chinese_chars", "add_prefix_space", "legacy", "add_bos_token",
    "add_eos_token", "trim_offsets", "clean_up_tokenization_spaces",
)  # fmt: skip


def refuse_settings(said: Beside) -> None:
    """Raise `DataError` on a setting of tokenizer_config.json that ours has not, or of another kind."""
    for key, remedy in REFUSED.items():
        if said.config.get(key):
            raise said.refusal(CONFIG, key, said.config[key], remedy)
    for key in FLAGS:
        if not isinstance(said.config.get(key), bool | None):
            raise said.refusal(CONFIG, key, said.config[key], "give true or false")
    files = said.config.get("fast_tokenizer_files", [])
    if files not in ([], ["tokenizer.json"]):
        raise said.refusal(CONFIG, "fast_tokenizer_files", files, "name the right one tokenizer.json")


def class_of(said: Beside, fields: Settings) -> str | None:
    """The class that runs the vocabulary; None: the tokenizer.json that says ``fields``, as it is.

    tokenizer_config.json names it, or config.json, or the kind of the model has one. Raises `DataError` on
    one that ours does not know, or whose vocabulary is of another form.
    """
    kind, own = said.model["model_type"], OF_KIND.get(said.model["model_type"])
    file = CONFIG if said.config.get("tokenizer_class") else "config.json"
    given = said.config.get("tokenizer_class") or said.model.get("tokenizer_class")
    if given is not None and given not in WHOLE and str(given).removesuffix("Fast") not in CLASSES:
        known = ", ".join((*CLASSES, WHOLE[0]))
        remedy = f"ours knows {known}; name the last if tokenizer.json says all that the class does"
        raise said.refusal(file, "tokenizer_class", given, remedy)
    name = own if given is None or kind in STRICT else given.removesuffix("Fast")
    if kind in AS_IT_IS or name not in CLASSES:
        name = None
    if not fields:
        needed = ("tokenizer.json",) if name in (None, "LlamaTokenizer") else FILES[MODELS[name]]
        for missing in needed:
            if not (said.folder / missing).exists():
                whose = given or f"the tokenizer of {kind}"
                raise DataError(f"{said.folder} has no {missing}, which {whose} runs: put it there.")
        return name
    if name is None or fits(name, fields):
        return name
    if name == "LlamaTokenizer" and "ByteLevel" in str(fields):
        return None
    remedy = f"a {name} does not run a tokenizer.json of this form; put back the right one"
    if kind not in STRICT:
        remedy += f", or name {WHOLE[0]} as tokenizer_class in {CONFIG}, which runs any"
    if given:
        raise said.refusal(file, "tokenizer_class", given, remedy)
    raise said.refusal("config.json", "model_type", kind, remedy)
