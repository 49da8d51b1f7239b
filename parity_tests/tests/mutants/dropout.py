"""Dropout left out, moved, added, or with a key that another place has: alike in both twins."""

from parity_tests.tests.mutants.alike import alike, draws, hugging_face_s, pytorch_s

POOLED = "        pooled = dropout(pooled, self.config.dropout, fold_in(rng, self.config.layers + 1))\n"
SEGMENTS = 'dropout(tap("output", self.norm(x), "batch position embed"), config.dropout, rng)'

LEFT_OUT = (
    alike("the classifier's pooled vector is not dropped", "classifier", POOLED, "", pytorch_s("classifier")),
    alike("BERT's pooled vector is not dropped", "bert", POOLED, "", hugging_face_s("bert_classifier")),
    alike("GPT's pooled vector is not dropped", "gpt", POOLED, "", *draws("gpt_classifier")),
    alike(
        "attention's weights are not dropped",
        "attention",
        "dropout(weights, rate, rng)",
        "weights",
        hugging_face_s("bert_model"),
        torch=("dropout(weights, rate, rng)", "weights"),
    ),
    alike(
        "token embeddings are not dropped",
        "embeddings",
        "return dropout(x, config.dropout, rng)",
        "return x",
        pytorch_s("encoder and decoder"),
    ),
    alike(
        "segment embeddings are not dropped",
        "embeddings",
        SEGMENTS,
        'tap("output", self.norm(x), "batch position embed")',
        hugging_face_s("bert_model"),
    ),
    alike(
        "the feed-forward branch is not dropped",
        "block",
        "dropout(branch, rate, fold_in(rng, 2))",
        "branch",
        pytorch_s("post-norm encoder layer"),
    ),
    alike(
        "the attention branch is not dropped",
        "block",
        "dropout(branch, rate, fold_in(rng, 1))",
        "branch",
        pytorch_s("pre-norm encoder layer"),
    ),
    alike(
        "no branch of the decoder is dropped",
        "seq2seq",
        "norm(x + dropout(branch, self.config.dropout, rng)),",
        "norm(x + branch),",
        pytorch_s("decoder layer"),
    ),
    alike(
        "cross-attention's weights are not dropped",
        "seq2seq",
        "self.cross_attention(x, context, context_mask, fold_in(rng, 2), scope)",
        "self.cross_attention(x, context, context_mask, None, scope)",
        pytorch_s("decoder layer"),
    ),
    alike(
        "the source is not dropped",
        "seq2seq",
        'self.embeddings(source, fold_in(rng, 0), within(tap, "source_embeddings"))',
        'self.embeddings(source, None, within(tap, "source_embeddings"))',
        *draws("encoder_decoder"),
    ),
)

SHARED_KEYS = (
    alike(
        "both branches of a block share a key",
        "block",
        "fold_in(rng, 2)",
        "fold_in(rng, 1)",
        *draws("classifier"),
    ),
    alike(
        "attention's weights and its branch share a key",
        "block",
        "mask, fold_in(rng, 0), scope",
        "mask, fold_in(rng, 1), scope",
        pytorch_s("pre-norm encoder layer"),
    ),
    *(
        alike(
            f"all blocks of {name} share a key",
            file,
            "fold_in(rng, number + 1)",
            "fold_in(rng, 1)",
            *draws(model),
        )
        for name, file, model in [
            ("the classifier", "classifier", "classifier"),
            ("BERT", "bert", "bert_classifier"),
            ("GPT", "gpt", "gpt"),
        ]
    ),
    alike(
        "all blocks of the encoder share a key",
        "seq2seq",
        "x = block(x, attention_mask, fold_in(rng, number + 1), within",
        "x = block(x, attention_mask, fold_in(rng, 1), within",
        pytorch_s("encoder and decoder"),
    ),
    alike(
        "all blocks of the decoder share a key",
        "seq2seq",
        "x = block(x, context, mask, context_mask, fold_in(rng, number + 1), scope)",
        "x = block(x, context, mask, context_mask, fold_in(rng, 1), scope)",
        *draws("encoder_decoder"),
    ),
    alike(
        "encoder and decoder share their keys",
        "seq2seq",
        "source_mask, fold_in(rng, 1), tap)",
        "source_mask, fold_in(rng, 0), tap)",
        pytorch_s("encoder and decoder"),
    ),
    alike(
        "self-attention and cross-attention share a key",
        "seq2seq",
        "context_mask, fold_in(rng, 2), scope)",
        "context_mask, fold_in(rng, 0), scope)",
        pytorch_s("decoder layer"),
    ),
    alike(
        "two branches of the decoder share a key",
        "seq2seq",
        "fold_in(rng, 4)",
        "fold_in(rng, 3)",
        *draws("encoder_decoder"),
    ),
    alike(
        "the pooled vector has the key of the embeddings",
        "classifier",
        "fold_in(rng, self.config.layers + 1)",
        "fold_in(rng, 0)",
        *draws("classifier"),
    ),
)

