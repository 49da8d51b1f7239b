"""What a GPT's training step is expected to take: its memory, counted. Operations: `workloads.step_flops`."""

from benchmarks.workloads import Workload
from jax_impl.fused_loss import chunk_length

FLOAT = 4  # bytes
STATE = 4  # arrays of a parameter's shape: itself, its gradient, Adam's two moments
# Arrays that one block keeps until its gradient is taken, as our arithmetic is written:
NARROW = 10  # of the width: two of each norm, queries, keys, values, what the three other matmuls read
WIDE = 7  # of the feed-forward's: six on the way through its GELU, and what comes out
PAIRS = 2  # of each head's queries by keys: the softmax's exponentials and its weights
TABLES = 2  # more of the table: its gradients by the loss, scaled, and by the embedding, till they are one
AT_WORK = 4  # of the same, of one block at a time: the softmax's gradient on its way
LAST = 3  # of the width, once: two of the last norm, the gradient that the loss has already computed


def step_bytes(workload: Workload, parameters: int) -> int:
    """State, what is kept for the backward pass, a chunk's logits, one block's softmax."""
    tokens = workload.batch * workload.length
    logits = min(tokens, chunk_length(workload.vocab)) * workload.vocab
    pairs = AT_WORK * tokens * workload.heads * workload.length
    tables = TABLES * workload.vocab * workload.embed
    return FLOAT * (STATE * parameters + tables + logits + pairs) + kept_bytes(workload)


def kept_bytes(workload: Workload) -> int:
    """What is kept for the backward pass; a compiler may keep less and compute it again."""
    block = NARROW * workload.embed + WIDE * workload.mlp + PAIRS * workload.heads * workload.length
    return FLOAT * workload.batch * workload.length * (workload.layers * block + LAST * workload.embed)
