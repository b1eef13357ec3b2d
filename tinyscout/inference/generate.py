"""Writing: a prompt goes through the model once, then token by token, each drawn by the sampler, until a stop token.

`generate` drives anything that can prefill and decode. `Uncached` is the plain way, which does the whole sequence again
for every token: right by construction, and what a cache has to equal.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from tinyscout.autograd import no_grad
from tinyscout.errors import InputError
from tinyscout.inference.only_words import OnlyWords
from tinyscout.inference.sampler import SamplerSettings, draw, probabilities
from tinyscout.models.batches import batches_of_tokens, for_each_batch
from tinyscout.models.lead_scout import LeadScout
from tinyscout.tokenizer import Tokens, Vocabulary
from tinyscout.tokenizer.vocabulary import END


class Steps(Protocol):
    """A model that continues B sequences."""

    def prefill(self, prompts: Tokens) -> np.ndarray:
        """Take in whole prompts (B): logits (B, V) of what follows each."""
        ...

    def decode(self, rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """One more token ids (b,) for each of the sequences rows (b,): logits (b, V) of what follows."""
        ...


class Uncached:
    """A LeadScout that reads everything again for each token."""

    def __init__(self, model: LeadScout):
        self.model = model.eval()

    def prefill(self, prompts: Tokens) -> np.ndarray:
        self.prompts = prompts
        self.written: list[list[int]] = [[] for _ in range(len(prompts))]
        return self._logits(np.arange(len(prompts)))

    def decode(self, rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
        for row, token in zip(rows, ids, strict=True):
            self.written[row].append(int(token))
        return self._logits(rows)

    def _logits(self, rows: np.ndarray) -> np.ndarray:
        tokens = self.prompts.take(rows).append([self.written[row] for row in rows])
        longest, room = int(tokens.lengths.max(initial=0)), self.model.config.max_tokens
        if longest > room:
            raise InputError(
                f"a prompt and its text have {longest} tokens, the model has {room} positions; truncate the leads "
                f"to fewer tokens, or write less"
            )
        logits = np.empty((len(rows), self.model.config.language), np.float32)

        def some(part: np.ndarray) -> None:
            batch = tokens.pad(part)
            with no_grad():
                logits[part] = self.model.language_logits(batch, (np.arange(len(part)), batch.lengths - 1)).data

        for_each_batch(some, batches_of_tokens(tokens.lengths))
        return logits


def generate(
    steps: Steps,
    prompts: Tokens,
    settings: SamplerSettings,
    *,
    allowed: np.ndarray | None = None,
    constraints: Sequence[OnlyWords] | None = None,
    streams: Sequence[int] | None = None,
) -> list[list[int]]:
    """Continue each prompt until a stop token or settings.most: the ids written, without the stop token.

    allowed (V,) bool: ids that may be written (`writable`); constraints (B,): the words that each row may hold.
    streams (B,): which stream of random numbers of settings.seed each row draws from, its number by default; a text
    depends on its prompt and stream alone. The repetition penalty counts what was written, not the prompt.
    """
    chosen = range(len(prompts)) if streams is None else streams
    rngs = [np.random.default_rng([settings.seed, stream]) for stream in chosen]
    texts: list[list[int]] = [[] for _ in rngs]
    rows, logits = np.arange(len(prompts)), steps.prefill(prompts)
    seen = np.zeros(logits.shape, dtype=bool)  # (B, V)
    while True:
        uniform = np.array([rngs[row].random() for row in rows])
        may = allowed
        if constraints is not None:
            may = np.stack([constraints[row].after(texts[row]) for row in rows.tolist()])  # (b, V)
            may = may if allowed is None else may & allowed
        ids = draw(probabilities(logits, settings, seen=seen[rows], allowed=may), uniform)  # (b,)
        going = ~np.isin(ids, settings.stop)
        for row, token in zip(rows[going], ids[going], strict=True):
            texts[row].append(int(token))
            seen[row, token] = True
            going[rows == row] = len(texts[row]) < settings.most
        rows, ids = rows[going], ids[going]
        if not len(rows):
            return texts
        logits = steps.decode(rows, ids)


def writable(vocabulary: Vocabulary) -> np.ndarray:
    """The ids a message may hold (V,) bool: words, and `<end>`."""
    allowed = vocabulary.is_word(np.arange(vocabulary.n_language))
    allowed[END] = True
    return allowed
