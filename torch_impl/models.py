"""The models by name: what `config.CONFIGS` has the settings of."""

from torch import nn

from torch_impl.bert import Bert, BertClassifier, BertForMaskedLM, BertModel, BertPretraining
from torch_impl.classifier import TextClassifier
from torch_impl.gpt import GPT, GPTClassifier
from torch_impl.seq2seq import EncoderDecoder

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
