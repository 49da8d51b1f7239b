"""A mistake in one twin alone: the ledger or parity sees it."""

from parity_tests.tests.mutants.alike import JAX_DRAWS, TORCH_DRAWS, TWINS, pytorch_s
from parity_tests.tests.mutants.dropout import POOLED
from parity_tests.tests.mutants.mutant import Edit, Mutant

AGREE = f"{TWINS}/test_twins.py::test_the_twins_agree"
RANDOM = f"{TWINS}/test_random.py"


def one(name: str, path: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, (Edit(path, old, new),), tests)


ONE_TWIN = (
    one(
        "JAX's classifier does not drop its pooled vector",
        "jax_impl/classifier.py",
        POOLED,
        "",
        f"{JAX_DRAWS}[classifier-{{}}]",
    ),
    one(
        "all blocks of JAX's GPT share a key",
        "jax_impl/gpt.py",
        "fold_in(rng, number + 1)",
        "fold_in(rng, 1)",
        f"{JAX_DRAWS}[gpt-{{}}]",
    ),
    one(
        "PyTorch's blocks have a key too many",
        "torch_impl/block.py",
        "fold_in(rng, 2)",
        "fold_in(fold_in(rng, 2), 0)",
        f"{TORCH_DRAWS}[bert-{{}}]",
    ),
    one(
        "PyTorch's keys are those of the number before",
        "torch_impl/random.py",
        "Key(*hash_words(rng, 0, data & WORD))",
        "Key(*hash_words(rng, 0, data - 1 & WORD))",
        f"{RANDOM}::test_keys_and_folded_keys_are_the_same_words[1]",
    ),
    one(
        "PyTorch's bits are those of another place",
        "torch_impl/random.py",
        "torch.arange(start, min(start + CHUNK, count), dtype=torch.int32, device=device)",
        "torch.arange(start, min(start + CHUNK, count), dtype=torch.int32, device=device) + 1",
        f"{RANDOM}::test_dropout_drops_the_same_elements_in_both_frameworks_and_every_dtype[float32-0.1]",
    ),
    one(
        "JAX's norm has the sample's variance",
        "jax_impl/layers.py",
        "variance = jnp.square(centred).mean(axis=-1, keepdims=True)",
        "variance = jnp.square(centred).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1)",
        f"{AGREE}[float64-layer_norm]",
    ),
    one(
        "PyTorch's norm has the sample's variance",
        "torch_impl/layers.py",
        "centred.square().mean(dim=-1, keepdim=True)",
        "centred.square().sum(dim=-1, keepdim=True) / (x.shape[-1] - 1)",
        pytorch_s("pre-norm encoder layer"),
    ),
    one(
        "JAX's dropout keeps its rate",
        "jax_impl/layers.py",
        ">= jnp.uint32(round(rate * 2**32))",
        "< jnp.uint32(round(rate * 2**32))",
        f"{AGREE}[float64-dropout]",
    ),
    one(
        "JAX's softmax has a query see what is hidden",
        "jax_impl/attention.py",
        "wide = jnp.where(mask, wide, -jnp.inf)",
        "wide = jnp.where(mask, wide, -1.0)",
        f"{AGREE}[float64-attention_padded]",
    ),
    one(
        "PyTorch counts positions from one",
        "torch_impl/embeddings.py",
        "counted = start + torch.arange",
        "counted = start + 1 + torch.arange",
        f"{AGREE}[float64-embeddings]",
    ),
    one(
        "PyTorch's BERT alone has GPT's eps",
        "torch_impl/config.py",
        "eps: float = 1e-12",
        "eps: float = 1e-5",
        "parity_tests/tests/twins/test_defaults.py::test_every_default_is_that_of_its_source[BertConfig-torch]",
    ),
    one(
        "JAX's loss smooths twice",
        "jax_impl/losses.py",
        "(1.0 - smoothing) * target",
        "(1.0 - smoothing) ** 2 * target",
        f"{AGREE}[float64-cross_entropy]",
    ),
    one(
        "PyTorch's Adam weighs the mean by itself",
        "torch_impl/optimizer.py",
        "add_(gradient, alpha=1.0 - config.beta1)",
        "add_(gradient, alpha=config.beta1)",
        "parity_tests/tests/train/test_train_optimizer.py::test_adam_s_moments_are_torch_s",
    ),
)
