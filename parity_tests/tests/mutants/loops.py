"""Mistakes in the training loops, alike in both, and in the run around them."""

from parity_tests.tests.mutants.mutant import Edit, Mutant
from parity_tests.tests.mutants.one_twin import one
from parity_tests.tests.mutants.tasks import TRAIN

RATES, RUN, SCHEDULES = (
    f"{TRAIN}/test_{name}.py" for name in ("train_rates", "data_flow_run", "train_schedule")
)
SCHEDULE, FIT = "train/loops/schedule.py", "train/loops/fit.py"
PYTORCH_S = f"{RATES}::test_each_update_goes_by_its_rate_as_with_pytorch_s_schedulers"
LINEAR = (f"{PYTORCH_S}[linear-sgd-jax]", f"{PYTORCH_S}[linear-sgd-torch]")
ADAM = (f"{PYTORCH_S}[constant-adamw-torch]",)
OWN = f"{RATES}::test_an_update_takes_the_mean_over_its_own_batches"
MEAN = (f"{OWN}[3-jax]", f"{OWN}[3-torch]")
KEYS = (f"{RATES}::test_each_batch_has_its_own_key_of_the_run_s_seed",)
SMOOTHS = (f"{RATES}::test_training_smooths_and_drops_and_evaluation_does_not",)
UPDATES = f"{RUN}::test_an_epoch_is_as_many_updates_as_hold_its_batches"
SPLITS = f"{RUN}::test_a_run_trains_validates_and_reports_on_the_splits_of_those_names"
GIVEN = f"{RUN}::test_the_trainer_has_the_run_s_settings[gpt]"
NUMBER = "rates_at(number, self.steps, self.optimizer)"
OWN_BATCHES = "range(number * self.optimizer.accumulate, (number + 1) * self.optimizer.accumulate)"


def both(
    name: str, jax: tuple[str, str], torch: tuple[str, str], tests: tuple[str, ...], *more: Edit
) -> Mutant:
    """The same mistake in both loops."""
    edits = Edit("train/loops/jax_loop.py", *jax), Edit("train/loops/torch_loop.py", *torch), *more
    return Mutant(name, edits, tests)


def alike(name: str, old: str, new: str, tests: tuple[str, ...]) -> Mutant:
    """In the same words."""
    return both(name, (old, new), (old, new), tests)


