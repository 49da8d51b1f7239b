"""Mistakes in the study of grokking: task, measures, milestones; and the model, in both twins."""

from parity_tests.tests.mutants.mutant import Edit, Mutant
from parity_tests.tests.mutants.one_twin import one

STUDY = "parity_tests/tests/study"
TASK, MECHANISM, MILESTONES = (f"study/grok/{name}.py" for name in ("task", "mechanism", "milestones"))
MEASURES = f"{STUDY}/test_grok_mechanism.py"
TABLE = f"{STUDY}/test_grok_task.py"
RESTRICTED = f"{MEASURES}::test_of_a_network_of_key_waves_alone_nothing_is_restricted_away"
NORMS = f"{MEASURES}::test_the_norms_hold_all_of_an_embedding_but_its_mean"
SPREAD = f"{TABLE}::test_median_and_range_count_a_seed_that_never_came_as_the_latest"
STOCK = f"{STUDY}/test_grok.py::test_the_model_is_what_pytorchs_layers_compute"

GROK = (
    one(
        "grok: test pairs are trained on too",
        TASK,
        "np.sort(order[count:])",
        "np.sort(order[count - 1 :])",
        f"{TABLE}::test_training_and_test_pairs_are_disjoint_and_all",
    ),
    one(
        "grok: division multiplies",
        TASK,
        "return a * inverse[b] % prime",
        "return a * b % prime",
        f"{TABLE}::test_every_pair_is_there_once_with_its_result",
    ),
    one(
        "grok: waves of a - b for those of a + b",
        TASK,
        's - j if operation == "add" else s + j',
        "s + j",
        f"{TABLE}::test_rows_of_one_result_are_those_pairs",
    ),
    one(
        "grok: random labels are the seed's of no one",
        TASK,
        "random_bits(seed, 0, LABELS)",
        "random_bits(0, 0, LABELS)",
        f"{TABLE}::test_random_labels_are_drawn_for_each_pair",
    ),
    one("grok: the highest frequency counts twice", MECHANISM, "power[-1] /= 2.0", "pass", NORMS),
    one(
        "grok: the restricted logits lose their constant",
        MECHANISM,
        "constant=True)",
        "constant=False)",
        RESTRICTED,
    ),
    one(
        "grok: the excluded logits keep the key waves",
        MECHANISM,
        "logits - waves(",
        "logits + waves(",
        RESTRICTED,
    ),
    one(
        "grok: Gini without its ranks",
        MECHANISM,
        "np.sort(norms), len(norms)",
        "norms, len(norms)",
        f"{MEASURES}::test_gini_is_0_for_equal_norms_and_near_1_for_one_alone",
    ),
    one(
        "grok: what is reached exactly is not reached",
        MILESTONES,
        "at_least <= value < below), None)",
        "at_least < value < below), None)",
        f"{TABLE}::test_milestones_are_the_first_evaluations_that_reach_them",
    ),
    one(
        "grok: a seed that never came is left out",
        MILESTONES,
        "math.inf if step is None",
        "0 if step is None",
        SPREAD,
    ),
    Mutant(
        "grok: both twins read the first position's token",
        tuple(
            Edit(f"study/grok/{framework}_model.py", "x = x[ids[:, -1:], -1] +", "x = x[ids[:, :1], -1] +")
            for framework in ("jax", "torch")
        ),
        (STOCK,),
    ),
)
