"""Mistakes in batches, windows, masks and tokenizers."""

from parity_tests.tests.mutants.one_twin import one

DATA = "parity_tests/tests/data"
FLOW = "parity_tests/tests/train/test_data_flow.py"
BATCHES, LANGUAGE, WINDOWS = (f"{DATA}/test_data_{name}.py" for name in ("batches", "language", "windows"))
TEXT, SHUFFLE, MASKING = (f"data/batches/{name}.py" for name in ("text", "shuffle", "masking"))
NEXT_TOKEN, WINDOW, BUCKETS = (f"data/batches/{name}.py" for name in ("next_token", "windows", "buckets"))
WORD_PIECE = "data/tokenizers/word_piece.py"
DROPPED = f"{BATCHES}::test_word_dropout_replaces_its_share_of_real_tokens_anew_at_each_step"
ANEW = f"{FLOW}::test_words_are_dropped_anew_in_every_epoch"
SEEDS = f"{FLOW}::test_a_seed_has_batches_and_dropped_words_of_its_own"
EVALUATED = f"{BATCHES}::test_evaluation_holds_each_example_once[7]"
HELD = f"{BATCHES}::test_batches_hold_their_examples"
ORDERS = f"{BATCHES}::test_epochs_and_seeds_differ_and_widths_are_shuffled"
ONCE = f"{LANGUAGE}::test_evaluation_holds_each_window_once_in_order[7]"
SHARES = f"{LANGUAGE}::test_the_shares_are_80_10_10_and_every_position_is_as_likely"
TOO_LITTLE = f"{LANGUAGE}::test_where_there_is_too_little_to_mask_the_rest_weighs_0"
LONG = f"{FLOW}::test_a_long_text_keeps_its_beginning"
DROP_BITS = "random_bits(self.seed, step, WORD_DROPOUT)"
MASK_BITS = "random_bits(self.seed, step, MASKING)"
ORDER_BITS = "random_bits(self.seed, epoch, ORDER)"
ENCODED = "np.array([*first, *ids[:room], *last], np.int32)"
EVALUATION_ROWS = 'np.concatenate([filler, np.argsort(widths, kind="stable")])'

