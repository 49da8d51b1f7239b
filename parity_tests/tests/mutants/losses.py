"""Losses and objectives, wrong alike in both twins."""

from parity_tests.tests.mutants.alike import TWINS, alike

OBJECTIVES = f"{TWINS}/test_objectives.py"
FUSED = f"{TWINS}/test_fused_loss.py"
CLASSES = (
    f"{OBJECTIVES}::test_a_classifier_s_loss_is_smoothed_as_theirs[bert_classifier-pytorch_s-jax]",
    f"{OBJECTIVES}::test_a_classifier_s_loss_is_smoothed_as_theirs[bert_classifier-optax_s-torch]",
)
WORDS = f"{OBJECTIVES}::test_masked_words_have_a_smoothed_loss_over_those_that_count"
TRANSLATIONS = f"{OBJECTIVES}::test_translations_have_a_smoothed_loss_over_real_tokens"
NEXT = f"{OBJECTIVES}::test_next_tokens_have_the_plain_loss_of_all"
SMOOTHED = "loss = weighted_cross_entropy(logits, batch.labels, batch.weights, smoothing)"
PLAIN = "loss = weighted_cross_entropy(logits, batch.labels, batch.weights)"
JAX_WORDS = "batch.masked_positions, None, rng)\n    "
JAX_TARGET = "batch.target, batch.source_mask, rng)\n    "

LOSSES = (
    alike(
        "the classifier's labels are not smoothed",
        "objectives",
        "cross_entropy(logits, batch.labels, smoothing)\n",
        "cross_entropy(logits, batch.labels)\n",
        *CLASSES,
    ),
    alike(
        "masked words are not smoothed",
        "objectives",
        JAX_WORDS + SMOOTHED,
        JAX_WORDS + PLAIN,
        WORDS,
    ),
    alike(
        "translations are not smoothed",
        "objectives",
        JAX_TARGET + SMOOTHED,
        JAX_TARGET + PLAIN,
        TRANSLATIONS,
    ),
    alike(
        "the classifier trains without dropout",
        "objectives",
        "mask=batch.mask, rng=rng, **packed)",
        "mask=batch.mask, rng=None, **packed)",
        *CLASSES,
    ),
    alike(
        "masked words train without dropout",
        "objectives",
        "batch.masked_positions, None, rng)",
        "batch.masked_positions, None, None)",
        WORDS,
    ),
    alike(
        "GPT trains without dropout",
        "objectives",
        'batch.ids, None, rng, method="hidden")',
        'batch.ids, None, None, method="hidden")',
        NEXT,
        torch=("model.hidden(batch.ids, None, rng)", "model.hidden(batch.ids, None, None)"),
    ),
    alike(
        "translations train without dropout",
        "objectives",
        "batch.target, batch.source_mask, rng)",
        "batch.target, batch.source_mask, None)",
        TRANSLATIONS,
    ),
    alike(
        "smoothing spares the label",
        "losses",
        "(1.0 - smoothing) * target",
        "(1.0 - smoothing * wide.shape[-1] / (wide.shape[-1] - 1)) * target",
        *CLASSES,
    ),
    alike(
        "padding counts in the mean",
        "losses",
        "total = at_least_float32(weights).sum()",
        "total = at_least_float32(weights * 0 + 1).sum()",
        WORDS,
    ),
    alike(
        "accuracy is of the least likely",
        "losses",
        "logits.argmax(axis=-1)",
        "logits.argmin(axis=-1)",
        *CLASSES,
        torch=("logits.argmax(dim=-1) == labels", "logits.argmin(dim=-1) == labels"),
    ),
    alike(
        "the fused loss forgets the weights in its gradients",
        "fused_loss",
        "its_shares[None] * jnp.where(",
        "jnp.where(",
        f"{FUSED}::test_a_chunk_at_a_time_is_the_plain_loss",
        torch=("d_logits *= its_shares", "d_logits *= 1.0"),
    ),
    alike(
        "the fused loss forgets what becomes of it",
        "fused_loss",
        "(upstream * at_least_float32(one))",
        "(1.0 * at_least_float32(one))",
        f"{FUSED}::test_gradients_pass_on_what_becomes_of_the_loss",
        torch=("else upstream * each", "else 1.0 * each"),
    ),
    alike(
        "the fused loss sums the table's gradient in its own precision",
        "fused_loss",
        "jnp.zeros(array.shape, shares.dtype)",
        "jnp.zeros(array.shape, array.dtype)",
        f"{FUSED}::test_half_precision_sums_in_float32",
        torch=("torch.zeros_like(table, dtype=shares.dtype)", "torch.zeros_like(table)"),
    ),
)
