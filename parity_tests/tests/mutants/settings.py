"""Other defaults, alike in both frameworks."""

from parity_tests.tests.mutants.alike import TWINS, alike

DEFAULTS = f"{TWINS}/test_defaults.py"
OURS = f"{DEFAULTS}::test_every_default_is_that_of_its_source"
USUAL = f"{DEFAULTS}::test_a_call_without_an_argument_does_what_is_usual"
DEVIATE = f"{DEFAULTS}::test_the_first_weights_deviate_as_the_papers_say"

SETTINGS = (
    alike("norms come after", "config", '"pre", "post"] = "pre"', '"pre", "post"] = "post"', OURS),
    alike("the activation is ReLU", "config", '"silu"] = "gelu"\n', '"silu"] = "relu"\n', OURS),
    alike("GPT's GELU is exact", "config", '"silu"] = "gelu_tanh"\n', '"silu"] = "gelu"\n', OURS),
    alike("the translator's activation is GELU", "config", '"silu"] = "relu"\n', '"silu"] = "gelu"\n', OURS),
    alike("a larger eps", "config", "eps: float = 1e-5", "eps: float = 1e-3", OURS),
    alike("BERT has GPT's eps", "config", "eps: float = 1e-12", "eps: float = 1e-5", OURS),
    alike("three classes", "config", "classes: int = 2", "classes: int = 3", OURS),
    alike("no biases", "config", "qkv_bias: bool | None = None", "qkv_bias: bool | None = False", OURS),
    alike("the mean is pooled", "config", '"mean"] = "first"', '"mean"] = "mean"', OURS),
    alike("positions are sines", "config", '"none"] = "learned"', '"none"] = "sinusoidal"', OURS),
    alike("all blocks are local", "config", "window_every: int = 2", "window_every: int = 1", OURS),
    alike("the output is a matrix of its own", "config", "tied: bool = True", "tied: bool = False", OURS),
    alike("Adam forgets squares later", "config", "beta2: float = 0.98", "beta2: float = 0.999", OURS),
    alike("decay is weaker", "config", "weight_decay: float = 0.1", "weight_decay: float = 0.01", OURS),
    alike("everything decays", "config", '"all"] = "matrices"', '"all"] = "all"', OURS),
    alike("decay is L2", "config", "coupled: bool = False", "coupled: bool = True", OURS),
    alike(
        "branches begin as large as all else",
        "config",
        "return 0.02 / sqrt(2 * self.layers)",
        "return 0.02",
        DEVIATE,
    ),
    alike(
        "the translator's embeddings begin small",
        "config",
        "return 1.0 / sqrt(self.embed)",
        "return 0.02",
        DEVIATE,
    ),
    alike(
        "labels are smoothed unasked",
        "losses",
        'labels: Int[Array, "batch"], smoothing: float = 0.0',
        'labels: Int[Array, "batch"], smoothing: float = 0.1',
        f"{USUAL}[losses-cross_entropy-smoothing-jax_impl]",
        torch=(
            'labels: Int[Tensor, "batch"], smoothing: float = 0.0',
            'labels: Int[Tensor, "batch"], smoothing: float = 0.1',
        ),
    ),
    alike(
        "Xavier counts the inputs alone",
        "initializers",
        "2.0 / (fan_in + fan_out)",
        "1.0 / fan_in",
        f"{TWINS}/test_initial.py::test_every_parameter_has_its_distribution",
    ),
)
