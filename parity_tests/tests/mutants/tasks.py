"""Mistakes in tasks: which texts are trained on, scored, reported, and what a classifier begins with."""

from parity_tests.tests.mutants.batches import ANEW, FLOW, SEEDS
from parity_tests.tests.mutants.one_twin import one

TRAIN = "parity_tests/tests/train"
SCORES, LEDGER = f"{TRAIN}/test_data_flow_scores.py", f"{TRAIN}/test_fine_tune_ledger.py"
CLASSIFIER, LANGUAGE, MASKED_LM = (
    f"train/tasks/{name}.py" for name in ("classifier", "language", "masked_lm")
)
NEXT_TOKEN, SEQ2SEQ, FINE_TUNE = (f"train/tasks/{name}.py" for name in ("next_token", "seq2seq", "fine_tune"))
KNOWS = f"{FLOW}::test_the_tokenizer_knows_the_words_of_the_training_split_alone"
MEANS = f"{SCORES}::test_scores_of_a_language_model_are_the_mean_over_all_windows_of_their_split"
CLASSES = f"{SCORES}::test_scores_of_the_classifier_are_of_all_texts_of_their_split"
CLASSES_REPORT = f"{SCORES}::test_the_classifier_s_report_is_of_the_test_split"
LANGUAGE_REPORT = f"{SCORES}::test_a_language_model_s_report_is_of_the_test_split"
REVERSAL = f"{SCORES}::test_reversal_is_trained_and_scored_on_different_sequences"
REVERSAL_REPORT = f"{SCORES}::test_reversal_s_report_is_of_the_test_split_and_its_baseline_of_training"
BASELINES = f"{FLOW}::test_baselines_count_the_training_split_choose_on_validation_and_score_test"
GUESSED = f"{FLOW}::test_the_masked_accuracy_of_counting_is_of_training_tokens_on_test_masks"
WINDOWS = f"{FLOW}::test_an_epoch_of_a_language_model_has_windows_of_the_training_split_none_twice"
ACCOUNTED = f"{LEDGER}::test_every_parameter_is_accounted_for"
SETTINGS = f"{LEDGER}::test_settings_are_the_run_s_but_for_dropout_classes_and_pooling"
BEGUN = "loop.initial_params(self.architecture, self.config.seed) | self.begun"
DRAWN, DRAW = (
    f"{SCORES}::test_weights_are_drawn_from_the_run_s_seed",
    "loop.initial_params(self.architecture, self.config.seed)",
)
CHECKED = f"{FLOW}::test_parity_is_checked_on_training_batches_of_every_width"
SURE = f"{TRAIN}/test_calibration.py"
KEPT = 'if not name.startswith("head/")'

