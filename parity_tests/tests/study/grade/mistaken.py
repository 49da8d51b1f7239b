"""Mistakes made in the solutions, one at a time: what is written instead of what, in each framework.

A row's name is that of the mistake that has to be recognised. As a program it tries all of them in every
part that they show in, and prints the table: ``python -m parity_tests.tests.study.grade.mistaken``.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from study.grade.result import Grade

SOLUTIONS = Path(__file__).parent / "solutions"
Edit = tuple[str, str]
HEADS = ("multi_head", "block", "classifier", "bert", "gpt")
ALL = ("attention", "single_head", *HEADS)
BLOCKS = ("block", "classifier", "gpt")
# Where under a causal mask nothing but NaN comes out of a GPT, there are no numbers to recognise.
FINITE, FINITE_HEADS = ALL[:-1], HEADS[:-1]


class Made(NamedTuple):
    """A mistake as a learner makes it, and the parts that it shows in."""

    name: str
    parts: tuple[str, ...]
    torch: tuple[Edit, ...]
    jax: tuple[Edit, ...]

    def source(self, framework: str) -> str:
        """The solution with the mistake. Raises ValueError where there is nothing to write it into."""
        text = (SOLUTIONS / f"in_{framework}.py").read_text("utf-8")
        for old, new in getattr(self, framework):
            if old not in text:
                raise ValueError(f"{self.name}: {old!r} is not in the solution in {framework}")
            text = text.replace(old, new)
        return text


def _scale(torch: str, jax: str) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
    return ((" / math.sqrt(q.size(-1))", torch),), ((" / jnp.sqrt(q.shape[-1])", jax),)


def _scores(a: str, b: str) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
    """Scores of other arrays than of q and k."""
    return (
        (("q @ k.transpose(-2, -1)", f"{a} @ {b}.transpose(-2, -1)"),),
        (('bkd->bqk", q, k)', f'bkd->bqk", {a}, {b})'), ('bhkd->bhqk", q, k)', f'bhkd->bhqk", {a}, {b})')),
    )


def _values(of: str) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
    return (("weights @ v", f"weights @ {of}"),), (("weights, v)", f"weights, {of})"),)


def _softmax(torch: str, jax: str) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
    return (("torch.softmax(scores, dim=-1)", torch),), (("jax.nn.softmax(scores, axis=-1)", jax),)


def _mask(torch: str, jax: str) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
    return (
        (('scores.masked_fill(~mask, float("-inf"))', torch),),
        (("jnp.where(mask, scores, -jnp.inf)", jax),),
    )


TORCH_NORM = """class LN(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.g = nn.Parameter(torch.ones(d))
        self.b = nn.Parameter(torch.zeros(d))

    def forward(self, x):
        return NORMAL * self.g + self.b


class MLP(nn.Module):
"""
JAX_NORM = """class LN(nn.Module):
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x):
        g = self.param("scale", nn.initializers.ones, (x.shape[-1],))
        b = self.param("bias", nn.initializers.zeros, (x.shape[-1],))
        return NORMAL * g + b


class MLP(nn.Module):
"""


def _norm(torch: str, jax: str) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
    """A norm of one's own in blocks."""
    return (
        (
            ("nn.LayerNorm(d_model, eps=1e-5)", "LN(d_model)"),
            ("class MLP(nn.Module):\n", TORCH_NORM.replace("NORMAL", torch)),
            ("nn.LayerNorm(d_model)", "LN(d_model)"),
            ("nn.LayerNorm(n_embd)", "LN(n_embd)"),
        ),
        (
            ("nn.LayerNorm(epsilon=1e-5", "LN(epsilon=1e-5"),
            ("class MLP(nn.Module):\n", JAX_NORM.replace("NORMAL", jax)),
        ),
    )


def _activation(torch: str, jax: str) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
    return (("self.fc2(self.act(self.fc1(x)))", torch),), (
        ('self.act(nn.Dense(self.mlp_dim, name="up")(x))', jax),
    )


