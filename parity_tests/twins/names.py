"""The names of all twins, known without a framework, so that a wrong one is refused at once."""

from difflib import get_close_matches

# A test holds them against the catalogue.
NAMES = (
    "gelu",
    "gelu_tanh",
    "relu",
    "layer_norm",
    "dropout",
    "causal_mask",
    "same_text_mask",
    "attention",
    "attention_padded",
    "attention_causal",
    "single_head",
    "multi_head",
    "multi_head_padded",
    "multi_head_causal",
    "cross_attention",
    "feed_forward",
    "embeddings",
    "embeddings_sinusoidal",
    "block_pre",
    "block_post",
    "masked_mean",
    "packed_mean",
    "ngram_ratios",
    "ngram_ratios_packed",
    "cross_entropy",
    "silu",
    "rms_norm",
    "banded_mask",
    "grouped_query_rotary",
    "feed_forward_gated",
    "attention_qk_norm",
    "embeddings_segment",
    "pooler",
    "pooler_relu",
    "masked_words",
    "block_decoder",
    "weighted_cross_entropy",
    "weighted_cross_entropy_smooth",
    "chunked_cross_entropy",
    "bert",
    "bert_model",
    "bert_for_masked_lm",
    "bert_pretraining",
    "bert_pretraining_lean",
    "bert_classifier",
    "bert_classifier_mean",
    "bert_classifier_ngrams",
    "roberta",
    "distilbert",
    "gpt",
    "gpt1",
    "gpt3",
    "gpt_classifier",
    "gpt_classifier_ngrams",
    "llama",
    "llama_scaled",
    "mistral",
    "qwen2",
    "qwen3",
    "encoder_decoder",
    "classifier",
    "classifier_packed",
    "classifier_ngrams",
    "classifier_post",
)


class UnknownTwin(ValueError):
    """No twin has this name; the message names those that are close, or all."""


def check_name(name: str) -> None:
    """Raise UnknownTwin unless a twin has this name, or it is "all"."""
    if name not in ("all", *NAMES):
        close = get_close_matches(name, NAMES, n=4, cutoff=0.5)
        hint = (
            f"did you mean {' or '.join(close)}?" if close else f"choose 'all' or one of {', '.join(NAMES)}"
        )
        raise UnknownTwin(f"no model or block {name!r}: {hint}")


def names_of(name: str) -> list[str]:
    """This name, or all of them. Raises UnknownTwin."""
    check_name(name)
    return [known for known in NAMES if name in ("all", known)]
