"""Byte-level BPE tokenizers in GPT-2's manner: any text comes back to the byte, none is unknown."""

from collections.abc import Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from data.errors import DataError

END = "<|endoftext|>"  # id 0 in the tokenizers trained here
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())  # the library's characters for the 256 bytes


def train_bpe(texts: Sequence[str], vocab: int) -> Tokenizer:
    """Return a byte-level BPE tokenizer trained on `texts` and on nothing else.

    The same texts give the same tokenizer, to the byte.

    Args:
        texts: the training split.
        vocab: the largest number of tokens; a small text gives fewer.

    Raises:
        DataError: there is no text, or `vocab` does not hold the end token and the 256 bytes.
    """
    least = 1 + len(BYTES)
    if vocab < least:
        raise DataError(f"vocab={vocab} is too small: {END} and the bytes alone are {least} tokens.")
    if not any(texts):
        raise DataError(f"nothing is written in the {len(texts)} texts given to train a tokenizer on.")
    tokenizer = byte_level(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=[END], initial_alphabet=BYTES, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def byte_level(model: models.BPE) -> Tokenizer:
    """Return the tokenizer that runs `model` on the bytes of a text, as GPT-2 does."""
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer
