"""The optimizer's update, wrong alike in both twins."""

from parity_tests.tests.mutants.alike import alike
from parity_tests.tests.mutants.mutant import Edit, Mutant
from parity_tests.tests.mutants.one_twin import one

UPDATES = "parity_tests/tests/train/test_train_optimizer.py::test_every_update_is_theirs"
ADAMW, SGD = f"{UPDATES}[torch-torch.optim-adamw]", f"{UPDATES}[torch-torch.optim-sgd]"
ALL, L2 = f"{UPDATES}[torch-torch.optim-adamw of all]", f"{UPDATES}[torch-torch.optim-adam with L2]"
KERNEL = f"{UPDATES.partition('::')[0]}::test_the_kernel_s_updates_are_those_that_are_written_out"
DECAYED = 'DECAYED = ("kernel", "embedding")'
IN_FRONT, BEHIND = "if decay and config.coupled:", "if decay and not config.coupled:"

OPTIMIZER = (
    alike(
        "gradients are not clipped",
        "optimizer",
        "jnp.minimum(largest / norm, 1.0)",
        "jnp.ones_like(norm)",
        ADAMW,
        torch=("torch.clamp(largest / norm, max=1.0)", "torch.ones_like(norm)"),
    ),
    alike(
        "eps is inside Adam's root",
        "optimizer",
        "jnp.sqrt(square / rates.square_weight) + config.eps",
        "jnp.sqrt(square / rates.square_weight + config.eps)",
        ADAMW,
        torch=(".sqrt_().add_(config.eps)", ".add_(config.eps).sqrt_()"),
    ),
    alike(
        "Adam's mean is not corrected",
        "optimizer",
        "mean / rates.mean_weight",
        "mean",
        ADAMW,
        torch=("(mean / rates.mean_weight)", "mean.clone()"),
    ),
    alike("biases decay", "optimizer", DECAYED, 'DECAYED = ("kernel", "embedding", "bias")', ADAMW),
    alike("embeddings do not decay", "optimizer", DECAYED, 'DECAYED = ("kernel",)', ADAMW),
    alike("matrices alone decay, asked or not", "optimizer", 'config.decayed == "all" or ', "", ALL),
    alike("L2 is decoupled decay too", "optimizer", BEHIND, "if decay:", L2),
    Mutant(
        "L2 comes behind the moments",
        tuple(
            Edit(f"{package}/optimizer.py", old, new)
            for package in ("jax_impl", "torch_impl")
            for old, new in ((IN_FRONT, "if False:"), (BEHIND, "if decay:"))
        ),
        (L2,),
    ),
    one(
        "the kernel scales L2 as it does decoupled decay",
        "torch_impl/optimizer.py",
        "1.0 if config.coupled else rates.mean_weight / root",
        "rates.mean_weight / root",
        f"{KERNEL}[adam with L2]",
    ),
    alike(
        "SGD damps the gradient",
        "optimizer",
        '* state["momentum"] + gradient',
        '* state["momentum"] + (1.0 - config.beta1) * gradient',
        SGD,
        torch=("add_(gradient)", "add_(gradient, alpha=1.0 - config.beta1)"),
    ),
)
