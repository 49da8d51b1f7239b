"""Grading: right solutions are right in both frameworks, and what is done wrong is said."""

import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from parity_tests.tests.study.grade import here
from parity_tests.tests.study.grade.mistaken import MADE, SOLUTIONS, Made
from study.grade import found, start
from study.grade.both import agreement
from study.grade.diagnose import MISTAKES
from study.grade.errors import GradeError
from study.grade.grade import subject
from study.grade.parts import BY_NAME, TABLE
from study.grade.report import as_text
from study.grade.result import Grade
from twinformer.commands.grade import Parts

FRAMEWORKS = ("torch", "jax")
PARTS = tuple(BY_NAME)
# A part that is soon run for each mistake; all parts are tried by `mistaken`.
SMALLEST = [(made, made.parts[0]) for made in MADE]


@pytest.fixture(scope="module")
def solved() -> dict[tuple[str, str], Grade]:
    return {}


def solution(solved: dict[tuple[str, str], Grade], part: str, framework: str) -> Grade:
    if (part, framework) not in solved:
        solved[part, framework] = here.graded(SOLUTIONS / f"in_{framework}.py", part, framework)
    return solved[part, framework]


def written(folder: Path, source: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(source, "utf-8")
    return path


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("part", PARTS)
def test_a_right_solution_is_right(part: str, framework: str, solved: dict[tuple[str, str], Grade]) -> None:
    grade = solution(solved, part, framework)
    assert grade.passed and not grade.mistakes, as_text(grade)
    looked_at = {one.name for one in grade.findings}
    wanted = {"outputs", "gradients"}
    wanted |= {"padding"} if part in ("single_head", "multi_head", "block", "classifier", "bert") else set()
    wanted |= {"causality"} if part in ("single_head", "multi_head", "block", "gpt") else set()
    wanted |= {"dropout"} if part != "attention" else set()
    assert looked_at == wanted


@pytest.mark.usefixtures("unchecked")  # hundreds of runs
@pytest.mark.parametrize(("made", "part"), SMALLEST, ids=[f"{made.name}-{part}" for made, part in SMALLEST])
def test_a_mistake_is_named_in_pytorch(made: Made, part: str, tmp_path: Path) -> None:
    named(made, part, "torch", tmp_path)


@pytest.mark.usefixtures("unchecked")  # hundreds of runs
@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("made", "part"),
    [(made, part) for made in MADE for part in made.parts],
    ids=[f"{made.name}-{part}" for made in MADE for part in made.parts],
)
def test_a_mistake_is_named_in_every_part(made: Made, part: str, framework: str, tmp_path: Path) -> None:
    named(made, part, framework, tmp_path)


FEW = (
    "softmax over queries",
    "heads split without a transpose",
    "no gradient through the softmax",
    "eps 1e-06",
)


@pytest.mark.usefixtures("unchecked")  # hundreds of runs
@pytest.mark.parametrize("name", FEW)
def test_a_mistake_is_named_in_jax(name: str, tmp_path: Path) -> None:
    made = next(made for made in MADE if made.name == name)
    named(made, made.parts[0], "jax", tmp_path)


def named(made: Made, part: str, framework: str, folder: Path) -> None:
    grade = here.graded(written(folder, made.source(framework)), part, framework)
    assert not grade.passed
    assert made.name in [one.name for mistakes in grade.mistakes for one in mistakes if len(mistakes) == 1], (
        as_text(grade)
    )


def test_every_mistake_has_a_name_of_its_own_and_is_tried() -> None:
    names = [mistake.name for mistake in MISTAKES]
    assert len(set(names)) == len(names)
    assert {made.name for made in MADE} == set(names)


@pytest.mark.usefixtures("unchecked")  # hundreds of runs
def test_two_mistakes_at_once_are_both_named(tmp_path: Path) -> None:
    source = (SOLUTIONS / "in_torch.py").read_text("utf-8")
    source = source.replace(" / math.sqrt(q.size(-1))", "").replace(
        "heads.transpose(1, 2).reshape", "heads.reshape"
    )
    grade = here.graded(written(tmp_path, source), "multi_head", "torch")
    assert {"not scaled", "heads merged without a transpose"} in [
        {one.name for one in set_} for set_ in grade.mistakes
    ]