LOOPS = (
    alike("the schedule is a step ahead", NUMBER, NUMBER.replace("number", "number + 1"), LINEAR),
    alike("the schedule is a step late", NUMBER, NUMBER.replace("number", "max(number - 1, 0)"), LINEAR),
    alike(
        "the schedule counts batches",
        NUMBER,
        NUMBER.replace("number", "min(number * self.optimizer.accumulate, self.steps - 1)"),
        MEAN,
    ),
    alike(
        "batches are trained on again", OWN_BATCHES, "range(number, number + self.optimizer.accumulate)", MEAN
    ),
    both(
        "accumulated gradients are added up",
        ("array / optimizer.accumulate, (", "array, ("),
        ("(loss / optimizer.accumulate).backward()", "loss.backward()"),
        MEAN,
    ),
    both(
        "the first of the accumulated batches is all",
        ("map(self._gradient, batches)", "map(self._gradient, [batches[0]] * len(batches))"),
        ("for batch in batches]", "for batch in [batches[0]] * len(batches)]"),
        MEAN,
    ),
    both(
        "the batches of a step share a key",
        (
            "jax.random.fold_in(self._rng, number)",
            "jax.random.fold_in(self._rng, number // self.optimizer.accumulate)",
        ),
        (
            "random.fold_in(self._rng, number)",
            "random.fold_in(self._rng, number // self.optimizer.accumulate)",
        ),
        KEYS,
    ),
    both(
        "dropout is the same for all seeds",
        ("jax.random.fold_in(jax.random.key(seed), 1)", "jax.random.fold_in(jax.random.key(0), 1)"),
        ("random.fold_in(random.key(seed), 1)", "random.fold_in(random.key(0), 1)"),
        KEYS,
    ),
    both(
        "dropout has the key of the weights",
        ("jax.random.fold_in(jax.random.key(seed), 1)", "jax.random.key(seed)"),
        ("random.fold_in(random.key(seed), 1)", "random.key(seed)"),
        KEYS,
    ),
    both(
        "the loss is not smoothed",
        ("batch, rng, optimizer.smoothing)", "batch, rng, 0.0)"),
        ("batch, rng, optimizer.smoothing)", "batch, rng, 0.0)"),
        SMOOTHS,
    ),
    both(
        "nothing is dropped in training",
        ("batch, rng, optimizer.smoothing)", "batch, None, optimizer.smoothing)"),
        ("batch, rng, optimizer.smoothing)", "batch, None, optimizer.smoothing)"),
        SMOOTHS,
    ),
    both(
        "evaluation is smoothed",
        ("batch, None, 0.0)", "batch, None, 0.1)"),
        ("to_device(batch), None, 0.0)", "to_device(batch), None, 0.1)"),
        SMOOTHS,
    ),
    both(
        "every evaluated batch is the first",
        (
            "_evaluate(tree, batch, family, model) for batch in batches",
            "_evaluate(tree, batches[0], family, model) for batches in [list(batches)] for _ in batches",
        ),
        (
            "    for batch in batches:\n        loss, metrics",
            "    first, *rest = batches\n    for batch in [first] * (1 + len(rest)):\n        loss, metrics",
        ),
        SMOOTHS,
    ),
    both(
        "moments are forgotten when a run goes on",
        ("(moments or {}).items()}", "{}.items()}"),
        ("(moments or {}).items():", "{}.items():"),
        (f"{TRAIN}/test_train_lockstep.py::test_a_run_that_changes_framework_is_the_same_run",),
    ),
    one(
        "warm-up begins at zero",
        SCHEDULE,
        "peak * (step + 1) / warmup",
        "peak * step / warmup",
        f"{SCHEDULES}::test_warmup_rises_to_the_peak_in_equal_steps[linear]",
    ),
    one(
        "the last step has rate zero",
        SCHEDULE,
        "(step - warmup) / (steps - warmup)",
        "(step + 1 - warmup) / (steps - warmup)",
        f"{SCHEDULES}::test_the_last_step[linear]",
    ),
    one(
        "the fall ignores warm-up",
        SCHEDULE,
        "(step - warmup) / (steps - warmup)",
        "(step - warmup) / steps",
        f"{PYTORCH_S}[linear-sgd-torch]",
    ),
    one(
        "the cosine has no floor",
        SCHEDULE,
        "least + (peak - least) * (1.0 + math",
        "peak * (1.0 + math",
        f"{SCHEDULES}::test_the_falling_ones_are_optax_s[cosine-4-0.25]",
    ),
    one(
        "the line's floor is added to its fall",
        SCHEDULE,
        "least + (peak - least) * (1.0 - done)",
        "least + peak * (1.0 - done)",
        f"{SCHEDULES}::test_the_falling_ones_are_pytorch_s[linear-0.25]",
    ),
    one(
        "the cosine falls half-way",
        SCHEDULE,
        "math.cos(math.pi * done)",
        "math.cos(math.pi * done / 2)",
        f"{PYTORCH_S}[cosine-sgd-torch]",
    ),
    one(
        "the root is counted from zero",
        SCHEDULE,
        "max(warmup, 1) / (step + 1)",
        "max(warmup, 1) / max(step, 1)",
        f"{PYTORCH_S}[inverse_sqrt-sgd-torch]",
    ),
    one(
        "triangles fall at half the slope",
        SCHEDULE,
        "abs(sides % 2.0 - 1.0)",
        "abs(sides % 2.0 - 1.0) / 2.0",
        f"{RATES}::test_triangles_in_a_trainer_are_pytorch_s[torch]",
    ),
    one(
        "warm-up is cut to whole steps",
        SCHEDULE,
        "round(optimizer.warmup * steps)",
        "int(optimizer.warmup * steps)",
        f"{RUN}::test_the_log_has_each_update_s_rate[gpt]",
    ),
    one("Adam corrects for an update too many", SCHEDULE, "updates = step + 1", "updates = step + 2", *ADAM),
    one(
        "Adam's corrections are exchanged",
        SCHEDULE,
        "1.0 - optimizer.beta1**updates, 1.0 - optimizer.beta2**updates",
        "1.0 - optimizer.beta2**updates, 1.0 - optimizer.beta1**updates",
        *ADAM,
    ),
    one(
        "an epoch is as many updates as it has batches",
        FIT,
        "math.ceil(task.steps_per_epoch / task.config.optimizer.accumulate)",
        "task.steps_per_epoch",
        f"{UPDATES}[gpt]",
    ),
    one(
        "an epoch's last batches are left out",
        FIT,
        "math.ceil(task.steps_per_epoch",
        "math.floor(task.steps_per_epoch",
        f"{UPDATES}[gpt]",
    ),
    one(
        "a run has an epoch too few",
        FIT,
        "task.config.epochs * per_epoch",
        "(task.config.epochs - 1) * per_epoch",
        f"{UPDATES}[gpt]",
    ),
    one(
        "validation comes a step late",
        FIT,
        "(number + 1) % per_epoch == 0 or",
        "number % per_epoch == 0 or",
        f"{UPDATES}[gpt]",
    ),
    one(
        "a run validates on test",
        FIT,
        'scores = task.scores(loop, params, "validation")',
        'scores = task.scores(loop, params, "test")',
        f"{SPLITS}[gpt]",
    ),
    one(
        "the report's untrained weights are trained",
        FIT,
        "task.report(loop, untrained, params)",
        "task.report(loop, params, params)",
        f"{SPLITS}[classifier]",
    ),
    one(
        "the log has the next step's rate",
        FIT,
        "learning_rate=learning_rate(step, steps, optimizer)",
        "learning_rate=learning_rate(min(step + 1, steps - 1), steps, optimizer)",
        f"{RUN}::test_the_log_has_each_update_s_rate[gpt]",
    ),
    one(
        "every line is written, asked for or not",
        FIT,
        "if logging.writes(step, steps):",
        "if logging.writes(step, steps) or True:",
        f"{TRAIN}/test_logs.py::test_lines_are_left_out_and_the_others_are_as_they_were",
    ),
    one(
        "a sample is of the weights of the checkpoint before",
        FIT,
        """            if stops:
                params = finite_params""",
        """            if saves:
                params = finite_params""",
        f"{TRAIN}/test_logs.py::test_both_frameworks_write_the_same_while_they_learn",
    ),
    one(
        "samples that are taken again stay",
        "train/loops/samples.py",
        'if row["step"] <= first',
        'if row["step"] <= first or True',
        f"{TRAIN}/test_logs.py::test_a_run_that_goes_on_has_no_sample_twice",
    ),
    one(
        "the last validation is the best",
        "train/runs/listing.py",
        "best = min(rows, key=lambda row: float(row[LOSS]))",
        "best = rows[-1]",
        f"{TRAIN}/test_listing.py::test_the_best_validation_is_that_of_the_smallest_loss",
    ),
    one(
        "a run's dropout is that of seed 0",
        FIT,
        "optimizer, steps, seed, moments)",
        "optimizer, steps, 0, moments)",
        GIVEN,
    ),
    one(
        "the schedule is as long as the batches",
        FIT,
        "optimizer, steps, seed, moments)",
        "optimizer, steps * optimizer.accumulate, seed, moments)",
        GIVEN,
    ),
)
