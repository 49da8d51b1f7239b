"""The models by name: what `config.CONFIGS` has the settings of."""

from flax import linen as nn

from jax_impl.bert import Bert, BertClassifier, BertForMaskedLM, BertModel, BertPretraining
from jax_impl.classifier import TextClassifier
from jax_impl.gpt import GPT, GPTClassifier
from jax_impl.seq2seq import EncoderDecoder

MODELS: dict[str, type[nn.Module]] = {
    "classifier": TextClassifier,
    "bert": Bert,
    "bert_model": BertModel,
    "bert_for_masked_lm": BertForMaskedLM,
    "bert_pretraining": BertPretraining,
    "bert_classifier": BertClassifier,
    "gpt": GPT,
    "gpt_classifier": GPTClassifier,
    "encoder_decoder": EncoderDecoder,
}
