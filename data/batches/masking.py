"""Windows -> batches for a model that fills in masked tokens, in BERT's manner.

In each row the same number of positions is chosen, `masked_positions`, so that shapes are static and only
these positions need go through the model's head. Of the chosen tokens 80 % become [MASK], 10 % a random
token, 10 % stay. Special tokens are neither chosen nor drawn.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32
from tokenizers import Tokenizer

from data.batches.next_token import in_turn
from data.batches.shuffle import FIXED_MASKING, MASKING, Epochs, below, check_seed, random_bits
from data.batches.windows import Windows
from data.errors import DataError
from data.tokenizers.word_piece import MASK_ID, SPECIAL_TOKENS, special_ids

SHARE = 0.15
BECOME_MASK, BECOME_RANDOM = 0.8, 0.1


class MaskedBatch(NamedTuple):
    """Full windows of tokens, some masked. Where a row has too few to mask, the rest weighs 0."""

    ids: Int32[np.ndarray, "batch position"]
    masked_positions: Int32[np.ndarray, "batch masked"]  # ascending, none twice
    labels: Int32[np.ndarray, "batch masked"]  # the token that was there
    weights: Float32[np.ndarray, "batch masked"]  # 1, or 0 at a special token, which is none to predict


class MaskedBatches:
    """An endless stream of batches for training; `stream(step)` reaches any step at once.

    Epochs are those of `TrainBatches`; the masks are drawn anew at every step.
    """

    def __init__(self, windows: Windows, tokenizer: Tokenizer, batch: int, seed: int) -> None:
        """Raise `DataError` unless there are `batch` windows or more and the tokenizer has a [MASK]."""
        self.windows, self.seed = windows, seed
        self._mask = _Mask(tokenizer, windows.positions)
        self._epochs = Epochs(np.zeros(len(windows), np.int64), batch, seed)
        self.steps_per_epoch = self._epochs.steps

    def stream(self, step: int) -> MaskedBatch:
        """Return the batch of `step`, counted from 0 and on through the epochs."""
        ids = self.windows.ids[self._epochs.rows(step)]
        return self._mask(ids, random_bits(self.seed, step, MASKING))


def masked_evaluation(windows: Windows, tokenizer: Tokenizer, batch: int, seed: int) -> list[MaskedBatch]:
    """Return each window once, in order; the last batch may have fewer rows.

    The masks depend on the seed and the windows, not on `batch`: every evaluation has the same.

    Raises:
        DataError: `batch` is below 1, the seed is out of range, or the tokenizer has no [MASK].
    """
    check_seed(seed)
    mask = _Mask(tokenizer, windows.positions)
    whole = mask(windows.ids, random_bits(seed, 0, FIXED_MASKING))
    return [MaskedBatch(*(array[rows] for array in whole)) for rows in in_turn(len(windows), batch)]


def masked_positions(positions: int) -> int:
    """Return how many positions of a row are chosen: 15 %.

    Raises:
        DataError: that rounds to none.
    """
    if not (count := round(SHARE * positions)):
        raise DataError(f"positions={positions}: {SHARE:.0%} of them is not one to mask; give 4 or more.")
    return count


class _Mask:
    """Masks rows of tokens by given bits."""

    def __init__(self, tokenizer: Tokenizer, positions: int) -> None:
        mask_id = tokenizer.token_to_id(SPECIAL_TOKENS[MASK_ID])
        if mask_id is None:
            raise DataError(f"the tokenizer has no {SPECIAL_TOKENS[MASK_ID]}; train or load a WordPiece one.")
        self.mask_id = np.int32(mask_id)
        self.special = special_ids(tokenizer)
        self.ordinary = np.setdiff1d(np.arange(tokenizer.get_vocab_size(), dtype=np.int32), self.special)
        self.count = masked_positions(positions)

    def __call__(self, ids: Int32[np.ndarray, "batch position"], bits: np.random.Philox) -> MaskedBatch:
        rows = np.arange(len(ids))[:, None]
        maskable = ~np.isin(ids, self.special)
        order = bits.random_raw(ids.size).reshape(ids.shape) >> np.uint64(1)
        order[~maskable] += np.uint64(2**63)  # after all others
        chosen = np.sort(np.argsort(order, axis=1, kind="stable")[:, : self.count], axis=1)
        weights = maskable[rows, chosen]
        labels = ids[rows, chosen]

        become, drawn = bits.random_raw(2 * chosen.size).reshape(2, *chosen.shape)
        random = self.ordinary[drawn % np.uint64(len(self.ordinary))]
        new = np.where(become < below(BECOME_MASK + BECOME_RANDOM), random, labels)
        new = np.where(become < below(BECOME_MASK), self.mask_id, new)
        changed = ids.copy()
        changed[rows, chosen] = np.where(weights, new, labels)
        return MaskedBatch(changed, chosen.astype(np.int32), labels, weights.astype(np.float32))
