"""WordPiece tokenizers in BERT's manner, trained and run by Hugging Face's `tokenizers`."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from data.errors import DataError
from data.tokenizers.bpe import END

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD_ID, UNK_ID, CLS_ID, SEP_ID, MASK_ID = range(len(SPECIAL_TOKENS))
UNK = SPECIAL_TOKENS[UNK_ID]
ENDS = (END, SPECIAL_TOKENS[SEP_ID], "</s>", "<|end_of_text|>")  # GPT-2's, BERT's, Llama 2's and 3's


class Encoded(NamedTuple):
    """Token ids of each text, and how many of the texts had to be cut."""

    examples: list[Int32[np.ndarray, " _position"]]  # each text has its own length
    truncated: int


def train_tokenizer(texts: Sequence[str], vocab: int) -> Tokenizer:
    """Return a lower-casing WordPiece tokenizer trained on `texts` and on nothing else.

    The same texts give the same tokenizer, to the byte. The library alone does not promise that: it
    numbers the characters inside words ("##a") in the order of a randomly seeded hash map, and the
    numbers break ties between merges. So these are handed to it in sorted order, as tokens it must
    have, and the tokenizer is then rebuilt from the vocabulary with only the real special tokens.

    Args:
        texts: the training split.
        vocab: the largest number of tokens; a small text gives fewer.

    Raises:
        DataError: there is no text, or `vocab` does not hold the special tokens and the characters.
    """
    untrained = word_piece({UNK: UNK_ID})
    words = (word for text in texts for word in _words(untrained, text))
    inside = sorted({f"##{letter}" for word in words for letter in word[1:]})
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab, special_tokens=[*SPECIAL_TOKENS, *inside], show_progress=False
    )
    untrained.train_from_iterator(texts, trainer)
    pieces = untrained.get_vocab()
    if len(pieces) == len(SPECIAL_TOKENS):
        raise DataError(f"no words in the {len(texts)} texts given to train a tokenizer on.")
    if len(pieces) > vocab:
        raise DataError(
            f"vocab={vocab} is too small: the special tokens and the characters of the training "
            f"texts alone are {len(pieces)} tokens; give at least that many."
        )
    tokenizer = word_piece(pieces)
    add_marks(tokenizer, SPECIAL_TOKENS)
    return tokenizer


def encode(tokenizer: Tokenizer, texts: Sequence[str], positions: int, marked: bool = False) -> Encoded:
    """Return each text's token ids, at most `positions` of them; `marked`: with [CLS] before and [SEP] after.

    A text that the tokenizer strips to nothing becomes one [UNK], so that no example is empty.

    Raises:
        DataError: `positions` is too small, or the tokenizer has not the [UNK], [CLS] or [SEP] it needs.
    """
    if positions < 1:
        raise DataError(f"positions={positions}: an example needs at least one; give 1 or more.")
    found = [e.ids for e in tokenizer.encode_batch(list(texts), add_special_tokens=False)]
    if not all(found):
        unknown = tokenizer.token_to_id(UNK)
        if unknown is None:
            raise DataError(f"a text has no tokens, and the tokenizer no {UNK} to stand for it.")
        found = [ids or [unknown] for ids in found]
    first, last = ([_id(tokenizer, mark)] if marked else [] for mark in (CLS_ID, SEP_ID))
    room = positions - len(first) - len(last)
    if room < 1:
        raise DataError(f"positions={positions}: with [CLS] and [SEP] an example needs 3; give more.")
    examples = [np.array([*first, *ids[:room], *last], np.int32) for ids in found]
    return Encoded(examples, sum(len(ids) > room for ids in found))


def end_id(tokenizer: Tokenizer) -> int:
    """Return the id of the token that ends a document: the first of `ENDS` that there is.

    Raises:
        DataError: the tokenizer has none of them.
    """
    for token in ENDS:
        if (number := tokenizer.token_to_id(token)) is not None:
            return number
    raise DataError(f"the tokenizer has no {' and no '.join(ENDS)} to end a document with.")


def special_ids(tokenizer: Tokenizer) -> Int32[np.ndarray, " special"]:
    """Return the ids of the tokens that stand for no text, ascending."""
    added = tokenizer.get_added_tokens_decoder()
    return np.array(sorted(number for number, token in added.items() if token.special), np.int32)


def word_piece(vocab: dict[str, int], lowercase: bool = True) -> Tokenizer:
    """Return the tokenizer that runs `vocab` on a text as BERT does; accents go with the capitals."""
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token=UNK))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def add_marks(tokenizer: Tokenizer, special: Sequence[str]) -> None:
    """Make these tokens special; where that is asked for, texts begin with [CLS] and end with [SEP]."""
    tokenizer.add_special_tokens(list(special))
    marks = [(mark, tokenizer.token_to_id(mark)) for mark in (SPECIAL_TOKENS[CLS_ID], SPECIAL_TOKENS[SEP_ID])]
    if None not in dict(marks).values():
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=marks
        )


def _id(tokenizer: Tokenizer, mark: int) -> int:
    number = tokenizer.token_to_id(SPECIAL_TOKENS[mark])
    if number is None:
        raise DataError(
            f"the tokenizer has no {SPECIAL_TOKENS[mark]}, which BERT's texts begin and end with."
        )
    return number


def _words(tokenizer: Tokenizer, text: str) -> list[str]:
    normalized = tokenizer.normalizer.normalize_str(text)
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalized)]
