"""Mistakes in data sets and in the models that only count."""

from parity_tests.tests.mutants.batches import DATA
from parity_tests.tests.mutants.one_twin import one

NGRAM, REVERSAL = (f"{DATA}/test_data_{name}.py" for name in ("ngram", "reversal"))
POLARITY, NEWS, EMBEDDED = (f"data/sets/{name}.py" for name in ("polarity", "ag_news", "embedded"))
TOY, COUNTS, SCORES = "data/sets/reversal.py", "data/baselines/ngram.py", "data/baselines/scores.py"
SENTENCES = f"{DATA}/test_data_polarity.py::test_rows_keep_their_order_and_lines_break_at_newlines_only"
PAIRS = f"{REVERSAL}::test_every_row_is_a_sequence_and_its_reverse"
SCORED = f"{NGRAM}::test_baselines_score_the_labels_of_the_test_split"
UNIGRAM = "-np.log(unigram(train.tokens, vocab))[test.tokens[1:]]"

SETS = (
    one(
        "negative is called positive",
        POLARITY,
        'CLASSES = ("negative", "positive")',
        'CLASSES = ("positive", "negative")',
        f"{DATA}/test_data_polarity.py::test_sentences_of_each_file_have_its_class",
    ),
    one("validation is the end of the file", POLARITY, "4798, SENTENCES", "4265, 4798", SENTENCES),
    one(
        "topics are a number off",
        NEWS,
        "int(row[0]) - 1",
        "int(row[0]) % 4",
        f"{DATA}/test_data_ag_news.py::test_news_have_the_topic_of_their_number",
    ),
    one(
        "topics have each other's names",
        NEWS,
        '("world", "sports", "business", "sci/tech")',
        '("world", "business", "sports", "sci/tech")',
        f"{DATA}/test_data_ag_news.py::test_news_have_the_topic_of_their_number",
    ),
    one(
        "validation is trained on",
        NEWS,
        "np.sort(shuffled[count:])",
        "np.sort(shuffled)",
        f"{DATA}/test_data_ag_news.py::test_validation_is_a_twentieth_drawn_once_and_for_all",
    ),
    one(
        "packages have each other's labels",
        EMBEDDED,
        "[label] * len(found)",
        "[len(PACKAGES) - 1 - label] * len(found)",
        f"{DATA}/test_data_embedded.py::test_a_paragraph_has_the_label_of_its_package",
    ),
    one(
        "modules are placed as if all were one paragraph long",
        EMBEDDED,
        "missing[placed[name]] -= sizes[name]",
        "missing[placed[name]] -= 1",
        f"{DATA}/test_data_embedded.py::test_modules_are_placed_largest_first_where_most_is_missing",
    ),
    one(
        "repeated paragraphs stay",
        EMBEDDED,
        "if text.lower() not in seen:",
        "if text.lower() not in ():",
        f"{DATA}/test_data_embedded.py::test_repeated_doubtful_and_short_paragraphs_are_left_out",
    ),
    one(
        "a corpus validates on the test texts",
        "data/sets/corpus.py",
        "(labelled.train, labelled.validation, labelled.test)",
        "(labelled.train, labelled.test, labelled.validation)",
        f"{DATA}/test_data_corpora.py::test_a_corpus_has_the_splits_of_its_data_set",
    ),
    one(
        "held-out sequences are trained on",
        TOY,
        "1 + bits.random_raw(self.batch) % (symbols - np.uint64(1))",
        "bits.random_raw(self.batch) % symbols",
        f"{REVERSAL}::test_no_training_batch_holds_a_held_out_sequence",
    ),
    one(
        "targets are the sources",
        TOY,
        "(lengths[:, None] - 1 - places) % longest",
        "places[None, :].repeat(rows, axis=0)",
        PAIRS,
    ),
    one("targets do not end", TOY, "lengths] = END", "lengths] = PAD", PAIRS),
    one(
        "the decoder reads what it is to say",
        TOY,
        "[column + np.int32(BEGIN), backwards]",
        "[backwards, column]",
        PAIRS,
    ),
    one(
        "no sequence is of the longest",
        TOY,
        "np.uint64(longest - shortest + 1)",
        "np.uint64(longest - shortest)",
        f"{REVERSAL}::test_lengths_and_symbols_are_drawn_evenly",
    ),
    one(
        "special tokens are guessed",
        SCORES,
        "counts[special_ids(tokenizer)] = 0",
        "counts[special_ids(tokenizer)] += 0",
        f"{NGRAM}::test_the_masked_accuracy_is_that_of_the_commonest_ordinary_token",
    ),
    one(
        "the n-gram is chosen on test",
        SCORES,
        "model.nats(validation.tokens)",
        "model.nats(test.tokens)",
        f"{NGRAM}::test_the_order_is_chosen_on_validation_alone",
    ),
    one("the unigram scores what is no label", SCORES, UNIGRAM, UNIGRAM.replace("[1:]", "[:-1]"), SCORED),
    one("the unigram counts the test split", SCORES, UNIGRAM, UNIGRAM.replace("train", "test"), SCORED),
    one(
        "the unigram's frequencies are mirrored",
        SCORES,
        UNIGRAM,
        UNIGRAM.replace("[test", "[::-1][test"),
        SCORED,
    ),
    one(
        "the n-gram's first label is left out",
        SCORES,
        "best.nats(test.tokens)[1:]",
        "best.nats(test.tokens)[2:]",
        SCORED,
    ),
    one(
        "shorter n-grams are counted as they occur",
        COUNTS,
        "np.bincount(numbers[first + 1], minlength=len(grams))",
        "np.bincount(numbers[1 : len(tokens) - n + 2], minlength=len(grams))",
        f"{NGRAM}::test_bigrams_by_hand",
    ),
    one(
        "frequent n-grams are discounted less",
        COUNTS,
        "3 - 4 * rare",
        "3 - 3 * rare",
        f"{NGRAM}::test_discounts_are_chen_and_goodmans",
    ),
    one(
        "the unigram counts from zero",
        COUNTS,
        "minlength=vocab) + 1) / (len(tokens) + vocab)",
        "minlength=vocab) + 0) / len(tokens)",
        f"{NGRAM}::test_unigram_by_hand",
    ),
)
