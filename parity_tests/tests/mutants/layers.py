"""What layers and models compute, wrong alike in both twins: third parties see it."""

from parity_tests.tests.mutants.alike import TWINS, alike, hugging_face_s, pytorch_s

GPT_CLASSIFIER = (
    f"{TWINS}/test_dropout_hugging_face.py::"
    "test_a_gpt_classifier_reads_the_last_real_token_as_gpt2_for_sequence_classification"
)
BERT_MEAN = (
    f"{TWINS}/test_dropout_hugging_face.py::"
    "test_our_masks_in_bert_and_the_mean_of_its_tokens_give_our_classifier"
)
NGRAMS = f"{TWINS}/test_ngrams.py"
LAST = "last = jnp.maximum(mask.sum(axis=1, dtype=jnp.int32) - 1, 0)"
TORCH_LAST = "last = (mask.sum(dim=1) - 1).clamp(min=0)"

ATTENTION = (
    alike(
        "scores are not scaled",
        "attention",
        " / math.sqrt(query.shape[-1])",
        "",
        pytorch_s("pre-norm encoder layer"),
    ),
    alike(
        "scores are scaled by the number of keys",
        "attention",
        "math.sqrt(query.shape[-1])",
        "math.sqrt(key.shape[-2])",
        pytorch_s("decoder layer"),
    ),
    alike(
        "queries see the next token",
        "masks",
        "(_ahead(query, key, start) <= 0)[None, None]",
        "(_ahead(query, key, start) <= 1)[None, None]",
        hugging_face_s("gpt"),
        torch=("(_ahead(query, key, start, device) <= 0)", "(_ahead(query, key, start, device) <= 1)"),
    ),
    alike(
        "the window is one token wider",
        "masks",
        "(ahead > -window)",
        "(ahead >= -window)",
        hugging_face_s("mistral"),
    ),
    alike(
        "BERT sees padding",
        "bert",
        "attention_mask = padding_mask(mask)",
        "attention_mask = padding_mask(mask | ~mask)",
        hugging_face_s("bert_model"),
    ),
    alike(
        "the decoder sees the source's padding",
        "seq2seq",
        "causal_mask(target.shape[1], target.shape[1]), padding_mask(source_mask)",
        "causal_mask(target.shape[1], target.shape[1]), padding_mask(source_mask | ~source_mask)",
        pytorch_s("encoder and decoder"),
        torch=(
            "target.shape[1], padding_mask(source_mask)",
            "target.shape[1], padding_mask(source_mask | ~source_mask)",
        ),
    ),
    alike(
        "cross-attention reads its own sequence",
        "seq2seq",
        "self.cross_attention(x, context, context_mask,",
        "self.cross_attention(x, x, None,",
        pytorch_s("decoder layer"),
    ),
    alike(
        "keys and values serve every other query",
        "attention",
        "key, value = memory",
        "key, value = (jnp.tile(each, (1, query.shape[1] // each.shape[1], 1, 1)) for each in memory)",
        hugging_face_s("llama"),
        torch=(
            "key, value = memory",
            "key, value = (each.repeat(1, query.shape[1] // each.shape[1], 1, 1) for each in memory)",
        ),
    ),
    alike(
        "keys are not normalised where queries are",
        "attention",
        "key = self.key_norm(key)",
        "pass",
        hugging_face_s("qwen3"),
    ),
    alike(
        "heads turn the other way",
        "attention",
        "(first * cosine - second * sine, second * cosine + first * sine)",
        "(first * cosine + second * sine, second * cosine + first * sine)",
        hugging_face_s("llama"),
    ),
    alike(
        "keys are not turned",
        "attention",
        "key = rotate(key, angles)",
        "pass",
        hugging_face_s("llama"),
    ),
)

LAYERS = (
    alike(
        "RMSNorm divides by the deviation",
        "layers",
        "jnp.square(wide).mean(axis=-1, keepdims=True) + eps",
        "jnp.square(wide - wide.mean(axis=-1, keepdims=True)).mean(axis=-1, keepdims=True) + eps",
        hugging_face_s("llama"),
        torch=(
            "wide.square().mean(dim=-1, keepdim=True) + eps",
            "(wide - wide.mean(dim=-1, keepdim=True)).square().mean(dim=-1, keepdim=True) + eps",
        ),
    ),
    alike(
        "eps is added to the deviation",
        "layers",
        "jax.lax.rsqrt(variance + eps)",
        "1.0 / (jnp.sqrt(variance) + eps)",
        pytorch_s("pre-norm encoder layer"),
        torch=("torch.rsqrt(variance + eps)", "1.0 / (torch.sqrt(variance) + eps)"),
    ),
    alike("the tanh GELU is less exact", "layers", "0.044715", "0.0447", hugging_face_s("gpt")),
    alike(
        "the gate multiplies after the activation of the other",
        "layers",
        "activate(gate) * hidden",
        "gate * activate(hidden)",
        hugging_face_s("llama"),
    ),
    alike(
        "tokens beside sines are not multiplied",
        "embeddings",
        " * math.sqrt(config.embed)",
        "",
        pytorch_s("encoder and decoder"),
    ),
    alike(
        "sines are slower",
        "layers",
        "np.power(10000.0, -np.arange(0, embed, 2) / embed)",
        "np.power(1000.0, -np.arange(0, embed, 2) / embed)",
        pytorch_s("encoder and decoder"),
    ),
    alike(
        "cosines are at even indices",
        "layers",
        "[np.sin(angles), np.cos(angles)]",
        "[np.cos(angles), np.sin(angles)]",
        pytorch_s("encoder and decoder"),
    ),
    alike(
        "rotary positions are not stretched",
        "layers",
        "        rates = scaled_rates(rates, scaling)\n",
        "        pass\n",
        hugging_face_s("qwen2"),
    ),
    alike(
        "all rotary positions are stretched alike",
        "layers",
        'if scaling.kind == "linear":',
        "if scaling.kind:",
        hugging_face_s("llama_scaled"),
    ),
)

