"""`transformers` in PyTorch, with sdpa; op by op, or under torch.compile."""

from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
)

from benchmarks.batches import prompts_of
from benchmarks.contestants import Contestant
from benchmarks.contestants.torch_parts import DEVICE, generation, inference, training
from benchmarks.workloads import NEW, Workload
from data import Batch

SDPA: dict[str, Any] = {"attn_implementation": "sdpa"}


def build(workload: Workload, batches: list[Batch], compiled: bool = False) -> Contestant:
    torch.manual_seed(0)
    model: Any = model_of(workload).to(DEVICE)
    if workload.kind == "generate":
        return greedy(model, workload, batches, compiled)
    run = torch.compile(model, dynamic=False) if compiled else model
    if workload.kind == "gpt":
        # Shifting the labels is the model's; ours come shifted, so the loss is taken of its logits.
        return training(model, lambda batch: next_token_loss(run, batch), batches)
    if workload.kind == "mlm":
        return training(model, lambda batch: run(input_ids=batch.ids, labels=marked(batch)).loss, batches)
    if workload.kind == "classifier":
        return training(
            model, lambda batch: run(batch.ids, attention_mask=batch.mask, labels=batch.labels).loss, batches
        )
    return inference(model, lambda batch: run(batch.ids, attention_mask=batch.mask).logits, batches)


def model_of(workload: Workload) -> torch.nn.Module:
    if workload.kind in ("gpt", "generate"):
        config = GPT2Config(
            vocab_size=workload.vocab, n_positions=workload.length, n_embd=workload.embed,
            n_layer=workload.layers, n_head=workload.heads, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
            bos_token_id=None, eos_token_id=None, use_cache=workload.kind == "generate", **SDPA,
        )  # fmt: skip
        return GPT2LMHeadModel(config)
    classes: dict[str, Any] = {"num_labels": workload.classes}
    bert = BertConfig(
        vocab_size=workload.vocab, hidden_size=workload.embed, num_hidden_layers=workload.layers,
        num_attention_heads=workload.heads, intermediate_size=workload.mlp, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, max_position_embeddings=workload.length,
        **SDPA, **classes,
    )  # fmt: skip
    return BertForMaskedLM(bert) if workload.kind == "mlm" else BertForSequenceClassification(bert)


def next_token_loss(run: Any, batch: Any) -> torch.Tensor:
    logits = run(input_ids=batch.ids).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.labels.flatten())


def marked(batch: Any) -> torch.Tensor:
    """Labels at every position, -100 where none is asked for."""
    labels = torch.full_like(batch.ids, -100)
    return labels.scatter_(1, batch.masked_positions, batch.labels)


def greedy(model: Any, workload: Workload, batches: list[Batch], compiled: bool) -> Contestant:
    """With the cache: a static one if the model is compiled."""
    model.generation_config.pad_token_id = 0
    settings: dict[str, Any] = {"max_new_tokens": NEW, "do_sample": False}
    if compiled:
        model.forward = torch.compile(model.forward, dynamic=False)
        settings |= {"cache_implementation": "static", "disable_compile": True}  # it is already

    def generate(ids: torch.Tensor) -> torch.Tensor:
        return model.generate(ids, attention_mask=torch.ones_like(ids), **settings)

    return generation(model, generate, prompts_of(workload, batches))
