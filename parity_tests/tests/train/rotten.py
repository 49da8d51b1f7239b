"""Rotten folders of Hugging Face: a table of a good tiny folder, what is done to it, and what has to be said.

As a program it makes them and imports each in a process of its own, and prints what came of it:
``python -m parity_tests.tests.train.rotten``.
"""

import collections
import io
import json
import math
import os
import pickle
import resource
import signal
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from shutil import copytree
from typing import Any, NamedTuple

import numpy as np

Harm = Callable[[Path], Any]
WEIGHTS, PICKLE, CONFIG, TOKENIZER = "model.safetensors", "pytorch_model.bin", "config.json", "tokenizer.json"
INDEX = "model.safetensors.index.json"
SECONDS, MEGABYTES = 2.0, 300  # that a refusal may take, and memory more than before
PATIENCE = 60  # seconds until it counts as hung


class Answer(NamedTuple):
    """What an import came to."""

    status: int | None
    """None: it hung, or its process died."""
    said: str
    seconds: float
    megabytes: float


def write(name: str, content: str | bytes) -> Harm:
    data = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(data)


def config(name: str = CONFIG, /, **changes: Any) -> Harm:
    """Settings changed in a JSON file; ... takes one out."""

    def harm(folder: Path) -> None:
        path = folder / name
        fields = (json.loads(path.read_text("utf-8")) if path.exists() else {}) | changes
        path.write_text(json.dumps({key: value for key, value in fields.items() if value is not ...}))

    return harm


def text(name: str, old: str, new: str) -> Harm:
    """The first place of a text changed."""

    def harm(folder: Path) -> None:
        content = (folder / name).read_text("utf-8")
        assert old in content
        (folder / name).write_text(content.replace(old, new, 1), "utf-8")

    return harm


def header(change: Callable[[dict[str, Any]], Any], length: int | None = None, cut: int = 0) -> Harm:
    """The header of the tensors changed."""

    def harm(folder: Path) -> None:
        content = (folder / WEIGHTS).read_bytes()
        size = int.from_bytes(content[:8], "little")
        fields = json.loads(content[8 : 8 + size])
        change(fields)
        encoded = json.dumps(fields).encode()
        begin = struct.pack("<Q", len(encoded) if length is None else length)
        (folder / WEIGHTS).write_bytes((begin + encoded + content[8 + size :])[: -cut or None])

    return harm


def arrays(change: Callable[[dict[str, np.ndarray]], Any]) -> Harm:
    """The tensors changed, and written as they should be."""

    def harm(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, folder / WEIGHTS)

    return harm


def filled(name: str, value: float) -> Harm:
    return arrays(lambda tensors: tensors[name].flat.__setitem__(0, value))


def pickled(content: Callable[[Path], bytes]) -> Harm:
    """A pickle instead of the tensors."""

    def harm(folder: Path) -> None:
        (folder / WEIGHTS).unlink()
        (folder / PICKLE).write_bytes(content(folder))

    return harm


def archive(compression: int = zipfile.ZIP_STORED, **entries: bytes) -> bytes:
    """A zip archive as PyTorch names its entries."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as opened:
        for name, content in entries.items():
            opened.writestr("archive/" + name.replace("__", "/").replace("_pkl", ".pkl"), content)
    return file.getvalue()


def bomb(_: Path) -> bytes:
    """A gigabyte of zeros in a megabyte."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
        with opened.open("archive/data/0", "w", force_zip64=True) as entry:
            for _ in range(1024):
                entry.write(bytes(1 << 20))
        opened.writestr("archive/data.pkl", view("0", 1 << 28, (1 << 14, 1 << 14)))
    return file.getvalue()


def view(
    key: str, count: int, shape: tuple[int, ...], name: str = "transformer.wte.weight", stride: int = 1
) -> bytes:
    """The program that makes one tensor, as PyTorch writes it."""

    def text(word: str) -> bytes:
        return b"X" + struct.pack("<I", len(word)) + word.encode()

    def number(value: int) -> bytes:
        content = value.to_bytes(9, "little", signed=True)
        return b"\x8a\x09" + content

    def tuple_of(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    strides = tuple(stride * math.prod(shape[place + 1 :]) for place in range(len(shape)))
    storage = (
        b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + number(count) + b"tQ"
    )
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(0) + tuple_of(shape) + tuple_of(strides)
    )
    return b"\x80\x02}(" + text(name) + tensor + b"\x89ccollections\nOrderedDict\n)RtRu."


