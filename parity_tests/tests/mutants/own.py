"""Mistakes in reading and splitting one's own data, and in the bar beside a classifier."""

from parity_tests.tests.mutants.batches import DATA
from parity_tests.tests.mutants.one_twin import one

OWN, TF_IDF, RUNS = (
    f"{DATA}/test_own.py",
    f"{DATA}/test_data_tf_idf.py",
    f"{DATA[:-4]}train/test_own_data.py",
)
LARGE, CORPORA = f"{DATA}/test_large.py", f"{DATA[:-4]}train/test_large_corpora.py"
SURVEY, SAME_SPLITS = "data/sets/survey.py", f"{LARGE}::test_the_splits_are_those_of_a_corpus_in_memory"
ON_DISK = f"{LARGE}::test_the_streams_on_disk_are_those_in_memory"
ROWS, SPLITTING, WORDS = "data/sets/rows.py", "data/sets/splitting.py", "data/baselines/tf_idf.py"
APART = f"{OWN}::test_no_text_is_in_two_splits"
SPLIT = f"{OWN}::test_a_split_is_the_same_for_good_and_holds_a_tenth_of_each_class"
NUMBERS = f"{TF_IDF}::test_it_gives_the_numbers_of_scikit_learn"

OWN_DATA = (
    one(
        "held-out texts stay in training",
        ROWS,
        "if held.get(key, row.split) != row.split:",
        "if False:",
        APART,
    ),
    one(
        "a text that both have is validation's",
        ROWS,
        'for split in ("validation", "test"):',
        'for split in ("test", "validation"):',
        APART,
    ),
    one(
        "capitals make another text",
        SPLITTING,
        ".casefold()",
        "",
        f"{OWN}::test_equal_texts_are_equal_whatever_their_capitals_and_spaces",
    ),
    one("another split is held out", SPLITTING, 'b"twinformer 1 "', 'b"twinformer 2 "', SPLIT),
    one(
        "classes are not held out alike", SPLITTING, "sizes[labels[row]] + 0.5", "len(keys) / 2 + 0.5", SPLIT
    ),
    one(
        "repeated rows stay",
        ROWS,
        "key in seen:",
        "key in set():",
        f"{OWN}::test_rows_of_no_use_are_counted_and_left_out",
    ),
    one(
        "numbers stand by the alphabet",
        ROWS,
        "key=float if all(map(is_number, known)) else None",
        "key=None",
        f"{OWN}::test_classes_that_are_numbers_stand_in_their_order",
    ),
    one(
        "changed data is the same",
        "train/runs/own_data.py",
        '!= kept.get("sha256")',
        "== None",
        f"{RUNS}::test_a_run_says_when_its_data_has_changed_or_lies_elsewhere",
    ),
    one("two classes are penalised once each", WORDS, "2.0 if classes == 2 else 1.0", "1.0", NUMBERS),
    one(
        "common words count as rare ones do",
        WORDS,
        "np.array([found[word] for word in column])",
        "np.ones(len(column))",
        NUMBERS,
    ),
    one(
        "intercepts are penalised",
        WORDS,
        "error.sum(axis=0)]",
        "error.sum(axis=0) + penalty * intercepts]",
        NUMBERS,
    ),
    one("a large corpus keeps repeats", SURVEY, "fates[repeated] = REPEATED", "pass", SAME_SPLITS),
    one(
        "a large corpus holds the last hashes out",
        SURVEY,
        "(trained)  # by",
        "(trained)[::-1]  # by",
        SAME_SPLITS,
    ),
    one(
        "a sample holds texts that are held out",
        SURVEY,
        "== split][::-1]",
        "== 2][::-1]",
        f"{LARGE}::test_a_tokenizer_is_trained_on_no_more_than_a_sample_of_training",
    ),
    one(
        "spaces between pieces are lost",
        "data/batches/stream_files.py",
        "sizes[0] += carried",
        "pass",
        ON_DISK,
    ),
    one(
        "each piece ends a document",
        "data/batches/pieces.py",
        "held[begin:end], False)",
        "held[begin:end], True)",
        ON_DISK,
    ),
    one(
        "a text's end is looked for where its file begins",
        "data/readers/long_text.py",
        "self[begin:end]:",
        "self[: end - begin]:",
        f"{LARGE}::test_a_long_text_is_used_like_a_string",
    ),
    one(
        "an end of a line that two parts share is two",
        "data/readers/long_text.py",
        '"\\r" * part.endswith("\\r")',
        '""',
        f"{LARGE}::test_a_long_text_is_used_like_a_string",
    ),
    one(
        "a document that changes is read on",
        "data/readers/long_text.py",
        "left != len(held)",
        "False",
        f"{LARGE}::test_a_long_document_that_changes_while_it_is_read_is_refused",
    ),
    one(
        "a data set by name never changes",
        "data/readers/hugging_face.py",
        "total.update(json.dumps(values, default=str).encode())",
        "pass",
        f"{DATA}/test_own_hub.py::test_its_digest_is_of_its_rows",
    ),
    one(
        "half of an entry is taken",
        "train/tasks/token_cache.py",
        'about["bytes"] == _sizes(place)',
        'about["bytes"]',
        f"{CORPORA}::test_a_damaged_entry_is_made_again[cut off]",
    ),
)
