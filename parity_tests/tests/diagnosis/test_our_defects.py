"""Our own twins' defects, injected in PyTorch and compared as any pair: named right, or not at all."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from flax.traverse_util import unflatten_dict

from parity_tests.pair import JaxModel, TorchModel, compare
from parity_tests.twins.defects import DEFECTS
from parity_tests.twins.run import initial_params
from torch_impl import convert

GUIDE = Path(__file__).parents[3] / "docs" / "porting.md"
NAMED = {
    "layer norm: eps 1e-6 for 1e-5": "computes with eps 1e-06, the reference with 1e-05",
    "layer norm: unbiased variance": "takes the unbiased variance",
    "activation: tanh for exact GELU": "comes through tanh GELU, in the reference through exact GELU",
    "attention: scaled by the sequence length for head_dim": "multiplies the scores by 1 / sqrt(keys)",
    "attention: softmax over the queries": "takes the softmax over the queries",
    "masks: padding mask inverted": "see keys without mask True, the reference keys with mask True",
    "block: pre-norm and post-norm swapped": "output is what feed_forward_norm returns",
    "embeddings: positions counted from one": "takes rows +1 of its table",
    "bert: segment ids ignored": "takes rows 0 0 0 0 0 0 ... of its table, in the reference 1 1 1 1 1 1",
    "bert: eps 1e-5 for 1e-12": "computes with eps 1e-05, the reference with 1e-12",
    "gpt: no causal mask": "see keys with mask True, the reference keys not later than the query",
    "gpt: the window one token too wide": "see keys not later than the query, and no more than 4 of them",
    "llama: neighbours rotated for halves": "in interleaved pairs, the reference in halves",
    "llama: RMSNorm around the mean": "is a layer norm, in the reference a RMS norm",
    "llama: GELU for SiLU in the gate": "comes through exact GELU, in the reference through SiLU",
    "llama: keys dealt to the heads in turn": "shares keys and values in turn, the reference to neighbours",
    "head_dim: scores scaled by embed / heads": "multiplies the scores by 0.5",
    "qwen2: no bias on queries, keys and values": "has its bias left out, the reference added",
    "mistral: the window on every other block only": "see keys not later than the query, keys with mask",
    "roberta: positions counted from zero": "takes rows -1 of its table",
    "roberta: positions of the padding counted on": "takes rows 5 6 7 8 2 3 ... of its table",
    "seq2seq: cross-attention sees the source's padding": "see all keys, the reference keys with source_mask",
}
# A twin that is a function has no parts, and a table that is wrong is another's here.
TRIED = [
    defect
    for defect in DEFECTS
    if not defect.in_training
    and defect.dtype == "float64"
    and not isinstance(defect.twin.build("jax_impl"), partial)
]


def compared(defect):
    inputs = defect.twin.inputs(np.random.default_rng(0))
    params = unflatten_dict(initial_params(defect.twin, inputs, 0), sep="/")
    reference = JaxModel(defect.twin.build("jax_impl"), params)
    with defect.inject():
        return compare(reference, TorchModel(defect.twin.build("torch_impl")), inputs, convert.TABLE)


@pytest.mark.slow
def test_our_own_defects_get_no_wrong_name(unchecked):
    shown = 0
    for defect in TRIED:
        comparison = compared(defect)
        verdicts = {tap.verdict for found in comparison.isolations for tap in found.tap_errors}
        shown += bool(verdicts & {"diverges", "earlier"})
        texts = [finding.text for finding in comparison.findings]
        wanted = NAMED.get(defect.name)
        assert (wanted is None) == (not texts), (defect.name, texts)
        assert all(wanted in text for text in texts), (defect.name, texts)
    share = f"of our own twins' defects that a forward run shows, {len(NAMED)} of {shown}"
    assert share in " ".join(GUIDE.read_text("utf-8").split())


def test_one_of_our_own_defects_is_named():
    (defect,) = [defect for defect in TRIED if defect.name == "activation: tanh for exact GELU"]
    (finding,) = compared(defect).findings
    assert NAMED[defect.name] in finding.text
