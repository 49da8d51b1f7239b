"""Mistakes in the figures and examples of reports, and in what an opened run predicts."""

from parity_tests.tests.mutants.one_twin import one
from parity_tests.tests.mutants.tasks import TRAIN

FIGURES = f"{TRAIN}/test_report_figures.py"
PREDICTIONS = f"{TRAIN}/test_predictions.py"
CLASSIFIER, SEQ2SEQ = "train/tasks/classifier_report.py", "train/tasks/seq2seq_report.py"
MASKED_LM, NEXT_TOKEN = "train/tasks/masked_lm_report.py", "train/tasks/next_token_report.py"
PREDICT = "train/runs/predict.py"
LOSS = f"{FIGURES}::test_scores_are_pytorch_s_loss_and_a_share"
MAJORITY = f"{FIGURES}::test_the_baseline_has_the_training_split_s_frequencies_and_the_test_split_s_truth"
BAR = f"{FIGURES}::test_the_error_bar_is_the_standard_error_of_a_share"
LEARNED = f"{FIGURES}::test_a_classifier_has_learned_if_it_passes_the_majority_by_two_standard_errors"
SHOWN = f"{FIGURES}::test_the_texts_shown_are_spread_over_the_test_split"
COUNTED = f"{FIGURES}::test_the_baseline_of_translations_has_the_training_tokens_frequencies"
TRANSLATED = f"{FIGURES}::test_a_translator_has_learned_if_it_passes_itself_by_two_standard_errors"
ENDS = f"{FIGURES}::test_a_translation_is_right_up_to_its_end"
FILLED = f"{FIGURES}::test_a_filled_mask_is_the_first_that_counts_with_its_surroundings"
WRITTEN = f"{FIGURES}::test_a_continuation_is_written_token_by_token_on_what_was_written"
ERROR = 'np.sqrt(after["accuracy"] * (1 - after["accuracy"]) / len(test))'
SHARE = "np.sqrt(share * (1 - share) / len(test.source))"
NATS = "np.log(np.maximum(counts / counts.sum(), 1e-12))"

REPORTS = (
    one(
        "the loss is a sum",
        CLASSIFIER,
        "np.arange(len(labels)), labels].mean()",
        "np.arange(len(labels)), labels].sum()",
        LOSS,
    ),
    one(
        "accuracy is of the unlikeliest class",
        CLASSIFIER,
        "logits.argmax(axis=1)",
        "logits.argmin(axis=1)",
        LOSS,
    ),
    one(
        "the majority is the test split's",
        CLASSIFIER,
        "train, test = texts.train.labels, texts.test.labels",
        "test, train = texts.train.labels, texts.test.labels",
        MAJORITY,
    ),
    one(
        "the majority's frequencies are mirrored",
        CLASSIFIER,
        "np.maximum(frequencies, 1e-12)",
        "np.maximum(frequencies[::-1], 1e-12)",
        MAJORITY,
    ),
    one(
        "the majority is told by the first class",
        CLASSIFIER,
        "texts.classes[int(np.argmax(frequencies))]",
        "texts.classes[0]",
        MAJORITY,
    ),
    one("the error bar is zero", CLASSIFIER, ERROR, "np.zeros(())", BAR),
    one("the error bar is a variance", CLASSIFIER, ERROR, ERROR.removeprefix("np.sqrt"), BAR),
    one("the error bar is that of one text", CLASSIFIER, ERROR, ERROR.replace(" / len(test)", ""), BAR),
    one("one standard error is enough", CLASSIFIER, "+ 2 * error", "+ error", LEARNED),
    one(
        "untrained is trained",
        CLASSIFIER,
        '"untrained": scores(untrained,',
        '"untrained": scores(trained,',
        BAR,
    ),
    one(
        "the first texts are shown",
        CLASSIFIER,
        "np.linspace(0, size - 1, min(SAMPLE, size))",
        "range(min(SAMPLE, size))",
        SHOWN,
    ),
    one(
        "shown probabilities are not divided",
        CLASSIFIER,
        "float(wide[best] / wide.sum())",
        "float(wide[best])",
        SHOWN,
    ),
    one(
        "shown truths are the predictions",
        CLASSIFIER,
        "texts.classes[int(test.labels[row])]",
        "texts.classes[best]",
        SHOWN,
    ),
    one(
        "the translator's frequencies are mirrored",
        SEQ2SEQ,
        NATS,
        NATS.replace("counts / ", "counts[::-1] / "),
        COUNTED,
    ),
    one(
        "the translator's frequencies are the test split's",
        SEQ2SEQ,
        "for batch in drawn]",
        "for batch in [test]]",
        COUNTED,
    ),
    one(
        "padding is counted",
        SEQ2SEQ,
        "test.labels[test.weights == 1]",
        "test.labels[test.weights >= 0]",
        COUNTED,
    ),
    one("the translator's error bar is zero", SEQ2SEQ, SHARE, "np.zeros(())", TRANSLATED),
    one("the translator needs no more than chance", SEQ2SEQ, "+ 2 * error", "- 2 * error", TRANSLATED),
    one("what stands behind the end counts", SEQ2SEQ, " | (batch.weights == 0)", "", ENDS),
    one(
        "the end does not count",
        SEQ2SEQ,
        "(batch.weights == 0)",
        "(batch.weights == 0) | (batch.labels == 2)",
        ENDS,
    ),
    one(
        "the first mask is shown, counted or not", MASKED_LM, "int(batch.weights[row].argmax())", "0", FILLED
    ),
    one(
        "the text shown is a token early",
        MASKED_LM,
        "ids[position + 1 : position + 7]",
        "ids[position : position + 6]",
        FILLED,
    ),
    one("continuations read the truth", NEXT_TOKEN, "outputs(rows)[", "outputs(ids[:ROWS])[", WRITTEN),
    one(
        "continuations begin a token late", NEXT_TOKEN, "truth[start:end]", "truth[start + 1 : end]", WRITTEN
    ),
    one(
        "a prediction is of another text",
        PREDICT,
        "logits[-len(examples) :]",
        "logits[: len(examples)]",
        f"{PREDICTIONS}::test_each_text_has_its_own_logits",
    ),
    one(
        "the unlikeliest class is the label",
        PREDICT,
        "np.argsort(-found)",
        "np.argsort(found)",
        f"{PREDICTIONS}::test_classes_come_with_their_own_probabilities",
    ),
    one(
        "classes are in the order of their names",
        PREDICT,
        "{classes[number]: float(found[number])",
        "{sorted(classes)[number]: float(found[number])",
        f"{PREDICTIONS}::test_classes_come_with_their_own_probabilities",
    ),
)
