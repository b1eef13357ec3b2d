"""KVCache: ids, keys and values of the tokens read so far, so that the next token costs one row instead of all."""

import numpy as np

from tinyscout.errors import InputError
from tinyscout.kernels.arena import up
from tinyscout.kernels.layout import Sizes
from tinyscout.kernels.simd import LANES

_NO_AGE = np.full(1, np.nan, np.float32)


class KVCache:
    """Room for max_tokens tokens of one sequence, allocated once; `length` of them are read.

    A cache belongs to one thread at a time.
    """

    def __init__(self, sizes: Sizes, depth: int, max_tokens: int) -> None:
        head = up(sizes.width // sizes.heads, LANES)
        long = up(max_tokens, LANES) + LANES  # columns are written a register at a time
        self.made_for = sizes, depth, max_tokens
        self.max_tokens = max_tokens
        self.length = 0
        self.keys = np.zeros((depth, sizes.heads, head, long), np.float32)
        self.values = np.zeros((depth, max_tokens + 1, up(sizes.width, LANES)), np.float32)
        self.ids = np.zeros(max_tokens, np.int32)
        self.token, self.no_amount, self.no_age = np.zeros(1, np.int32), np.zeros(1, np.float32), _NO_AGE.copy()

    def truncate(self, length: int = 0) -> None:
        """Forget the tokens from `length` on."""
        self.length = min(self.length, length)

    def claim(self, tokens: int) -> int:
        """Position of the first of so many new tokens. Raises InputError where there is no room for them."""
        if self.length + tokens > self.max_tokens:
            raise InputError(
                f"KVCache: {self.length} tokens are read and {tokens} more came, there is room for {self.max_tokens}; "
                "write less, or fit with a larger max_tokens"
            )
        return self.length