def shards(places: Any) -> Harm:
    """An index instead of the tensors; they lie one folder up."""

    def harm(folder: Path) -> None:
        (folder / WEIGHTS).replace(folder.parent / f"{folder.name}.safetensors")
        (folder / INDEX).write_text(json.dumps(places))

    return harm


def regex(pattern: str, part: str = "pre_tokenizer") -> Harm:
    parts = {
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": pattern},
            "behavior": "Isolated",
            "invert": False,
        },
        "normalizer": {"type": "Replace", "pattern": {"Regex": pattern}, "content": "x"},
    }
    return config(TOKENIZER, **{part: parts[part]})


class Code:
    """Unpickling it would end the process."""

    def __reduce__(self) -> Any:
        return os._exit, (7,)


DOUBLING = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
DEEP = "[" * 100_000 + "]" * 100_000
WTE, BIAS = "transformer.wte.weight", "transformer.h.0.attn.c_attn.bias"
BOOL = "word_embeddings.weight"

# The good folder, what is done to it, and a word that has to be said.
TABLE: dict[str, tuple[str, Harm, str]] = {
    "config: missing": ("gpt", lambda f: (f / CONFIG).unlink(), "cannot read"),
    "config: empty": ("gpt", write(CONFIG, ""), "config.json is damaged"),
    "config: cut": ("gpt", write(CONFIG, '{"model_type": "gp'), "config.json is damaged"),
    "config: a list": ("gpt", write(CONFIG, "[1]"), "holds list"),
    "config: null": ("gpt", write(CONFIG, "null"), "holds NoneType"),
    "config: nested": ("gpt", write(CONFIG, '{"a": ' + DEEP + "}"), "nested deeper"),
    "config: not UTF-8": ("gpt", write(CONFIG, b'{"model_type": "\xff"}'), "config.json is damaged"),
    "config: huge": ("gpt", write(CONFIG, '{"a": "' + "x" * (1 << 24) + '"}'), "bytes, where"),
    "config: a folder": ("gpt", lambda f: ((f / CONFIG).unlink(), (f / CONFIG).mkdir()), "no plain file"),
    "config: a pipe": ("gpt", lambda f: ((f / CONFIG).unlink(), os.mkfifo(f / CONFIG)), "no plain file"),
    "config: a number of 5,000 digits": (
        "gpt",
        text(CONFIG, '"n_layer": 2', '"n_layer": ' + "9" * 5000),
        "digits",
    ),
    "config: twice": (
        "gpt",
        text(CONFIG, '"n_layer": 2', '"n_layer": 2, "n_layer": 3'),
        "stands in it twice",
    ),
    "config: half a letter": ("gpt", text(CONFIG, '"gpt2"', '"\\ud800"'), "surrogates"),
    "kind: unknown": ("gpt", config(model_type="t5"), "model_type='t5'"),
    "kind: a list": ("gpt", config(model_type=["gpt2"]), "model_type="),
    "kind: markup": ("gpt", config(model_type="[/][red]exp[lr=3]"), "[/][red]exp[lr=3]"),
    "kind: lines": ("gpt", config(model_type="a\nb\x1b[31m"), "model_type="),
    "layers: 10^9": ("gpt", config(n_layer=10**9), "n_layer=1000000000"),
    "layers: 10^9, Qwen": ("qwen", config(num_hidden_layers=10**9), "num_hidden_layers=1000000000"),
    "layers: one more": ("gpt", config(n_layer=3), "3 layers, but the tensors are of 2"),
    "layers: text": ("gpt", config(n_layer="2"), "n_layer='2'"),
    "layers: -1": ("gpt", config(n_layer=-1), "-1"),
    "layers: 2.0": ("gpt", config(n_layer=2.0), "n_layer=2.0"),
    "layers: true": ("gpt", config(n_layer=True), "n_layer=True"),
    "vocabulary: 10^12": ("gpt", config(vocab_size=10**12), "1000000000000"),
    "vocabulary: null": ("gpt", config(vocab_size=None), "None"),
    "positions: 10^12": (
        "llama",
        config(max_position_embeddings=10**12),
        "max_position_embeddings=1000000000000",
    ),
    "positions: 10^30": ("gpt", config(n_positions=10**30), "shape"),
    "heads: 0": ("gpt", config(n_head=0), "heads=0"),
    "heads: 5": ("gpt", config(n_head=5), "heads=5 does not divide"),
    "heads of keys: 10^9": ("llama", config(num_key_value_heads=10**9), "kv_heads=1000000000"),
    "segments: 10^9": ("bert", config(type_vocab_size=10**9), "1000000000"),
    "epsilon: NaN": ("gpt", text(CONFIG, '"layer_norm_epsilon": 1e-05', '"layer_norm_epsilon": NaN'), "NaN"),
    "epsilon: -1": ("gpt", config(layer_norm_epsilon=-1.0), "-1.0"),
    "epsilon: 0": ("gpt", config(layer_norm_epsilon=0), "above 0"),
    "epsilon: infinite": (
        "gpt",
        text(CONFIG, '"layer_norm_epsilon": 1e-05', '"layer_norm_epsilon": 1e999'),
        "1e999",
    ),
    "epsilon: text": ("gpt", config(layer_norm_epsilon="1e-5"), "layer_norm_epsilon='1e-5'"),
    "epsilon: true": ("gpt", config(layer_norm_epsilon=True), "layer_norm_epsilon=True"),
    "activation: a list": ("gpt", config(activation_function=["gelu"]), "activation"),
    "activation: unknown": ("gpt", config(activation_function="quick_gelu"), "quick_gelu"),
    "tied: text": ("gpt", config(tie_word_embeddings="no"), "tie_word_embeddings='no'"),
    "rotary: theta NaN": ("llama", text(CONFIG, '"rope_theta": 10000.0', '"rope_theta": NaN'), "NaN"),
    "rotary: theta 0": (
        "llama",
        config(rope_parameters={"rope_type": "default", "rope_theta": 0}),
        "theta=0",
    ),
    "rotary: theta text": ("llama", config(rope_parameters={"rope_theta": "many"}), "theta='many'"),
    "rotary: a list": ("llama", config(rope_parameters=["linear"]), "rope_parameters=['linear']"),
    "rotary: yarn": ("llama", config(rope_parameters={"type": "yarn", "factor": 2.0}), "yarn"),
    "rotary: factor text": ("llama", config(rope_parameters={"type": "linear", "factor": "2"}), "factor='2'"),
    "labels: a list": ("sequence", config(id2label=["a", "b", "c"]), "id2label"),
    "labels: numbers": ("sequence", config(id2label={"0": 1, "1": 2, "2": 3}), "id2label"),
    "labels: too few": ("sequence", config(id2label={"0": "a"}), "id2label names 1"),
    "labels: twice": ("sequence", config(id2label={"0": "a", "1": "a", "2": "b"}), "two classes the name"),
    "class: tokens": (
        "sequence",
        config(architectures=["BertForTokenClassification"]),
        "BertForTokenClassification",
    ),
    "class: choice": ("sequence", config(architectures=["BertForMultipleChoice"]), "BertForMultipleChoice"),
    "class: none": ("gpt", config(architectures=["GPT2Model"]), "GPT2Model"),
    "class: a number": ("gpt", config(architectures=[3]), "architectures="),
    "problem: unknown": ("sequence", config(problem_type="x"), "problem_type='x'"),
    "end: text": ("gpt", config(eos_token_id="0"), "eos_token_id='0'"),
    "tensors: missing": ("gpt", lambda f: (f / WEIGHTS).unlink(), "holds no model.safetensors"),
    "tensors: empty": ("gpt", write(WEIGHTS, b""), "is damaged"),
    "tensors: cut": ("gpt", header(lambda h: None, cut=100), "is damaged"),
    "tensors: noise": ("gpt", write(WEIGHTS, b"\x10" * 64), "is damaged"),
    "tensors: header of 10^18": ("gpt", header(lambda h: None, length=10**18), "header of"),
    "tensors: header nested": (
        "gpt",
        write(WEIGHTS, struct.pack("<Q", 200_000) + DEEP.encode()),
        "nested deeper",
    ),
    "tensors: shape 10^12": (
        "gpt",
        header(lambda h: h[WTE].update(shape=[10**12, 24])),
        "shape (1000000000000, 24)",
    ),
    "tensors: shape negative": (
        "gpt",
        header(lambda h: h[WTE].update(shape=[-283, -24])),
        "no whole numbers",
    ),
    "tensors: offsets beyond": (
        "gpt",
        header(lambda h: h[WTE].update(data_offsets=[0, 10**15])),
        "lies from byte",
    ),
    "tensors: overlapping": (
        "gpt",
        header(lambda h: h[BIAS].update(data_offsets=[288, 576])),
        "begins at byte 288",
    ),
    "tensors: unknown dtype": ("gpt", header(lambda h: h[WTE].update(dtype="F4")), "dtype"),
    "tensors: lines in a name": (
        "gpt",
        header(lambda h: h.update({"a\n\x1b[2J": h.pop(WTE)})),
        "no name of a tensor",
    ),
    "tensors: one missing": ("gpt", arrays(lambda t: t.pop(BIAS)), f"{BIAS} is missing"),
    "tensors: one more": (
        "gpt",
        arrays(lambda t: t.update(extra=np.zeros(3, np.float32))),
        "'extra' is claimed by no",
    ),
    "tensors: markup": ("gpt", arrays(lambda t: t.update({"[/b]": np.zeros(3, np.float32)})), "[/b]"),
    "tensors: NaN": ("gpt", filled(WTE, math.nan), f"{WTE} holds numbers that are not finite"),
    "tensors: infinite": ("gpt", filled(BIAS, -math.inf), f"{BIAS} holds numbers that are not finite"),
    "tensors: too large for float32": (
        "gpt",
        arrays(lambda t: t.update({BIAS: np.full(t[BIAS].shape, 1e300)})),
        "not finite",
    ),
    "tensors: whole numbers": (
        "gpt",
        arrays(lambda t: t.update({WTE: t[WTE].astype(np.int8)})),
        "holds int8",
    ),
    "tensors: booleans": ("gpt", arrays(lambda t: t.update({BIAS: t[BIAS] > 0})), "weights are floats"),
    "tensors: a pipe": ("gpt", lambda f: ((f / WEIGHTS).unlink(), os.mkfifo(f / WEIGHTS)), "no plain file"),
    "index: elsewhere": ("gpt", shards({"weight_map": {WTE: "../gpt.safetensors"}}), "no file beside it"),
    "index: absolute": ("gpt", shards({"weight_map": {WTE: "/etc/passwd"}}), "no file beside it"),
    "index: dots": ("gpt", shards({"weight_map": {WTE: ".."}}), "no file beside it"),
    "index: missing shard": ("gpt", shards({"weight_map": {WTE: "a.safetensors"}}), "is missing"),
    "index: numbers": ("gpt", shards({"weight_map": {WTE: 3}}), "no weight_map"),
    "index: a list": ("gpt", shards([WTE]), "holds list"),
    "index: no map": ("gpt", shards({"metadata": {}}), "no weight_map"),
    "index: nothing": ("gpt", shards({"weight_map": {}}), "2 layers, but the tensors are of 0"),
    "pickle: code": (
        "gpt",
        pickled(lambda f: archive(data_pkl=pickle.dumps({"a": Code()}))),
        "more than tensors",
    ),
    "pickle: code in the older format": ("gpt", pickled(lambda f: pickle.dumps(Code())), "more than tensors"),
    "pickle: bomb": ("gpt", pickled(bomb), "compressed"),
    "pickle: storage 10^12": (
        "gpt",
        pickled(lambda f: archive(data_pkl=view("0", 10**12, (10**6, 10**6)), data__0=bytes(8))),
        "1000000000000",
    ),
    "pickle: memory by a place": (
        "gpt",
        pickled(lambda f: archive(data_pkl=b"\x80\x02Nr\xff\xff\xff\x7f.", data__0=bytes(8))),
        "2147483647",
    ),
    "pickle: larger than its storage": (
        "gpt",
        pickled(lambda f: archive(data_pkl=view("0", 2, (64, 64), stride=0), data__0=bytes(8))),
        "larger than its storage",
    ),
    "pickle: storage missing": (
        "gpt",
        pickled(lambda f: archive(data_pkl=view("0", 2, (2,)))),
        "missing or too short",
    ),
    "pickle: cut": (
        "gpt",
        pickled(lambda f: archive(data_pkl=view("0", 2, (2,)), data__0=bytes(8))[:-40]),
        "damaged",
    ),
    "pickle: empty": ("gpt", pickled(lambda f: b""), "is damaged"),
    "pickle: text": ("gpt", pickled(lambda f: b"<html>not found</html>"), "is damaged"),
    "pickle: no table": (
        "gpt",
        pickled(lambda f: archive(data_pkl=pickle.dumps([1, 2]))),
        "no tensors by name",
    ),
    "pickle: other things": (
        "gpt",
        pickled(lambda f: archive(data_pkl=pickle.dumps({"a": 3}))),
        "is no tensor",
    ),
    "tokenizer: missing": ("gpt", lambda f: (f / TOKENIZER).unlink(), "holds no tokenizer"),
    "tokenizer: tokenizer.model alone": (
        "llama",
        lambda f: ((f / TOKENIZER).unlink(), (f / "tokenizer.model").write_bytes(b"\x0a")),
        "make its tokenizer.json: AutoTokenizer.from_pretrained(",
    ),
    "tokenizer: empty": ("gpt", write(TOKENIZER, ""), "is not a tokenizer"),
    "tokenizer: null": ("gpt", write(TOKENIZER, "null"), "is not a tokenizer"),
    "tokenizer: nested": ("gpt", write(TOKENIZER, DEEP), "is not a tokenizer"),
    "tokenizer: huge": ("gpt", write(TOKENIZER, b" " * (1 << 26)), "bytes, where"),
    "tokenizer: no vocabulary": ("gpt", config(TOKENIZER, model={"type": "BPE"}), "is not a tokenizer"),
    "tokenizer: a number too high": (
        "gpt",
        text(TOKENIZER, '"the": ', '"the": 4000000000, "thx": '),
        "embedding",
    ),
    "tokenizer: a number below 0": (
        "gpt",
        text(TOKENIZER, '"the": ', '"the": -1, "thx": '),
        "is not a tokenizer",
    ),
    "tokenizer: explodes": ("gpt", regex("(a+)+$"), "can explode"),
    "tokenizer: explodes before": ("gpt", regex("(x|x)*y", "normalizer"), "can explode"),
    "tokenizer: repeats 100,000 times": ("gpt", regex(r"(?:\p{L}{1,1000}){100000}"), "can explode"),
    "tokenizer: doubles": (
        "gpt",
        config(TOKENIZER, normalizer={"type": "Sequence", "normalizers": [DOUBLING] * 40}),
        "letters of one",
    ),
    "tokenizer: bad pattern": ("gpt", regex("(["), "is not a tokenizer"),
    "tokenizer: other vocabulary": ("bert", write("vocab.txt", "[UNK]\nother\n"), "tokenizers that differ"),
    "tokenizer: a pipe": (
        "gpt",
        lambda f: ((f / TOKENIZER).unlink(), os.mkfifo(f / TOKENIZER)),
        "no plain file",
    ),
    "tokenizer_config: a token": ("gpt", config("tokenizer_config.json", pad_token=3), "pad_token=3: give"),
    "tokenizer_config: a flag": (
        "bert",
        config("tokenizer_config.json", do_lower_case="no"),
        "do_lower_case='no': give true or false",
    ),
    "tokenizer_config: another form": (
        "gpt",
        config("tokenizer_config.json", tokenizer_class="BertTokenizer"),
        "tokenizer_class='BertTokenizer': a BertTokenizer does not run",
    ),
    "special_tokens_map: a number": (
        "gpt",
        config("special_tokens_map.json", pad_token=3),
        "special_tokens_map.json says pad_token=3: give",
    ),
    "special_tokens_map: a list": ("gpt", write("special_tokens_map.json", "[]"), "holds list"),
    "generation_config: a list": ("gpt", write("generation_config.json", "[]"), "holds list"),
    "generation_config: repeats": (
        "gpt",
        config("generation_config.json", repetition_penalty=1.3),
        "generation_config.json says repetition_penalty=1.3, which ours does not do",
    ),
    "generation_config: an end": (
        "gpt",
        config("generation_config.json", eos_token_id=[0, "1"]),
        "give the number",
    ),
    "tokenizer_config: a list": ("gpt", write("tokenizer_config.json", "[]"), "holds list"),
    "tokenizer_config: nested": (
        "gpt",
        write("tokenizer_config.json", '{"a": ' + DEEP + "}"),
        "nested deeper",
    ),
    "tokenizer_config: code": (
        "gpt",
        config("tokenizer_config.json", auto_map={"AutoTokenizer": ["x.Y"]}),
        "auto_map",
    ),
    "tokenizer_config: class": (
        "gpt",
        config("tokenizer_config.json", tokenizer_class="XTokenizer"),
        "XTokenizer",
    ),
    "tokenizer_config: markup": ("gpt", config("tokenizer_config.json", tokenizer_class="[/]"), "[/]"),
    "added_tokens: elsewhere": ("gpt", config("added_tokens.json", **{"<x>": 7}), "number 7"),
    "added_tokens: text": ("gpt", config("added_tokens.json", **{"<x>": "7"}), "give the number"),
    "added_tokens: too high": ("gpt", config("added_tokens.json", **{"<x>": 10**15}), "give the number"),
    "added_tokens: cut": ("gpt", write("added_tokens.json", '{"a": '), "is damaged"),
}


