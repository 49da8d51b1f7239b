"""The sampler's order and its ends, alike in both twins."""

from parity_tests.tests.mutants.alike import TWINS, alike
from parity_tests.tests.mutants.mutant import Edit, Mutant

ORDER = (
    f"{TWINS}/test_sampling.py::"
    "test_the_draw_is_from_what_hugging_face_s_warpers_leave_in_their_order[temperature-top_k-top_p-torch]"
)
TIES = f"{TWINS}/test_sampling.py::test_of_the_likeliest_the_first_is_taken"
TRANSLATION = (
    f"{TWINS}/test_sampling.py::"
    "test_a_translation_is_the_likeliest_token_after_the_first_one_and_those_before"
)
GENERATE = f"{TWINS}/test_generate.py"
CONTINUATIONS = "parity_tests/tests/train/test_continuations.py"

JAX_TOP_K = """    if top_k is not None:
        largest, _ = jax.lax.top_k(logits, min(top_k, logits.shape[-1]))
        logits = jnp.where(logits < largest[:, -1:], -jnp.inf, logits)
"""
JAX_TOP_P = """    if top_p is not None:
        descending = jnp.sort(logits, axis=-1, descending=True)
        probabilities = jax.nn.softmax(descending, axis=-1)
        before = jnp.cumsum(probabilities, axis=-1) - probabilities  # of all likelier tokens together
        smallest = jnp.where(before < top_p, descending, jnp.inf).min(axis=-1, keepdims=True)
        logits = jnp.where(logits < smallest, -jnp.inf, logits)
"""
TORCH_TOP_K = """    if top_k is not None:
        largest, _ = torch.topk(logits, min(top_k, logits.shape[-1]))
        logits = torch.where(logits < largest[:, -1:], -torch.inf, logits)
"""
TORCH_TOP_P = """    if top_p is not None:
        descending = torch.sort(logits, dim=-1, descending=True).values
        probabilities = torch.softmax(descending, dim=-1)
        before = torch.cumsum(probabilities, dim=-1) - probabilities  # of all likelier tokens together
        smallest = torch.where(before < top_p, descending, torch.inf).amin(dim=-1, keepdim=True)
        logits = torch.where(logits < smallest, -torch.inf, logits)
"""

SAMPLING = (
    alike(
        "top-p comes before top-k",
        "generate",
        JAX_TOP_K + JAX_TOP_P,
        JAX_TOP_P + JAX_TOP_K,
        ORDER,
        torch=(TORCH_TOP_K + TORCH_TOP_P, TORCH_TOP_P + TORCH_TOP_K),
    ),
    alike(
        "top-p comes before the temperature",
        "generate",
        "keep_likeliest(wide / temperature, top_k, top_p)",
        "keep_likeliest(wide, top_k, top_p) / temperature",
        ORDER,
    ),
    alike(
        "the nucleus stops before it reaches top_p",
        "generate",
        "before < top_p",
        "before + probabilities < top_p",
        ORDER,
    ),
    alike(
        "one token more is kept",
        "generate",
        "min(top_k, logits.shape[-1])",
        "min(top_k + 1, logits.shape[-1])",
        ORDER,
    ),
    alike(
        "temperature multiplies",
        "generate",
        "wide / temperature",
        "wide * temperature",
        ORDER,
    ),
    alike(
        "of the likeliest the last is taken",
        "generate",
        "return jnp.argmax(wide, axis=-1)",
        "return wide.shape[-1] - 1 - jnp.argmax(wide[:, ::-1], axis=-1)",
        TIES,
        torch=(
            "return torch.argmax(wide, dim=-1)",
            "return wide.shape[-1] - 1 - torch.argmax(wide.flip(-1), dim=-1)",
        ),
    ),
    alike(
        "all positions have one key",
        "generate",
        "fold_in(rng, position)",
        "fold_in(rng, 0)",
        f"{GENERATE}::test_the_cache_changes_nothing[gpt-torch]",
    ),
    alike(
        "the end token is not counted",
        "generate",
        "jnp.minimum(stops, position + 1)",
        "jnp.minimum(stops, position)",
        f"{GENERATE}::test_a_row_stops_at_the_end_token_that_it_writes[torch]",
        torch=("stops.clamp(max=position + 1)", "stops.clamp(max=position)"),
    ),
    alike(
        "an end token in the prompt ends it",
        "generate",
        "ended = (position >= lengths) & jnp.isin(",
        "ended = jnp.isin(",
        f"{GENERATE}::test_a_row_stops_at_the_end_token_that_it_writes[torch]",
        torch=("ended = (position >= own) & torch.isin(", "ended = torch.isin("),
    ),
    alike(
        "the first of several end tokens alone ends a text",
        "generate",
        "jnp.asarray(ends, token.dtype)",
        "jnp.asarray(ends[:1], token.dtype)",
        f"{GENERATE}::test_a_row_stops_at_whichever_end_token_it_writes[torch]",
        torch=("torch.tensor(ends, device", "torch.tensor(ends[:1], device"),
    ),
    alike(
        "a translation begins with another token",
        "greedy",
        "jnp.full((source.shape[0], 1), begin, source.dtype)",
        "jnp.full((source.shape[0], 1), 0, source.dtype)",
        TRANSLATION,
        torch=("torch.full_like(source[:, :1], begin)", "torch.full_like(source[:, :1], 0)"),
    ),
    alike(
        "a translation is of the least likely tokens",
        "greedy",
        "logits.argmax(axis=-1)",
        "logits.argmin(axis=-1)",
        TRANSLATION,
        torch=("logits.argmax(dim=-1)", "logits.argmin(dim=-1)"),
    ),
    Mutant(
        "continuations come round by round",
        (
            Edit(
                "train/runs/continuations.py",
                "[row for row in encoded for _ in range(sampling.num)]",
                "[row for _ in range(sampling.num) for row in encoded]",
            ),
        ),
        (CONTINUATIONS,),
    ),
    Mutant(
        "a continuation begins with its prompt's last token",
        (Edit("train/runs/continuations.py", "row[length:stop]", "row[length - 1 : stop]"),),
        (CONTINUATIONS,),
    ),
)