@pytest.mark.usefixtures("unchecked")  # hundreds of runs
def test_what_matches_nothing_gets_no_name(tmp_path: Path) -> None:
    source = (
        (SOLUTIONS / "in_torch.py").read_text("utf-8").replace("weights @ v", "weights @ (1.37 * v.sin())")
    )
    grade = here.graded(written(tmp_path, source), "multi_head", "torch")
    assert not grade.passed and not grade.mistakes
    assert "q_proj computes our query" in as_text(grade)


WRITTEN_OTHERWISE = {
    "fused": """
import torch
from torch import nn
class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
    def forward(self, x, mask=None):
        B, T, C = x.size()
        parts = self.c_attn(x).split(C, dim=2)
        q, k, v = (t.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) for t in parts)
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))
""",
    "heads in a list": """
import torch
from torch import nn
class Head(nn.Module):
    def __init__(self, width, size):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, size) for _ in range(3))
    def forward(self, x, mask):
        scores = self.query(x) @ self.key(x).mT * self.key(x).shape[-1] ** -0.5
        if mask is not None:
            scores = scores + torch.where(mask[:, 0], 0.0, -1e9)
        return scores.softmax(-1) @ self.value(x), scores
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.heads = nn.ModuleList(Head(d_model, d_model // num_heads) for _ in range(num_heads))
        self.proj = nn.Linear(d_model, d_model)
    def forward(self, x, mask=None):
        return self.proj(torch.cat([head(x, mask)[0] for head in self.heads], dim=-1)), None
""",
    "bare matrices whose names say nothing": """
import torch
from torch import nn
class MultiHead(nn.Module):
    def __init__(self, embed, heads):
        super().__init__()
        self.heads = heads
        self.m1, self.m2, self.m3, self.m4 = (nn.Parameter(torch.randn(embed, embed)) for _ in range(4))
    def forward(self, x, mask=None):
        def split(t):
            return t.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v, q = split(x @ self.m1), split(x @ self.m2), split(x @ self.m3)
        scores = q @ k.mT / q.shape[-1] ** 0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        return (scores.softmax(-1) @ v).transpose(1, 2).flatten(-2) @ self.m4
""",
    "heads counted inside": """
import torch
from torch import nn
class MultiHead(nn.Module):
    def __init__(self, embed, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(embed, embed) for _ in range(4))
    def forward(self, x, mask=None):
        def split(t):
            return t.unflatten(-1, (-1, self.heads)).permute(0, 3, 1, 2)
        q, k, v = split(self.q(x)), split(self.k(x)), split(self.v(x))
        scores = q @ k.mT / q.shape[-1] ** 0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        return self.o((scores.softmax(-1) @ v).permute(0, 2, 3, 1).flatten(-2))
""",
    "PyTorch's own": """
import torch
from torch import nn
class MultiHead(nn.Module):
    def __init__(self, embed, heads):
        super().__init__()
        self.heads = heads
        self.attn = nn.MultiheadAttention(embed, heads, batch_first=True)
    def forward(self, x, mask=None):
        hidden = None if mask is None else ~mask.expand(-1, self.heads, -1, -1).flatten(0, 1)
        return self.attn(x, x, x, attn_mask=hidden)
""",
}
IN_JAX = {
    "a function of its parameters": """
import jax
import jax.numpy as jnp
def init_params(key, embed, heads):
    names = ("wq", "wk", "wv", "wo")
    keys = dict(zip(names, jax.random.split(key, 4)))
    return {name: jax.random.normal(keys[name], (embed, heads, embed // heads)) for name in names[:3]} | {
        "wo": jax.random.normal(keys["wo"], (heads, embed // heads, embed))}
def multi_head(params, x, mask=None):
    q, k, v = (jnp.einsum("bpe,ehd->bhpd", x, params[name]) for name in ("wq", "wk", "wv"))
    scores = jnp.einsum("bhqd,bhkd->bhqk", q, k) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = jnp.where(mask, scores, -1e30)
    return jnp.einsum("bhqk,bhkd,hde->bqe", jax.nn.softmax(scores), v, params["wo"])
""",
    "nnx": """
import jax
import jax.numpy as jnp
from flax import nnx
class MultiHead(nnx.Module):
    def __init__(self, embed, heads, dropout, rngs):
        self.heads = heads
        self.q, self.k, self.v, self.o = (nnx.Linear(embed, embed, rngs=rngs) for _ in range(4))
        self.drop = nnx.Dropout(dropout, rngs=rngs)
    def __call__(self, x, mask=None):
        b, n, d = x.shape
        q, k, v = (f(x).reshape(b, n, self.heads, -1).swapaxes(1, 2) for f in (self.q, self.k, self.v))
        scores = q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5
        if mask is not None:
            scores = jnp.where(mask, scores, -jnp.inf)
        return self.o((self.drop(jax.nn.softmax(scores)) @ v).swapaxes(1, 2).reshape(b, n, d))
""",
    "Flax's own": """
from flax import linen as nn
class MultiHead(nn.Module):
    heads: int
    dropout: float
    @nn.compact
    def __call__(self, x, mask=None, deterministic=True):
        rate = self.dropout
        attend = nn.MultiHeadDotProductAttention(self.heads, dropout_rate=rate, broadcast_dropout=False)
        return attend(x, x, mask=mask, deterministic=deterministic)
""",
}