def answers(good: Path, out: Path, names: list[str]) -> Iterator[tuple[str, Answer]]:
    """Import each in a process of its own, split off this one, which has the packages that it needs."""
    import train.runs.hugging_face  # noqa: F401
    import twinformer.cli

    for number, name in enumerate(names):
        base, harm, _ = TABLE[name]
        folder, run = out / f"{number}", out / f"{number}-run"
        copytree(good / base, folder)
        harm(folder)
        log = out / f"{number}.log"
        begun, child = time.perf_counter(), os.fork()
        if not child:
            with log.open("w", encoding="utf-8") as said, redirect_stdout(said), redirect_stderr(said):
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
                before = memory()
                status = twinformer.cli.status(["import", str(folder), str(run)])
                said.flush()
                (out / f"{number}.memory").write_text(str(memory() - before))
                os._exit(status)
        ended = 0
        while not ended and time.perf_counter() - begun < PATIENCE:
            ended, code, _ = os.wait4(child, os.WNOHANG)
            time.sleep(0.002)
        seconds = time.perf_counter() - begun
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        exited = bool(ended) and os.WIFEXITED(code)
        grown = out / f"{number}.memory"
        more = float(grown.read_text()) if grown.exists() else math.inf
        said_ = log.read_text("utf-8", "replace")
        if run.exists() and exited and os.WEXITSTATUS(code):
            said_ += "\n(something was written)"
        yield name, Answer(os.WEXITSTATUS(code) if exited else None, said_, seconds, more)


def memory() -> float:
    """The most that this process has had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(good: Path) -> None:
    """Import all, and count what came of it."""
    kinds = collections.Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for name, answer in answers(good, Path(folder), [*TABLE]):
            status, said, seconds, megabytes = answer
            kind = (
                "hung"
                if status is None
                else "opened"
                if status == 0
                else "refused"
                if status == 2
                else "traceback"
            )
            kinds[kind] += 1
            last = said.strip().splitlines()[-1:] or [""]
            print(f"{kind:9} {seconds:5.2f} s {megabytes:6.0f} MB  {name}: {last[0][:150]}", flush=True)
    print(dict(kinds))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