TASKS = (
    one(
        "the classifier's tokenizer knows the test texts",
        CLASSIFIER,
        "(data.train_tokenizer, texts.train.texts, ",
        "(data.train_tokenizer, texts.train.texts + texts.test.texts, ",
        f"{KNOWS}[classifier]",
    ),
    one(
        "a language model's tokenizer knows the test texts",
        LANGUAGE,
        "(train_tokenizer, corpus.train, ",
        "(train_tokenizer, corpus.train + corpus.test, ",
        f"{KNOWS}[bert]",
        f"{KNOWS}[gpt]",
    ),
    one(
        "a tokenizer is trained even if one is given",
        LANGUAGE,
        "tokenizer or kept.tokenizer",
        "kept.tokenizer",
        f"{FLOW}::test_a_tokenizer_that_is_given_is_not_trained_again[gpt]",
    ),
    one(
        "the report's logits are the training split's",
        CLASSIFIER,
        '(self.logits(loop, params, "test") for',
        '(self.logits(loop, params, "train")[: len(self.texts.test)] for',
        CLASSES_REPORT,
    ),
    one(
        "the report's logits are the validation split's",
        CLASSIFIER,
        '(self.logits(loop, params, "test") for',
        '(np.resize(self.logits(loop, params, "validation"), (len(self.texts.test), len(self.classes))) for',
        CLASSES_REPORT,
    ),
    one(
        "words are dropped in evaluation",
        CLASSIFIER,
        "[outputs(batch.ids, batch.mask) for batch in batches]",
        "[outputs(self._stream._drop_words(batch, 0).ids, batch.mask) for batch in batches]",
        f"{SCORES}::test_no_words_are_dropped_in_evaluation",
    ),
    one("no words are dropped", CLASSIFIER, "            text.word_dropout,\n", "            0.0,\n", ANEW),
    one(
        "dropped words become [MASK]",
        CLASSIFIER,
        "self.tokenizer.token_to_id(data.UNK)",
        "data.MASK_ID",
        ANEW,
    ),
    one(
        "the classifier's batches are the same for all seeds",
        CLASSIFIER,
        "            self.config.seed,\n",
        "            0,\n",
        SEEDS,
    ),
    one(
        "logits are in the order of their widths",
        CLASSIFIER,
        "ordered[rows[rows >= 0]] = stacked[rows >= 0]",
        "ordered[:] = stacked[rows >= 0]",
        CLASSES,
    ),
    one(
        "only the test split's cut texts are counted",
        CLASSIFIER,
        "truncated += encoded.truncated",
        "truncated = encoded.truncated",
        f"{FLOW}::test_texts_are_cut_to_the_model_and_counted",
    ),
    one(
        "BERT reads texts without [CLS] and [SEP]",
        CLASSIFIER,
        'marked = architecture.name == "bert_classifier"',
        "marked = False",
        SETTINGS,
    ),
    one(
        "texts are as long as the pretrained model allows",
        CLASSIFIER,
        "getattr(texts, split).texts, config.model.max_positions, marked",
        "getattr(texts, split).texts, architecture.config.max_positions, marked",
        SETTINGS,
    ),
    one(
        "validation is scored on test",
        LANGUAGE,
        "batches = self.evaluation(split)",
        'batches = self.evaluation("test")',
        f"{MEANS}[gpt-validation]",
    ),
    one(
        "batches of an evaluation count alike",
        LANGUAGE,
        "np.array(counts) / np.sum(counts)",
        "np.full(len(counts), 1 / len(counts))",
        f"{MEANS}[gpt-test]",
    ),
    one(
        "bits per byte are of the test split's bytes",
        LANGUAGE,
        'self._derived(means["loss"], split)',
        'self._derived(means["loss"], "test")',
        f"{MEANS}[gpt-validation]",
    ),
    one(
        "perplexity is a power of two",
        LANGUAGE,
        "float(np.exp(nats))",
        "float(np.exp2(nats))",
        f"{MEANS}[gpt-test]",
    ),
    one(
        "untrained and trained are exchanged",
        LANGUAGE,
        "for params in (untrained, trained))",
        "for params in (trained, untrained))",
        f"{LANGUAGE_REPORT}[gpt]",
    ),
    one(
        "the test report is of validation",
        LANGUAGE,
        'self.scores(loop, params, "test")',
        'self.scores(loop, params, "validation")',
        f"{LANGUAGE_REPORT}[gpt]",
    ),
    one(
        "what is shown is of the untrained model",
        LANGUAGE,
        "loop.build_model(self.architecture), trained)",
        "loop.build_model(self.architecture), untrained)",
        f"{LANGUAGE_REPORT}[bert]",
    ),
    one(
        "baselines are chosen on test and score validation",
        LANGUAGE,
        'for name in ("validation", "test"))\n        return {',
        'for name in ("test", "validation"))\n        return {',
        f"{BASELINES}[gpt]",
    ),
    one(
        "to have learned is to be better than before",
        LANGUAGE,
        'after["loss"] < self.baselines["unigram"]["loss"]',
        'after["loss"] < before["loss"]',
        f"{SCORES}::test_a_language_model_has_learned_if_it_passes_the_unigram[0.99-True-gpt]",
    ),
    one(
        "BERT trains on the test split",
        MASKED_LM,
        'MaskedBatches(self.windows["train"]',
        'MaskedBatches(self.windows["test"]',
        f"{WINDOWS}[bert]",
    ),
    one(
        "GPT trains on validation",
        NEXT_TOKEN,
        'NextTokenBatches(self.windows["train"]',
        'NextTokenBatches(self.windows["validation"]',
        f"{WINDOWS}[gpt]",
    ),
    one(
        "GPT's batches are the same for all seeds",
        NEXT_TOKEN,
        "self.config.text.batch, self.config.seed",
        "self.config.text.batch, 0",
        SEEDS,
    ),
    one(
        "evaluation's masks are of the run's seed",
        MASKED_LM,
        "EVALUATION_BATCH, 0)",
        "EVALUATION_BATCH, self.config.seed)",
        f"{FLOW}::test_masks_are_the_same_in_every_evaluation",
    ),
    one(
        "the guess is of the test split",
        MASKED_LM,
        "masked_accuracy(self.counted",
        'masked_accuracy(self.windows["test"]',
        GUESSED,
    ),
    one(
        "the guess is scored on validation",
        MASKED_LM,
        'self.tokenizer, self.evaluation("test"))',
        'self.tokenizer, self.evaluation("validation"))',
        GUESSED,
    ),
    one(
        "BERT's shown masks are of validation",
        MASKED_LM,
        'self.evaluation("test")[0]',
        'self.evaluation("validation")[0]',
        f"{LANGUAGE_REPORT}[bert]",
    ),
    one(
        "masks that do not count weigh in the mean",
        MASKED_LM,
        "float(batch.weights.sum())",
        "float(batch.weights.size)",
        f"{SCORES}::test_a_batch_weighs_as_many_tokens_as_count",
    ),
    one(
        "GPT's shown text is of validation",
        NEXT_TOKEN,
        'self.evaluation("test")[0]',
        'self.evaluation("validation")[0]',
        f"{LANGUAGE_REPORT}[gpt]",
    ),
    one(
        "the translator's report decodes with untrained weights",
        SEQ2SEQ,
        'self.decoded(loop, trained, "test")',
        'self.decoded(loop, untrained, "test")',
        REVERSAL_REPORT,
    ),
    one(
        "the translator's baseline counts the test split",
        SEQ2SEQ,
        "[self.batch(number) for number in range(10)]",
        '[self.evaluation("test")]',
        REVERSAL_REPORT,
    ),
    one(
        "validation sources are scored with test ones",
        SEQ2SEQ,
        "self.decoded(loop, params, split), batch",
        'self.decoded(loop, params, "test"), batch',
        REVERSAL,
    ),
    one(
        "the pretrained pooler is left behind",
        FINE_TUNE,
        KEPT,
        'if not name.startswith(("head/", "pooler/"))',
        f"{ACCOUNTED}[features, first]",
    ),
    one("another task's head is kept", FINE_TUNE, f" {KEPT}", "", f"{ACCOUNTED}[classes, first]"),
    one(
        "a BERT without a head is left behind",
        FINE_TUNE,
        'base = "bert/" if source.name == "bert" else ""',
        'base = ""',
        f"{ACCOUNTED}[no head, mean]",
    ),
    one(
        "the classifier begins with drawn weights",
        CLASSIFIER,
        BEGUN,
        BEGUN.removesuffix(" | self.begun"),
        f"{ACCOUNTED}[GPT, tied]",
    ),
    one(
        "drawn weights replace the pretrained ones",
        CLASSIFIER,
        BEGUN,
        "self.begun | loop.initial_params(self.architecture, self.config.seed)",
        f"{ACCOUNTED}[GPT, tied]",
    ),
    one(
        "a fine-tuned model drops as it was pretrained",
        FINE_TUNE,
        'if name != "max_positions"',
        'if name not in ("max_positions", "dropout")',
        SETTINGS,
    ),
    one(
        "a fine-tuned BERT pools as its paper does", FINE_TUNE, ' | {"pooling": config.pooling}', "", SETTINGS
    ),
    one(
        "the classifier's weights are the same for all seeds",
        CLASSIFIER,
        BEGUN,
        BEGUN.replace("self.config.seed", "0"),
        f"{DRAWN}[classifier]",
    ),
    one(
        "language models' weights are the same for all seeds",
        LANGUAGE,
        DRAW,
        DRAW.replace("self.config.seed", "0"),
        f"{DRAWN}[gpt]",
    ),
    one(
        "translators' weights are the same for all seeds",
        SEQ2SEQ,
        DRAW,
        DRAW.replace("self.config.seed", "0"),
        f"{DRAWN}[seq2seq]",
    ),
    one(
        "the vocabulary is the one that was asked for",
        LANGUAGE,
        "replace(self.config.model, vocab=self.tokenizer.get_vocab_size())",
        "replace(self.config.model)",
        f"{FLOW}::test_the_model_is_the_configuration_s_with_the_data_s_tokens_and_classes[bert]",
    ),
    one(
        "parity is checked on no training batch",
        LANGUAGE,
        "return [self.batch(0)]",
        'return [self.evaluation("validation")[0]]',
        f"{CHECKED}[gpt]",
    ),
    one(
        "parity is checked on the widest batch alone",
        CLASSIFIER,
        "for width in sorted(found, reverse=True)]",
        "for width in sorted(found, reverse=True)[:1]]",
        f"{CHECKED}[classifier]",
    ),
    one(
        "parity is checked on the test split",
        CLASSIFIER,
        'self._evaluation("validation")',
        'self._evaluation("test")',
        f"{CHECKED}[classifier]",
    ),
    one(
        "parity of language models is checked on the test split",
        LANGUAGE,
        'return [self.evaluation("validation")[0]]',
        'return [self.evaluation("test")[0]]',
        f"{CHECKED}[bert]",
    ),
    one(
        "a classifier is made sure by the test split",
        CLASSIFIER,
        'self.logits(loop, weights, "validation")',
        'self.logits(loop, weights, "test")',
        f"{SURE}::test_the_test_split_is_not_looked_at",
    ),
    one(
        "a few right answers make a classifier infinitely sure",
        "train/tasks/calibration.py",
        "+ 1.0) / (counts + classes)",
        ") / counts",
        f"{SURE}::test_few_texts_that_are_all_right_make_no_model_infinitely_sure",
    ),
    one(
        "the head's bias stays as loud",
        "train/tasks/calibration.py",
        '("head/kernel", "head/bias")',
        '("head/kernel",)',
        f"{SURE}::test_scaled_weights_are_scaled_logits[jax]",
    ),
    one(
        "a run's scaled weights are forgotten",
        "train/loops/fit.py",
        "params = task.finished(loop, params)",
        "task.finished(loop, params)",
        f"{SURE}::test_a_run_ends_with_scaled_weights_and_its_report_is_of_them",
    ),
    one(
        "many classes have a table of any size",
        "train/tasks/ngrams.py",
        "min(config.ngram_buckets, max(1, LARGEST // classes))",
        "config.ngram_buckets",
        f"{TRAIN}/test_train_ngrams.py::test_many_classes_have_a_table_no_larger[96]",
    ),
)