MODELS = (
    alike(
        "GPT has no final norm",
        "gpt",
        'x = tap("final_norm", self.final_norm(x), "batch position embed")',
        "pass",
        hugging_face_s("gpt"),
    ),
    alike(
        "all tokens are in the first segment",
        "embeddings",
        "if segment_ids is None else segment_ids",
        "if segment_ids is None else segment_ids * 0",
        hugging_face_s("bert_model"),
    ),
    alike(
        "positions of RoBERTa begin one later",
        "embeddings",
        "* real + (offset - 1)",
        "* real + offset",
        hugging_face_s("roberta"),
    ),
    alike(
        "the pooler reads the last token",
        "bert",
        "dense = self.dense(x[:, 0])",
        "dense = self.dense(x[:, -1])",
        hugging_face_s("bert_model"),
    ),
    alike(
        "the pooler has another's end",
        "bert",
        'self.config.pooler_activation == "relu"',
        'self.config.pooler_activation != "relu"',
        hugging_face_s("bert_classifier"),
    ),
    alike(
        "masked words have no norm",
        "bert",
        'x = tap("norm", self.norm(x), "batch masked embed")',
        "pass",
        hugging_face_s("bert_pretraining"),
    ),
    alike(
        "the classifier's mean counts padding",
        "pooling",
        "count = jnp.maximum(mask.sum(axis=1, dtype=jnp.int32), 1)",
        "count = jnp.full(mask.shape[:1], mask.shape[1], jnp.int32)",
        pytorch_s("classifier"),
        torch=("count = mask.sum(dim=1).clamp(min=1)", "count = mask.sum(dim=1) * 0 + mask.shape[1]"),
    ),
    alike(
        "pairs of tokens reach into padding",
        "ngrams",
        "mask & jnp.roll(mask, -1, axis=1) &",
        "mask &",
        f"{NGRAMS}::test_rows_of_their_own",
        torch=("mask & mask.roll(-1, dims=1) &", "mask &"),
    ),
    alike(
        "pairs of tokens reach into the next text",
        "ngrams",
        "(text_ids == jnp.roll(text_ids, -1, axis=1))",
        "(text_ids >= 0)",
        f"{NGRAMS}::test_texts_that_share_rows",
        torch=("(text_ids == text_ids.roll(-1, dims=1))", "(text_ids >= 0)"),
    ),
    alike(
        "a text without n-grams keeps them",
        "ngrams",
        "self.config.ngram_dropout, rng) > 0.0",
        "self.config.ngram_dropout, rng) > -1.0",
        f"{NGRAMS}::test_a_text_goes_without_all_or_keeps_all_as_it_is",
    ),
    alike(
        "the classifier has no final norm",
        "classifier",
        'x = tap("final_norm", self.final_norm(x), "batch position embed")',
        "pass",
        pytorch_s("classifier"),
    ),
    alike(
        "BERT's mean counts padding",
        "bert",
        "masked_mean(x, mask)",
        "masked_mean(x, mask | ~mask)",
        BERT_MEAN,
    ),
    alike(
        "the other blocks are local",
        "config",
        "(number + 1) % self.window_every == 0",
        "number % self.window_every == 0",
        hugging_face_s("qwen2_windows"),
    ),
    alike(
        "a GPT classifier reads the row's end",
        "gpt",
        LAST,
        "last = jnp.full(mask.shape[:1], mask.shape[1] - 1, jnp.int32)",
        GPT_CLASSIFIER,
        torch=(TORCH_LAST, "last = mask.sum(dim=1) * 0 + mask.shape[1] - 1"),
    ),
    alike(
        "a GPT classifier reads the token before the last",
        "gpt",
        LAST,
        LAST.replace("- 1", "- 2"),
        GPT_CLASSIFIER,
        torch=(TORCH_LAST, TORCH_LAST.replace("- 1", "- 2")),
    ),
    alike(
        "a GPT classifier reads the first token",
        "gpt",
        LAST,
        "last = mask.sum(axis=1, dtype=jnp.int32) * 0",
        GPT_CLASSIFIER,
        torch=(TORCH_LAST, "last = mask.sum(dim=1) * 0"),
    ),
)

ARCHITECTURE = (*ATTENTION, *LAYERS, *MODELS)