T_ATTN, T_MLP = (
    "x = x + self.drop(self.attn(self.ln1(x), mask))",
    "return x + self.drop(self.mlp(self.ln2(x)))",
)
J_NORM1 = 'y = nn.LayerNorm(epsilon=1e-5, name="ln1")(x)'
J_ATTN = "x = x + nn.Dropout(self.dropout)(y, deterministic=deterministic)"
J_NORM2 = 'y = nn.LayerNorm(epsilon=1e-5, name="ln2")(x)'
J_MLP = "return x + nn.Dropout(self.dropout)(y, deterministic=deterministic)"
UP = 'nn.Dense(self.mlp_dim, name="up")(x)'

T_POOL = "(x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)"
J_POOL = "(x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)"
J_HEAD = 'nn.Dense(self.num_classes, name="head")(pooled)'
T_SINES = """def sines(n):
    angles = torch.arange(n)[:, None] * 10000.0 ** (-torch.arange(0, 12, 2) / 12.0)
    return torch.{}([angles.sin(), angles.cos()], dim=-1){}


"""
J_SINES = """def sines(n):
    angles = jnp.arange(n)[:, None] * 10000.0 ** (-jnp.arange(0, 12, 2) / 12.0)
    return jnp.{}([jnp.sin(angles), jnp.cos(angles)], axis=-1){}


"""