BATCH = (
    one(
        "words are dropped alike in every epoch",
        TEXT,
        DROP_BITS,
        DROP_BITS.replace("step", "step % self.steps_per_epoch"),
        ANEW,
    ),
    one("words are dropped alike at every step", TEXT, DROP_BITS, DROP_BITS.replace("step", "0"), ANEW),
    one(
        "words are dropped alike whatever the seed",
        TEXT,
        DROP_BITS,
        DROP_BITS.replace("self.seed", "0"),
        SEEDS,
    ),
    one("padding is dropped too", TEXT, "batch.mask & (drawn <", "(drawn <", DROPPED),
    one("dropped words become padding", TEXT, "np.int32(self.unknown)", "np.int32(PAD_ID)", DROPPED),
    one("word dropout is the share that stays", TEXT, "(drawn < below(", "(drawn >= below(", DROPPED),
    one(
        "the last examples of an evaluation are left out",
        TEXT,
        f"{EVALUATION_ROWS}.astype",
        'np.argsort(widths, kind="stable")[: len(examples) // batch * batch].astype',
        EVALUATED,
    ),
    one("an evaluation is filled with its first example", TEXT, "% batch, -1)", "% batch, 0)", EVALUATED),
    one(
        "labels are those of the first examples",
        TEXT,
        "labels[rows]).astype(np.int32), rows",
        "labels[: len(rows)]).astype(np.int32), rows",
        f"{FLOW}::test_an_epoch_of_the_classifier_has_each_training_text_once_with_its_label",
    ),
    one(
        "the last token is masked out",
        TEXT,
        "mask[place, : len(example)]",
        "mask[place, : max(1, len(example) - 1)]",
        HELD,
    ),
    one("padding comes first", TEXT, "ids[place, : len(example)]", "ids[place, -len(example) :]", HELD),
    one(
        "every batch has the largest width",
        TEXT,
        "widths[rows[~filler]].max()",
        "widths.max()",
        f"{BATCHES}::test_buckets_save_padding",
    ),
    one(
        "the buckets are the worst",
        BUCKETS,
        "return min(cuts)",
        "return max(cuts)",
        f"{BATCHES}::test_chosen_buckets_are_the_best_of_all[2]",
    ),
    one(
        "every epoch has the first one's order", SHUFFLE, ORDER_BITS, ORDER_BITS.replace("epoch", "0"), ORDERS
    ),
    one(
        "the order is the same for all seeds",
        SHUFFLE,
        ORDER_BITS,
        ORDER_BITS.replace("self.seed", "0"),
        ORDERS,
    ),
    one(
        "the same examples sit out in every epoch",
        SHUFFLE,
        "permutation(bits, len(self.groups))[: self.steps * self.batch]",
        "permutation(bits, self.steps * self.batch)",
        f"{BATCHES}::test_no_example_occurs_twice_in_an_epoch_and_fewer_than_a_batch_sit_out",
    ),
    one("short batches come first", SHUFFLE, "plan[permutation(bits, self.steps)]", "plan", ORDERS),
    one(
        "a run begins with its second batch",
        SHUFFLE,
        "divmod(step, self.steps)",
        "divmod(step + 1, self.steps)",
        f"{BATCHES}::test_the_order_is_fixed_for_good",
    ),
    one(
        "order and masks share their bits",
        SHUFFLE,
        "counter=[0, 0, 0, purpose]",
        "counter=[0, 0, 0, 0]",
        f"{LANGUAGE}::test_the_draw_is_fixed_for_good",
    ),
    one(
        "the last windows of an evaluation are left out",
        NEXT_TOKEN,
        "range(0, rows, batch)",
        "range(0, rows - batch + 1, batch)",
        ONCE,
    ),
    one(
        "evaluation batches overlap",
        NEXT_TOKEN,
        "slice(first, first + batch)",
        "slice(first, first + batch + 1)",
        ONCE,
    ),
    one(
        "labels are of other windows",
        NEXT_TOKEN,
        "self.windows.labels[rows])",
        "self.windows.labels[rows[::-1]])",
        f"{LANGUAGE}::test_an_epoch_holds_each_window_once_and_another_has_another_order",
    ),
    one(
        "each token is its own label",
        WINDOW,
        "self.tokens[1:].reshape",
        "self.tokens[:-1].reshape",
        f"{WINDOWS}::test_windows_are_consecutive_and_labels_are_the_next_tokens",
    ),
    one(
        "the end token comes before its text",
        WINDOW,
        "[*encoding.ids, end]",
        "[end, *encoding.ids]",
        f"{WINDOWS}::test_an_end_token_follows_each_document_and_nothing_else",
    ),
    one(
        "bytes are counted of what is no label",
        WINDOW,
        "stream.sizes[1:kept]",
        "stream.sizes[:kept]",
        f"{FLOW}::test_the_bytes_of_a_split_are_those_of_its_text[test]",
    ),
    one(
        "nats are given as bits",
        WINDOW,
        "labels / np.log(2) / windows.bytes",
        "labels / windows.bytes",
        f"{WINDOWS}::test_bits_per_byte_is_the_total_over_the_bytes",
    ),
    one(
        "masks are alike in every epoch",
        MASKING,
        MASK_BITS,
        MASK_BITS.replace("step", "step % self.steps_per_epoch"),
        f"{FLOW}::test_masks_are_drawn_anew_in_every_epoch",
    ),
    one(
        "special tokens are masked",
        MASKING,
        "~np.isin(ids, self.special)",
        "np.ones(ids.shape, bool)",
        TOO_LITTLE,
    ),
    one("too many become [MASK]", MASKING, "BECOME_RANDOM = 0.8, 0.1", "BECOME_RANDOM = 0.85, 0.1", SHARES),
    one(
        "none becomes a random token", MASKING, "BECOME_RANDOM = 0.8, 0.1", "BECOME_RANDOM = 0.8, 0.0", SHARES
    ),
    one(
        "a random token may be special",
        MASKING,
        "self.ordinary[drawn",
        "np.arange(len(self.ordinary), dtype=np.int32)[drawn",
        SHARES,
    ),
    one(
        "what is to be told is what the model reads",
        MASKING,
        "chosen.astype(np.int32), labels, weights",
        "chosen.astype(np.int32), changed[rows, chosen], weights",
        f"{FLOW}::test_an_epoch_of_a_language_model_has_windows_of_the_training_split_none_twice[bert]",
    ),
    one(
        "what is not masked counts",
        MASKING,
        "weights.astype(np.float32))",
        "np.ones(weights.shape, np.float32))",
        TOO_LITTLE,
    ),
    one("a long text keeps its end", WORD_PIECE, ENCODED, ENCODED.replace("[:room]", "[-room:]"), LONG),
    one(
        "a long text loses [SEP]",
        WORD_PIECE,
        ENCODED,
        "np.array([*first, *ids, *last][:positions], np.int32)",
        LONG,
    ),
    one("a text that fits counts as cut", WORD_PIECE, "len(ids) > room", "len(ids) >= room", LONG),
    one(
        "capitals are unknown",
        WORD_PIECE,
        "word_piece(pieces)",
        "word_piece(pieces, lowercase=False)",
        f"{DATA}/test_data_tokenizers.py::test_text_is_lower_cased_and_comes_back",
    ),
)