MOVED = (
    alike(
        "the sum is dropped and not the branch",
        "block",
        "x = x + dropout(branch, rate, fold_in(rng, 2))",
        "x = dropout(x + branch, rate, fold_in(rng, 2))",
        pytorch_s("pre-norm encoder layer"),
    ),
    alike(
        "the decoder's sums are dropped and not its branches",
        "seq2seq",
        "norm(x + dropout(branch, self.config.dropout, rng))",
        "norm(dropout(x + branch, self.config.dropout, rng))",
        pytorch_s("decoder layer"),
    ),
    alike(
        "segment embeddings are dropped before the norm",
        "embeddings",
        SEGMENTS,
        'tap("output", self.norm(dropout(x, config.dropout, rng)), "batch position embed")',
        hugging_face_s("bert_model"),
    ),
    alike(
        "what the feed-forward layer reads is dropped too",
        "block",
        'branch = self.feed_forward(read, within(tap, "feed_forward"))',
        'branch = self.feed_forward(dropout(read, rate, fold_in(rng, 3)), within(tap, "feed_forward"))',
        pytorch_s("post-norm encoder layer"),
    ),
    alike(
        "scores are dropped and not weights",
        "attention",
        "masked_softmax(scores, mask), axes)\n    weights = join_groups(dropout(weights, rate, rng), group)",
        "masked_softmax(dropout(scores, rate, rng), mask), axes)\n    weights = join_groups(weights, group)",
        hugging_face_s("gpt1"),
    ),
)

RATES = (
    alike(
        "what is kept is not scaled",
        "layers",
        "at_least_float32(x) / (1.0 - rate)",
        "at_least_float32(x)",
        pytorch_s("pre-norm encoder layer"),
    ),
    alike(
        "the rate is what is kept",
        "layers",
        ">= jnp.uint32(round(rate * 2**32))",
        "< jnp.uint32(round(rate * 2**32))",
        pytorch_s("pre-norm encoder layer"),
        torch=("kept = shifted >= round", "kept = shifted < round"),
    ),
    alike(
        "a vector is dropped as a whole",
        "layers",
        "jax.random.bits(rng, x.shape, jnp.uint32)",
        "jax.random.bits(rng, (*x.shape[:-1], 1), jnp.uint32)",
        *draws("gpt"),
        torch=("random.bits(rng, tuple(x.shape),", "random.bits(rng, (*x.shape[:-1], 1),"),
    ),
    alike(
        "blocks drop half as much",
        "block",
        'self.config.norm_position == "pre", self.config.dropout',
        'self.config.norm_position == "pre", self.config.dropout / 2',
        pytorch_s("post-norm encoder layer"),
    ),
)

DROPOUT = (*LEFT_OUT, *SHARED_KEYS, *MOVED, *RATES)