MADE = (
    Made("not scaled", ALL, *_scale("", "")),
    Made("scaled by head_dim", ALL, *_scale(" / q.size(-1)", " / q.shape[-1]")),
    Made("scaled the wrong way", ALL, *_scale(" * math.sqrt(q.size(-1))", " * jnp.sqrt(q.shape[-1])")),
    Made("scaled by the length", ALL, *_scale(" / math.sqrt(k.size(-2))", " / jnp.sqrt(k.shape[-2])")),
    Made("scaled by embed", HEADS, *_scale(" / math.sqrt(d)", " / jnp.sqrt(d)")),
    Made("scaled by the heads", HEADS, *_scale(" / math.sqrt(self.n_heads)", " / jnp.sqrt(self.num_heads)")),
    Made("query and key swapped", ALL, *_scores("k", "q")),
    Made("values used as keys", ALL, *_scores("q", "v")),
    Made("queries used as keys", ALL, *_scores("q", "q")),
    Made("keys used as queries", ALL, *_scores("k", "k")),
    Made("keys read as values", ALL, *_values("k")),
    Made("queries read as values", ALL, *_values("q")),
    Made(
        "softmax over queries",
        ALL,
        *_softmax("torch.softmax(scores, dim=-2)", "jax.nn.softmax(scores, axis=-2)"),
    ),
    Made(
        "softmax over heads",
        FINITE_HEADS,
        *_softmax("torch.softmax(scores, dim=1)", "jax.nn.softmax(scores, axis=1)"),
    ),
    Made(
        "softmax over the batch",
        FINITE,
        *_softmax("torch.softmax(scores, dim=0)", "jax.nn.softmax(scores, axis=0)"),
    ),
    Made("no softmax", ("attention", "single_head", "multi_head", "block"), *_softmax("scores", "scores")),
    Made(
        "softmax twice",
        ("attention", "single_head", "multi_head", "block"),
        *_softmax(
            "torch.softmax(torch.softmax(scores, dim=-1), dim=-1)", "jax.nn.softmax(jax.nn.softmax(scores))"
        ),
    ),
    Made("sigmoid for softmax", ALL, *_softmax("torch.sigmoid(scores)", "jax.nn.sigmoid(scores)")),
    Made("mask ignored", ALL, *_mask("scores", "scores")),
    Made(
        "mask inverted",
        FINITE,
        *_mask('scores.masked_fill(mask, float("-inf"))', "jnp.where(mask, -jnp.inf, scores)"),
    ),
    Made("mask as zeros", ALL, *_mask("scores.masked_fill(~mask, 0.0)", "jnp.where(mask, scores, 0.0)")),
    Made("mask added", ALL, *_mask("scores + mask", "scores + mask")),
    Made(
        "mask after the softmax",
        ALL,
        (
            ('scores.masked_fill(~mask, float("-inf"))', "scores"),
            (
                "torch.softmax(scores, dim=-1)",
                "torch.softmax(scores, dim=-1) * (1.0 if mask is None else mask)",
            ),
        ),
        (
            ("jnp.where(mask, scores, -jnp.inf)", "scores"),
            ("jax.nn.softmax(scores, axis=-1)", "jax.nn.softmax(scores) * (1.0 if mask is None else mask)"),
        ),
    ),
    Made(
        "mask transposed",
        ("attention", "single_head", "multi_head", "block", "gpt"),
        *_mask(
            'scores.masked_fill(~mask.transpose(-2, -1), float("-inf"))',
            "jnp.where(mask.swapaxes(-2, -1), scores, -jnp.inf)",
        ),
    ),
    Made(
        "heads split without a transpose",
        HEADS,
        (
            (
                "x.view(b, n, self.n_heads, d // self.n_heads).transpose(1, 2)",
                "x.reshape(b, self.n_heads, n, d // self.n_heads)",
            ),
        ),
        (
            (
                "t.reshape(b, n, self.num_heads, d // self.num_heads).transpose(0, 2, 1, 3)",
                "t.reshape(b, self.num_heads, n, d // self.num_heads)",
            ),
        ),
    ),
    Made(
        "heads merged without a transpose",
        HEADS,
        (("heads.transpose(1, 2).reshape(b, n, d)", "heads.reshape(b, n, d)"),),
        (("heads.transpose(0, 2, 1, 3).reshape(b, n, d)", "heads.reshape(b, n, d)"),),
    ),
    Made(
        "not split into heads",
        HEADS,
        (("self.n_heads, d // self.n_heads", "1, d"),),
        (("self.num_heads, d // self.num_heads", "1, d"),),
    ),
    Made(
        "all heads look alike",
        HEADS,
        (("q @ k.transpose(-2, -1)", "q[:, :1] @ k[:, :1].transpose(-2, -1)"),),
        (
            ('bhkd->bhqk", q, k)', 'bhkd->bhqk", q[:, :1], k[:, :1])'),
            ("weights, v)", "weights.repeat(self.num_heads, 1), v)"),
        ),
    ),
    Made(
        "no output projection",
        HEADS,
        (
            (
                "self.out_proj(heads.transpose(1, 2).reshape(b, n, d))",
                "heads.transpose(1, 2).reshape(b, n, d)",
            ),
        ),
        (('nn.Dense(d, name="out")(merged)', "merged"),),
    ),
    Made(
        "no gradient through the softmax",
        ALL,
        *_softmax("torch.softmax(scores, dim=-1).detach()", "jax.lax.stop_gradient(jax.nn.softmax(scores))"),
    ),
    Made(
        "eps 1e-06",
        BLOCKS,
        (
            ("eps=1e-5", "eps=1e-6"),
            ("nn.LayerNorm(d_model)", "nn.LayerNorm(d_model, eps=1e-6)"),
            ("nn.LayerNorm(n_embd)", "nn.LayerNorm(n_embd, eps=1e-6)"),
        ),
        (("epsilon=1e-5, ", ""),),
    ),
    Made("eps 1e-05", ("bert",), ((", eps=1e-12", ""),), (("epsilon=1e-12", "epsilon=1e-5"),)),
    Made(
        "unbiased variance",
        BLOCKS,
        *_norm(
            "(x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True) + 1e-5)",
            "(x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True, ddof=1) + 1e-5)",
        ),
    ),
    Made(
        "eps outside of the root",
        BLOCKS,
        *_norm(
            "(x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True, unbiased=False) + 1e-5)",
            "(x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + 1e-5)",
        ),
    ),
    Made(
        "eps outside of the root, unbiased",
        BLOCKS,
        *_norm(
            "(x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5)",
            "(x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True, ddof=1) + 1e-5)",
        ),
    ),
    Made(
        "divided by the variance",
        BLOCKS,
        *_norm(
            "(x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + 1e-5)",
            "(x - x.mean(-1, keepdims=True)) / (x.var(-1, keepdims=True) + 1e-5)",
        ),
    ),
    Made(
        "norm without the mean",
        BLOCKS,
        *_norm(
            "x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)",
            "x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5)",
        ),
    ),
    Made(
        "norm over positions",
        BLOCKS,
        *_norm(
            "(x - x.mean(-2, keepdim=True)) / torch.sqrt(x.var(-2, keepdim=True, unbiased=False) + 1e-5)",
            "(x - x.mean(-2, keepdims=True)) / jnp.sqrt(x.var(-2, keepdims=True) + 1e-5)",
        ),
    ),
    Made(
        "norm over all",
        BLOCKS,
        *_norm(
            "(x - x.mean((-2, -1), keepdim=True)) "
            "/ torch.sqrt(x.var((-2, -1), keepdim=True, unbiased=False) + 1e-5)",
            "(x - x.mean((-2, -1), keepdims=True)) / jnp.sqrt(x.var((-2, -1), keepdims=True) + 1e-5)",
        ),
    ),
    Made(
        "norm without scale and bias",
        ("block",),
        (("eps=1e-5)", "eps=1e-5, elementwise_affine=False)"),),
        (("nn.LayerNorm(epsilon=1e-5", "nn.LayerNorm(epsilon=1e-5, use_scale=False, use_bias=False"),),
    ),
    Made(
        "tanh for exact GELU",
        ("block", "classifier"),
        (("act=F.gelu", 'act=lambda x: F.gelu(x, approximate="tanh")'),),
        (("act: callable = exact_gelu", "act: callable = nn.gelu"),),
    ),
    Made(
        "exact GELU",
        ("gpt",),
        ((', approximate="tanh"', ""),),
        (("self.dropout, nn.gelu,", "self.dropout, exact_gelu,"),),
    ),
    Made("ReLU", (*BLOCKS, "bert"), *_activation("self.fc2(F.relu(self.fc1(x)))", f"nn.relu({UP})")),
    Made("SiLU", (*BLOCKS, "bert"), *_activation("self.fc2(F.silu(self.fc1(x)))", f"nn.silu({UP})")),
    Made(
        "sigmoid for GELU",
        (*BLOCKS, "bert"),
        (
            (
                "self.fc2(self.act(self.fc1(x)))",
                "self.fc2((lambda h: h * torch.sigmoid(1.702 * h))(self.fc1(x)))",
            ),
        ),
        ((f"self.act({UP})", f"(lambda h: h * nn.sigmoid(1.702 * h))({UP})"),),
    ),
    Made(
        "tanh activation",
        (*BLOCKS, "bert"),
        *_activation("self.fc2(torch.tanh(self.fc1(x)))", f"jnp.tanh({UP})"),
    ),
    Made("no activation", (*BLOCKS, "bert"), *_activation("self.fc2(self.fc1(x))", UP)),
    Made(
        "activation last",
        (*BLOCKS, "bert"),
        (("self.fc2(self.act(self.fc1(x)))", "self.act(self.fc2(self.fc1(x)))"),),
        (
            (f"self.act({UP})", UP),
            (
                'return nn.Dense(x.shape[-1], name="down")(hidden)',
                'return self.act(nn.Dense(x.shape[-1], name="down")(hidden))',
            ),
        ),
    ),
    Made(
        "activation twice",
        (*BLOCKS, "bert"),
        (("self.fc2(self.act(self.fc1(x)))", "self.act(self.fc2(self.act(self.fc1(x))))"),),
        (
            (
                'return nn.Dense(x.shape[-1], name="down")(hidden)',
                'return self.act(nn.Dense(x.shape[-1], name="down")(hidden))',
            ),
        ),
    ),
    Made(
        "pre-norm and post-norm swapped",
        BLOCKS,
        ((T_ATTN, "x = self.ln1(x + self.attn(x, mask))"), (T_MLP, "return self.ln2(x + self.mlp(x))")),
        (
            (J_NORM1, "y = x"),
            (J_ATTN, 'x = nn.LayerNorm(epsilon=1e-5, name="ln1")(x + y)'),
            (J_NORM2, "y = x"),
            (J_MLP, 'return nn.LayerNorm(epsilon=1e-5, name="ln2")(x + y)'),
        ),
    ),
    Made(
        "pre-norm and post-norm swapped",
        ("bert",),
        (
            ("x = self.ln1(x + self.attn(x, mask))", "x = x + self.attn(self.ln1(x), mask)"),
            ("return self.ln2(x + self.mlp(x))", "return x + self.mlp(self.ln2(x))"),
        ),
        (
            (
                'y = MultiHeadAttention(self.num_heads, self.dropout, name="attn")(x, mask, deterministic)',
                'y = nn.LayerNorm(epsilon=1e-12, name="ln1")(x)\n        '
                'y = MultiHeadAttention(self.num_heads, self.dropout, name="attn")(y, mask, deterministic)',
            ),
            ('x = nn.LayerNorm(epsilon=1e-12, name="ln1")(x + y)', "x = x + y"),
            (
                'y = MLP(self.mlp_dim, exact_gelu, name="mlp")(x)',
                'y = nn.LayerNorm(epsilon=1e-12, name="ln2")(x)\n        '
                'y = MLP(self.mlp_dim, exact_gelu, name="mlp")(y)',
            ),
            ('return nn.LayerNorm(epsilon=1e-12, name="ln2")(x + y)', "return x + y"),
        ),
    ),
    Made(
        "no residual around attention",
        BLOCKS,
        ((T_ATTN, "x = self.drop(self.attn(self.ln1(x), mask))"),),
        ((J_ATTN, "x = y"),),
    ),
    Made(
        "no residual around the feed-forward layer",
        BLOCKS,
        ((T_MLP, "return self.mlp(self.ln2(x))"),),
        ((J_MLP, "return y"),),
    ),
    Made(
        "no residual",
        BLOCKS,
        ((T_ATTN, "x = self.attn(self.ln1(x), mask)"), (T_MLP, "return self.mlp(self.ln2(x))")),
        ((J_ATTN, "x = y"), (J_MLP, "return y")),
    ),
    Made(
        "residual added twice",
        BLOCKS,
        ((T_ATTN, "x = x + x + self.attn(self.ln1(x), mask)"),),
        ((J_ATTN, "x = x + x + y"),),
    ),
    Made(
        "residual from the norm",
        BLOCKS,
        (
            (T_ATTN, "x = self.ln1(x)\n        x = x + self.attn(x, mask)"),
            (T_MLP, "x = self.ln2(x)\n        return x + self.mlp(x)"),
        ),
        ((J_NORM1, J_NORM1.replace("y =", "x = y =")), (J_NORM2, J_NORM2.replace("y =", "x = y ="))),
    ),
    Made(
        "the first norm twice",
        BLOCKS,
        ((T_MLP, "return x + self.mlp(self.ln1(x))"),),
        (
            (J_NORM1, J_NORM1.replace("y = nn", "ln1 = nn").removesuffix("(x)") + "\n        y = ln1(x)"),
            (J_NORM2, "y = ln1(x)"),
        ),
    ),
    Made("no norm of attention", BLOCKS, ((T_ATTN, "x = x + self.attn(x, mask)"),), ((J_NORM1, "y = x"),)),
    Made(
        "no norm of the feed-forward layer",
        BLOCKS,
        ((T_MLP, "return x + self.mlp(x)"),),
        ((J_NORM2, "y = x"),),
    ),
    Made(
        "branches side by side",
        BLOCKS,
        ((T_ATTN, "a = x + self.attn(self.ln1(x), mask)"), (T_MLP, "return a + self.mlp(self.ln2(x))")),
        ((J_ATTN, "a = x + y"), (J_MLP, "return a + y")),
    ),
    Made(
        "feed-forward first",
        BLOCKS,
        ((T_ATTN, "x = x + self.mlp(self.ln2(x))"), (T_MLP, "return x + self.attn(self.ln1(x), mask)")),
        (
            (J_NORM2, ""),
            (
                J_NORM1,
                'y = nn.LayerNorm(epsilon=1e-5, name="ln2")(x)\n        '
                'x = x + MLP(self.mlp_dim, self.act, name="mlp")(y)\n        ' + J_NORM1,
            ),
            (J_ATTN, "return x + y"),
            ('y = MLP(self.mlp_dim, self.act, name="mlp")(y)', ""),
            (J_MLP, ""),
        ),
    ),
    Made("no feed-forward layer", BLOCKS, ((T_MLP, "return x"),), ((J_NORM2, "return x"),)),
    Made(
        "no positions",
        ("classifier", "bert", "gpt"),
        ((" + self.pos(torch.arange(ids.size(1)))", ""), (" + self.wpe(torch.arange(n))", "")),
        (
            ('x = x + nn.Embed(self.max_len, self.d_model, name="pos")(jnp.arange(ids.shape[1]))', ""),
            ('x = x + nn.Embed(self.block_size, self.n_embd, name="wpe")(jnp.arange(n))', ""),
        ),
    ),
    Made(
        "positions from one",
        ("classifier", "bert", "gpt"),
        (
            ("torch.arange(ids.size(1))", "torch.arange(ids.size(1)) + 1"),
            ("torch.arange(n)", "torch.arange(n) + 1"),
        ),
        (
            ("jnp.arange(ids.shape[1])", "jnp.arange(ids.shape[1]) + 1"),
            ("jnp.arange(n)", "jnp.arange(n) + 1"),
        ),
    ),
    Made(
        "one position for all",
        ("classifier", "bert", "gpt"),
        (
            ("torch.arange(ids.size(1))", "torch.zeros_like(ids[0])"),
            ("torch.arange(n)", "torch.zeros_like(ids[0])"),
        ),
        (("jnp.arange(ids.shape[1])", "jnp.zeros_like(ids[0])"), ("jnp.arange(n)", "jnp.zeros_like(ids[0])")),
    ),
    Made(
        "tokens scaled",
        ("classifier", "gpt"),
        (("self.tok(ids)", "self.tok(ids) * 12**0.5"), ("self.wte(ids)", "self.wte(ids) * 12**0.5")),
        (('name="tok")(ids)', 'name="tok")(ids) * 12**0.5'), ("x = wte(ids)", "x = wte(ids) * 12**0.5")),
    ),
    Made(
        "no final norm",
        ("classifier", "gpt"),
        (("x = self.ln_f(x)", "x = x"), ("self.ln_f(x) @", "x @")),
        (('x = nn.LayerNorm(epsilon=1e-5, name="ln_f")(x)', ""),),
    ),
    Made(
        "mean over the padding too",
        ("classifier",),
        (("(x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)", "x.mean(1)"),),
        (("(x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)", "x.mean(1)"),),
    ),
    Made(
        "divided by all positions",
        ("classifier",),
        ((" / mask.sum(1, keepdim=True)", " / mask.shape[1]"),),
        ((" / mask.sum(1, keepdims=True)", " / mask.shape[1]"),),
    ),
    Made(
        "sum for mean",
        ("classifier",),
        ((" / mask.sum(1, keepdim=True)", ""),),
        ((" / mask.sum(1, keepdims=True)", ""),),
    ),
    Made(
        "first token for mean",
        ("classifier",),
        (("(x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)", "x[:, 0]"),),
        (("(x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)", "x[:, 0]"),),
    ),
    Made(
        "last position for mean",
        ("classifier",),
        (("(x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)", "x[:, -1]"),),
        (("(x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)", "x[:, -1]"),),
    ),
    Made(
        "segments ignored",
        ("bert",),
        (("self.seg(segment_ids)", "self.seg(0 * segment_ids)"),),
        (('name="seg")(segment_ids)', 'name="seg")(0 * segment_ids)'),),
    ),
    Made(
        "segments swapped",
        ("bert",),
        (("self.seg(segment_ids)", "self.seg(1 - segment_ids)"),),
        (('name="seg")(segment_ids)', 'name="seg")(1 - segment_ids)'),),
    ),
    Made(
        "no segments",
        ("bert",),
        ((" + self.seg(segment_ids)", ""),),
        (('x = x + nn.Embed(self.type_vocab_size, self.d_model, name="seg")(segment_ids)', ""),),
    ),
    Made(
        "no norm of the embeddings",
        ("bert",),
        (("self.ln_emb(x)", "x"),),
        (('x = nn.LayerNorm(epsilon=1e-12, name="ln_emb")(x)', ""),),
    ),
    Made(
        "no bias on the words",
        ("bert",),
        ((" + self.mlm_bias", ""),),
        ((' + self.param("mlm_bias", nn.initializers.zeros, (self.vocab_size,))', ""),),
    ),
    Made(
        "no transform",
        ("bert",),
        (("x = self.mlm_ln(F.gelu(self.mlm_dense(x)))", ""),),
        (
            ('x = exact_gelu(nn.Dense(self.d_model, name="mlm_dense")(x))', ""),
            ('x = nn.LayerNorm(epsilon=1e-12, name="mlm_ln")(x)', ""),
        ),
    ),
    Made(
        "no norm before the words",
        ("bert",),
        (("self.mlm_ln(F.gelu(self.mlm_dense(x)))", "F.gelu(self.mlm_dense(x))"),),
        (('x = nn.LayerNorm(epsilon=1e-12, name="mlm_ln")(x)', ""),),
    ),
    Made(
        "sees one ahead",
        ("gpt",),
        (
            (
                "torch.tril(torch.ones(n, n, dtype=torch.bool))",
                "torch.tril(torch.ones(n, n, dtype=torch.bool), 1)",
            ),
        ),
        (("jnp.tril(jnp.ones((n, n), bool))", "jnp.tril(jnp.ones((n, n), bool), 1)"),),
    ),
    Made(
        "one block for all",
        ("classifier", "bert", "gpt"),
        (
            ("for block in self.blocks:", "for block in [self.blocks[0]] * 2:"),
            ("for block in self.h:", "for block in [self.h[0]] * 2:"),
        ),
        (("for block in blocks:", "for block in [blocks[0]] * 2:"),),
    ),
    Made(
        "the last block left out",
        ("classifier", "bert", "gpt"),
        (
            ("for block in self.blocks:", "for block in self.blocks[:-1]:"),
            ("for block in self.h:", "for block in self.h[:-1]:"),
        ),
        (("for block in blocks:", "for block in blocks[:-1]:"),),
    ),
    Made(
        "softmax of the logits",
        ("classifier",),
        (("return self.head(pooled)", "return self.head(pooled).softmax(-1)"),),
        (
            (
                'return nn.Dense(self.num_classes, name="head")(pooled)',
                'return nn.softmax(nn.Dense(self.num_classes, name="head")(pooled))',
            ),
        ),
    ),
    *(
        Made(
            f"eps {eps}",
            ("block",),
            (("eps=1e-5", f"eps={float(eps)}"),),
            (("epsilon=1e-5", f"epsilon={float(eps)}"),),
        )
        for eps in ("0.001", "1e-08", "1e-12", "0")
    ),
    Made(
        "scaled by the queries' length",
        ("attention",),
        *_scale(" / math.sqrt(q.size(-2))", " / jnp.sqrt(q.shape[-2])"),
    ),
    Made(
        "the second norm twice",
        BLOCKS,
        ((T_ATTN, T_ATTN.replace("ln1", "ln2")),),
        (
            (J_NORM1, 'ln2 = nn.LayerNorm(epsilon=1e-5, name="ln2")\n        y = ln2(x)'),
            (J_NORM2, "y = ln2(x)"),
        ),
    ),
    *(
        Made(
            name,
            ("classifier", "bert", "gpt"),
            (
                ("for block in self.blocks:", f"for block in self.blocks[{part}]:"),
                ("for block in self.h:", f"for block in self.h[{part}]:"),
            ),
            # Of a block that is never called linen makes no weights: what it returns is not used.
            (
                (
                    "for block in blocks:",
                    f"blocks[0](x, True, deterministic)\n        for block in blocks[{part}]:",
                ),
            ),
        )
        for name, part in (("the first block left out", "1:"), ("blocks reversed", "::-1"))
    ),
    *(
        Made(name, ("classifier",), ((T_POOL, torch),), ((J_POOL, jax),))
        for name, torch, jax in (
            (
                "largest for mean",
                "x.masked_fill(~mask[..., None], -1e30).amax(1)",
                "jnp.where(mask[..., None], x, -1e30).max(1)",
            ),
            (
                "last token for mean",
                "x[torch.arange(x.size(0)), mask.sum(1) - 1]",
                "x[jnp.arange(x.shape[0]), mask.sum(1) - 1]",
            ),
        )
    ),
    Made(
        "log softmax of the logits",
        ("classifier",),
        (("return self.head(pooled)", "return self.head(pooled).log_softmax(-1)"),),
        ((J_HEAD, f"nn.log_softmax({J_HEAD})"),),
    ),
    Made(
        "padding mask inverted",
        ("classifier", "bert"),
        (("mask[:, None, None, :]", "~mask[:, None, None, :]"),),
        (("mask[:, None, None, :]", "~mask[:, None, None, :]"),),
    ),
    Made(
        "sees what follows alone",
        ("gpt",),
        (("torch.tril(", "torch.triu("),),
        (("jnp.tril(", "jnp.triu("),),
    ),
    *(
        Made(
            name,
            ("classifier", "bert"),
            (
                ("self.pos(torch.arange(ids.size(1)))", "sines(ids.size(1))"),
                ("class MLP", f"{torch}class MLP"),
            ),
            (
                (
                    'nn.Embed(self.max_len, self.d_model, name="pos")(jnp.arange(ids.shape[1]))',
                    "sines(ids.shape[1])",
                ),
                ("class MLP", f"{jax}class MLP"),
            ),
        )
        for name, torch, jax in (
            (
                "sines for learned positions",
                T_SINES.format("stack", ".flatten(-2)"),
                J_SINES.format("stack", ".reshape(n, 12)"),
            ),
            ("sines, then cosines", T_SINES.format("cat", ""), J_SINES.format("concatenate", "")),
        )
    ),
    *(
        Made(
            f"{name} in the head",
            ("bert",),
            (("F.gelu(self.mlm_dense(x))", torch),),
            (('exact_gelu(nn.Dense(self.d_model, name="mlm_dense")(x))', jax),),
        )
        for name, torch, jax in (
            (
                "tanh for exact GELU",
                'F.gelu(self.mlm_dense(x), approximate="tanh")',
                'nn.gelu(nn.Dense(self.d_model, name="mlm_dense")(x))',
            ),
            ("ReLU", "F.relu(self.mlm_dense(x))", 'nn.relu(nn.Dense(self.d_model, name="mlm_dense")(x))'),
            (
                "tanh",
                "torch.tanh(self.mlm_dense(x))",
                'jnp.tanh(nn.Dense(self.d_model, name="mlm_dense")(x))',
            ),
            ("no activation", "self.mlm_dense(x)", 'nn.Dense(self.d_model, name="mlm_dense")(x)'),
        )
    ),
)