@pytest.mark.parametrize("source", WRITTEN_OTHERWISE.values(), ids=list(WRITTEN_OTHERWISE))
def test_however_it_is_written_in_pytorch(source: str, tmp_path: Path) -> None:
    grade = here.graded(written(tmp_path, source), "multi_head", "torch")
    assert grade.passed, as_text(grade)


@pytest.mark.parametrize("source", IN_JAX.values(), ids=list(IN_JAX))
def test_however_it_is_written_in_jax(source: str, tmp_path: Path) -> None:
    grade = here.graded(written(tmp_path, source), "multi_head", "jax")
    assert grade.passed, as_text(grade)


@pytest.mark.usefixtures("unchecked")  # hundreds of runs
def test_weights_that_nothing_tells_apart_are_asked_for(tmp_path: Path) -> None:
    source = WRITTEN_OTHERWISE["bare matrices whose names say nothing"].replace(".softmax(-1)", ".sin()")
    grade = here.graded(written(tmp_path, source), "multi_head", "torch")
    assert not grade.mistakes and 'WEIGHTS = {"a": "query", "b": "key"}' in " ".join(grade.told)
    told = 'WEIGHTS = {"m1": "key", "m2": "value", "m3": "query", "m4": "output"}\n' + source
    assert "WEIGHTS" not in " ".join(here.graded(written(tmp_path, told), "multi_head", "torch").told)


@pytest.mark.usefixtures("unchecked")  # hundreds of runs
def test_dropout_that_is_not_scaled_up_is_said(tmp_path: Path) -> None:
    source = (SOLUTIONS / "in_torch.py").read_text("utf-8")
    dropped = "self.drop(torch.softmax(scores, dim=-1)) * (0.75 if self.training else 1.0)"
    source = source.replace("self.drop(torch.softmax(scores, dim=-1))", dropped)
    grade = here.graded(written(tmp_path, source), "multi_head", "torch")
    (said,) = [one.said for one in grade.findings if one.name == "dropout"]
    assert "not scaled up" in said and not grade.passed
    never = (SOLUTIONS / "in_torch.py").read_text("utf-8").replace("self.drop(torch.soft", "(torch.soft")
    grade = here.graded(written(tmp_path, never), "multi_head", "torch")
    assert "nothing is dropped in training" in as_text(grade)
    always = source.replace(dropped, "F.dropout(torch.softmax(scores, dim=-1), 0.25)")
    assert not here.graded(written(tmp_path, always), "multi_head", "torch").passed


