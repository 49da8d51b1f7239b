"""The catalogue: mistakes planted in small models of three frameworks, and what must be said of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity_tests.pair import Comparison, Row, TorchModel, compare
from parity_tests.tests.diagnosis import linen_models, nnx_models, setups, torch_models

SPLIT = "three embed heads head_dim -> (three heads head_dim) embed"
KERNELS, BIASES = (
    tuple(f"*{name}/{kind}" for name in ("query", "key", "value")) for kind in ("kernel", "bias")
)


def encoder_table(
    split: str = SPLIT, out: str = "heads head_dim embed -> embed (heads head_dim)"
) -> list[Row]:
    return [
        Row(KERNELS, "*in_proj_weight", split),
        Row(BIASES, "*in_proj_bias", "three heads head_dim -> (three heads head_dim)"),
        Row("*out/kernel", "*out_proj.weight", out),
        Row("*out/bias", "*out_proj.bias", "embed -> embed"),
        Row("*s/embedding", "*s.weight", "row embed -> row embed"),
        Row("norm*/scale", "norm*.weight", "embed -> embed"),
        Row("norm*/bias", "norm*.bias", "embed -> embed"),
        *dense_table("up", "down"),
    ]


def dense_table(*names: str, kernel: str = "inner outer -> outer inner") -> list[Row]:
    return [
        row
        for name in names
        for row in (
            Row(f"*{name}/kernel", f"*{name}.weight", kernel),
            Row(f"*{name}/bias", f"*{name}.bias", "outer -> outer"),
        )
    ]


def convolutions_table(
    conv: str = "h w i o -> o i h w", head: str = "i o -> o i", **changes: Callable[[Any], Any]
) -> list[Row]:
    return [
        Row("stem/kernel", "stem.weight", "h w i o -> o i h w"),
        Row("conv/kernel", "conv.weight", conv, changes.get("conv_change")),
        Row("head/kernel", "head.weight", head),
        Row("norm/scale", "norm.weight", "e -> e", changes.get("scale_change")),
        Row("*/bias", "*.bias", "o -> o"),
    ]


TABLES = {
    "Encoder": encoder_table(),
    "Heads": dense_table("query", "key", "value", "out"),
    "Convolutions": convolutions_table(),
}
ALIKE = [Row("*", "*", "... -> ...")]
INPUTS = {"Encoder": setups.TEXT, "Heads": setups.VECTORS, "Convolutions": setups.IMAGES}


@dataclass(frozen=True)
class Mistake:
    """One kind of mistake: the model, what the candidate does otherwise, or the table that is wrong."""

    name: str
    kind: str
    place: str
    """The part, or what it reads, where it must be named."""
    says: str
    """What must be said of the candidate there."""
    wrong: dict[str, Any] | None = None
    right: dict[str, Any] | None = None
    """What the reference does otherwise than the usual, as the candidate does but for the mistake."""
    table: Sequence[Row] | None = None
    """Of a mistake in the table, which two models of one framework cannot have."""


def run(mistake: Mistake, framework: str) -> Comparison:
    """The reference in PyTorch, and the candidate with the mistake in linen, nnx or PyTorch."""
    setup = getattr(setups, mistake.kind)(**(mistake.right or {}))
    reference = torch_models.reference(mistake.kind, setup)
    other = replace(setup, **(mistake.wrong or {}))
    if framework == "torch":
        return compare(
            reference, TorchModel(getattr(torch_models, mistake.kind)(other)), INPUTS[mistake.kind], ALIKE
        )
    models = {"linen": linen_models, "nnx": nnx_models}[framework]
    table = mistake.table or TABLES[mistake.kind]
    if setup.__dict__.get("norm") == "rms":
        table = [row for row in table if row.flax != "norm*/bias"]
    return compare(reference, models.candidate(mistake.kind, other), INPUTS[mistake.kind], table)


def named(mistake: Mistake, comparison: Comparison) -> str:
    """What became of it: "right", "wrong" or "none"."""
    if not comparison.findings:
        return "none"
    texts = [finding.text for finding in comparison.findings]
    places = {place for finding in comparison.findings for place in finding.places}
    right = [text for text in texts if mistake.says in text]
    return "right" if len(right) == len(texts) and mistake.place in places else "wrong"


E, H, C = "Encoder", "Heads", "Convolutions"
MISTAKES = [
    Mistake("eps 1e-6", E, "norm1", "eps 1e-06, the reference with 1e-05", {"eps": 1e-6}),
    Mistake("eps 3e-6", E, "norm1", "eps 3e-06, the reference with 1e-05", {"eps": 3e-6}),
    Mistake("eps 1e-12", E, "norm1", "eps 1e-12, the reference with 1e-05", {"eps": 1e-12}),
    Mistake(
        "eps of an RMS norm",
        E,
        "norm1",
        "eps 1e-05, the reference with 1e-06",
        {"eps": 1e-5},
        {"norm": "rms", "eps": 1e-6},
    ),
    Mistake(
        "tanh GELU",
        E,
        "what down reads",
        "tanh GELU, in the reference through exact GELU",
        {"activation": "gelu_tanh"},
    ),
    Mistake(
        "exact GELU",
        E,
        "what down reads",
        "exact GELU, in the reference through tanh GELU",
        {"activation": "gelu"},
        {"activation": "gelu_tanh"},
    ),
    Mistake(
        "ReLU",
        E,
        "what down reads",
        "through ReLU, in the reference through exact GELU",
        {"activation": "relu"},
    ),
    Mistake("quick GELU", E, "what down reads", "through quick GELU", {"activation": "quick_gelu"}),
    Mistake("SiLU", E, "what down reads", "through SiLU", {"activation": "silu"}),
    Mistake("no activation", E, "what down reads", "through leaky ReLU (0.2)", {"activation": "leaky"}),
    Mistake(
        "unbiased variance",
        E,
        "norm1",
        "the unbiased variance, the reference the biased",
        {"norm": "unbiased"},
    ),
    Mistake(
        "biased variance",
        E,
        "norm1",
        "the biased variance, the reference the unbiased",
        {"norm": "layer"},
        {"norm": "unbiased"},
    ),
    Mistake(
        "1 + scale", E, "norm1", "multiplies by 1 + scale, the reference by scale", {"norm": "1 + scale"}
    ),
    Mistake(
        "scale for 1 + scale",
        E,
        "norm1",
        "multiplies by scale, the reference by 1 + scale",
        {"norm": "layer"},
        {"norm": "1 + scale"},
    ),
    Mistake(
        "residual of the normed",
        E,
        "what norm2 reads",
        "what norm1 returns + what attention returns",
        {"skip": "normed"},
    ),
    Mistake(
        "residual left out",
        E,
        "what norm2 reads",
        "is what attention returns, in the reference what",
        {"skip": "none"},
    ),
    Mistake("mask inverted", E, "attention", "see keys without mask True", {"mask": "inverted"}),
    Mistake("mask forgotten", E, "attention", "see all keys", {"mask": "none"}),
    Mistake("positions from 1", E, "positions", "rows +1", {"first": 1}),
    Mistake("positions from 0", E, "positions", "rows -2", {"first": 0}, {"first": 2}),
    Mistake(
        "embedding not scaled",
        E,
        "what norm1 reads",
        "is what tokens returns + what positions",
        {"scaled": False},
        {"scaled": True},
    ),
    Mistake("float32 inside", E, "what down reads", "rounded to float32", {"float32": True}),
    Mistake("post-norm", E, "what attention reads", "", {"post_norm": True}),
    Mistake("pre-norm", E, "what attention reads", "", {"post_norm": False}, {"post_norm": True}),
    Mistake(
        "heads inside out",
        E,
        "attention",
        "(head_dim heads)",
        table=encoder_table("three embed heads head_dim -> (three head_dim heads) embed"),
    ),
    Mistake(
        "output kernel transposed",
        E,
        "attention",
        "the kernel of its output transposed",
        table=encoder_table(out="heads head_dim embed -> (heads head_dim) embed"),
    ),
    Mistake(
        "rows of heads inside out",
        E,
        "attention",
        "the kernel of its output (head_dim heads)",
        table=encoder_table(out="heads head_dim embed -> embed (head_dim heads)"),
    ),
    Mistake(
        "keys as queries",
        E,
        "attention",
        "keys, queries, values",
        table=[
            Row((KERNELS[1], KERNELS[0], KERNELS[2]), "*in_proj_weight", SPLIT),
            Row(
                (BIASES[1], BIASES[0], BIASES[2]),
                "*in_proj_bias",
                "three heads head_dim -> (three heads head_dim)",
            ),
            *encoder_table()[2:],
        ],
    ),
    Mistake(
        "not scaled",
        H,
        "what out reads",
        "the scores by 1, the reference by 1 / sqrt(head_dim)",
        {"scale": 1.0},
    ),
    Mistake("scaled by embed", H, "what out reads", "the scores by 1 / sqrt(embed)", {"scale": 12**-0.5}),
    Mistake(
        "rotary interleaved",
        H,
        "what out reads",
        "in interleaved pairs, the reference in halves",
        {"rotary": "interleaved"},
    ),
    Mistake(
        "rotary halves",
        H,
        "what out reads",
        "in halves, the reference in interleaved pairs",
        {"rotary": "halves"},
        {"rotary": "interleaved"},
    ),
    Mistake("rotary forgotten", H, "what out reads", "rotary positions in no pairs", {"rotary": "none"}),
    Mistake("rotary base", H, "what out reads", "rotary base: 500000", {"base": 500_000.0}),
    Mistake(
        "heads split inside out",
        H,
        "what out reads",
        "splits what the heads read as (head_dim heads)",
        {"split": "head_dim heads"},
    ),
    Mistake(
        "heads merged inside out",
        H,
        "what out reads",
        "merges what the heads return as (head_dim heads)",
        {"merged": "head_dim heads"},
    ),
    Mistake("softmax over queries", H, "what out reads", "softmax over the queries", {"softmax": -2}),
    Mistake("not causal", H, "what out reads", "see all keys", {"mask": "none"}),
    Mistake(
        "causal, one ahead",
        H,
        "what out reads",
        "see keys not later than one after the query",
        {"mask": "one ahead"},
    ),
    Mistake(
        "queries as keys", H, "what out reads", "keys, queries, values", {"taken": "kqv"}, {"rotary": "none"}
    ),
    Mistake("float32 softmax", H, "what out reads", "softmax in float32", {"float32": True}),
    Mistake(
        "kernel transposed",
        H,
        "query",
        "its kernel transposed",
        table=[
            *dense_table("query", kernel="inner outer -> inner outer"),
            *dense_table("key", "value", "out"),
        ],
    ),
    Mistake(
        "heads of a projection",
        H,
        "query",
        "(head_dim heads)",
        table=[
            *dense_table("query", kernel="inner (heads width) -> (width heads) inner, heads=3"),
            *dense_table("key", "value", "out"),
        ],
    ),
    Mistake("padding SAME", C, "stem", "pads by (0, 1), the reference by (1, 1)", {"padding": (0, 1)}),
    Mistake(
        "padding explicit",
        C,
        "stem",
        "pads by (1, 1), the reference by (0, 1)",
        {"padding": (1, 1)},
        {"padding": (0, 1)},
    ),
    Mistake("batch norm: eps", C, "norm", "eps 0.001, the reference with 1e-05", {"eps": 1e-3}),
    Mistake("batch norm: new statistics", C, "norm", "those of a new model", {"statistics": "new"}),
    Mistake("batch norm: training", C, "norm", "those of this batch", {"statistics": "batch"}),
    Mistake(
        "pooling counts padding",
        C,
        "what head reads",
        "mean, the padding counted",
        {"pooling": "mean, padding counted"},
        {"pooling": "mean"},
    ),
    Mistake(
        "pooling does not count", C, "what head reads", "mean, the padding not counted", {"pooling": "mean"}
    ),
    Mistake("max for mean", C, "what head reads", "max over", {"pooling": "max"}),
    Mistake(
        "flatten order", C, "what head reads", "flattened as (height width channels)", {"flatten": "h w c"}
    ),
    Mistake(
        "leaky ReLU behind a convolution", C, "what head reads", "through leaky", {"activation": "leaky"}
    ),
    Mistake(
        "kernel's height and width",
        C,
        "conv",
        "with height and width exchanged",
        table=convolutions_table("w h i o -> o i h w"),
    ),
    Mistake(
        "kernel's channels",
        C,
        "conv",
        "with its channels exchanged",
        table=convolutions_table("h w o i -> o i h w"),
    ),
    Mistake(
        "kernel flipped",
        C,
        "conv",
        "flipped",
        table=convolutions_table(conv_change=lambda kernel: kernel[::-1, ::-1]),
    ),
    Mistake(
        "rows of a flattened image",
        C,
        "head",
        "(height width channels) for (channels height width)",
        table=convolutions_table(head="(c h w) o -> o (h w c), h=3, w=3"),
    ),
    Mistake(
        "batch norm: 1 + scale",
        C,
        "norm",
        "multiplies by 1 + scale, the reference by scale",
        table=convolutions_table(scale_change=lambda scale: scale + 1),
    ),
]
