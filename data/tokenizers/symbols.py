"""The tokenizer of a toy task, whose symbols are numbers: "3 1 4" is three tokens."""

from tokenizers import Tokenizer, models, pre_tokenizers

from data.errors import DataError
from data.sets.reversal import BEGIN, END, FIRST_SYMBOL, PAD

MARKS = {"<pad>": PAD, "<s>": BEGIN, "</s>": END}


def symbol_tokenizer(symbols: int) -> Tokenizer:
    """Return the tokenizer of the symbols "0" to `symbols` - 1, with spaces between them.

    Raises:
        DataError: there are no symbols.
    """
    if symbols < 1:
        raise DataError(f"symbols={symbols}: a tokenizer needs one to tell from its marks; give 1 or more.")
    numbers = {str(number): FIRST_SYMBOL + number for number in range(symbols)}
    tokenizer = Tokenizer(models.WordLevel(MARKS | numbers))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(list(MARKS))
    return tokenizer