IN_JAX = "nn.Dropout(self.dropout)(weights, deterministic=deterministic)"
KEPT = "weights if deterministic else weights * {keep} / 0.75"
# What in training is drawn, and whether it is a program, whose Python runs once.
DRAWING = {
    "Flax's": (IN_JAX, True),
    "a key's": (
        KEPT.format(keep="jax.random.bernoulli(self.make_rng('dropout'), 0.75, weights.shape)"),
        True,
    ),
    "numpy's": (KEPT.format(keep="(np.random.random(weights.shape) < 0.75)"), False),
    "no program": (f"(deterministic or float(weights.max()) ** 0) * {IN_JAX}", False),
}


@pytest.mark.usefixtures("unchecked")  # hundreds of runs
@pytest.mark.parametrize(("drawn", "program"), DRAWING.values(), ids=list(DRAWING))
def test_dropout_is_what_it_is_however_it_is_drawn_in_jax(drawn: str, program: bool, tmp_path: Path) -> None:
    source = "import numpy as np\nRUNS = []\n" + (SOLUTIONS / "in_jax.py").read_text("utf-8")
    counted = f"weights = (RUNS.append(deterministic), {drawn})[1]"
    source = source.replace(f"weights = {IN_JAX}", counted)
    grade = here.graded(written(tmp_path, source), "single_head", "jax")
    assert "dropout" in {one.name for one in grade.findings} and grade.passed, as_text(grade)
    assert (sys.modules["learner"].RUNS.count(False) < 10) == program


@pytest.mark.usefixtures("unchecked")  # hundreds of runs
def test_the_two_frameworks_agree_or_not(tmp_path: Path, solved: dict[tuple[str, str], Grade]) -> None:
    first, second = (solution(solved, "multi_head", framework) for framework in FRAMEWORKS)
    with here.in_this_process():
        assert agreement(first, second).startswith("The two agree")
        wrong = MADE[0].source("jax")
        other = here.graded(written(tmp_path, wrong), "multi_head", "jax")
        assert agreement(first, other).startswith("The two do not agree")
        assert agreement(first, solution(solved, "block", "torch")).startswith(
            "Whether the two agree is not asked"
        )


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("part", PARTS)
def test_a_file_to_begin_with_is_found_and_has_no_answer(part: str, framework: str, tmp_path: Path) -> None:
    path = start.begin(part, framework, tmp_path / "mine.py")
    chosen, found_framework, name = subject(path, None, None, None)
    assert (chosen.name, found_framework) == (part, framework)
    assert "NotImplementedError" in path.read_text("utf-8") and name in path.read_text("utf-8")
    with pytest.raises(GradeError, match="is there already"):
        start.begin(part, framework, path)


OPEN = {
    "nothing": ("import torch\nx = 1\n", "could be any part"),
    "both frameworks": ("import torch\nimport jax\ndef attention(q): pass\n", "imports jax and torch"),
    "neither": ("def attention(q): pass\n", "neither JAX nor PyTorch"),
    "several parts": ("import torch\nclass GPT: pass\nclass BERT: pass\n", "could be gpt or bert"),
    "no Python": ("def (", "line 1"),
}


@pytest.mark.parametrize(("source", "said"), OPEN.values(), ids=list(OPEN))
def test_what_is_open_is_asked(source: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(GradeError, match=said):
        subject(written(tmp_path, source), None, None, None)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GradeError, match="UTF-8"):
        found.read(path)
    path.write_bytes(b"x = 0\x00")
    with pytest.raises(GradeError, match="cannot read it"):
        found.read(path)


def test_the_command_knows_every_part() -> None:
    assert get_args(Parts) == PARTS


def test_every_part_is_asked_in_shapes_that_differ() -> None:
    for part in TABLE:
        cases = part.cases(np.random.default_rng(0))
        assert cases and all(set(inputs) <= {*part.arguments} for inputs in cases.values())