def main() -> None:
    """Try mistakes in every part that they show in; the arguments are names of mistakes, parts and
    frameworks.
    """
    from parity_tests.tests.study.grade.here import graded  # imports both frameworks

    words = set(sys.argv[1:])
    frameworks = [one for one in ("torch", "jax") if one in words] or ["torch", "jax"]
    parts = [one for one in ALL if one in words] or ALL
    names = words - {*frameworks, *parts}
    with TemporaryDirectory() as folder:
        for made in MADE:
            for part in made.parts if not names or made.name in names else ():
                if part in parts:
                    said = [verdict(made, part, one, Path(folder), graded) for one in frameworks]
                    print(f"{made.name:44}{part:13}{'  '.join(said)}", flush=True)


def verdict(made: Made, part: str, framework: str, folder: Path, graded: Callable[..., Grade]) -> str:
    """Whether a mistake is recognised, or only seen."""
    path = folder / f"{framework}.py"
    path.write_text(made.source(framework), "utf-8")
    found = graded(path, part, framework)
    recognised = [" + ".join(one.name for one in mistakes) for mistakes in found.mistakes]
    if made.name in recognised:
        return f"{framework}: diagnosed"
    if found.passed:
        return f"{framework}: MISSED"
    return f"{framework}: seen ({' | '.join(recognised) or '; '.join(found.told)})"


if __name__ == "__main__":
    main()
