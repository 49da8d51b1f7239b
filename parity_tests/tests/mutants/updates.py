"""The optimizer's update, wrong alike in both twins."""

from parity_tests.tests.mutants.alike import alike

UPDATES = "parity_tests/tests/train/test_train_optimizer.py::test_every_update_is_theirs"
ADAMW, SGD = f"{UPDATES}[torch-torch.optim-adamw]", f"{UPDATES}[torch-torch.optim-sgd]"
DECAYED = 'DECAYED = ("kernel", "embedding")'

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
    alike(
        "SGD damps the gradient",
        "optimizer",
        '* state["momentum"] + gradient',
        '* state["momentum"] + (1.0 - config.beta1) * gradient',
        SGD,
        torch=("add_(gradient)", "add_(gradient, alpha=1.0 - config.beta1)"),
    ),
)
