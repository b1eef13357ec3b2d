"""What the writing phases measure of drafts: are they different, are their words words, is what they say true?"""

from collections.abc import Iterable, Sequence

import numpy as np

from tinyscout.autograd import no_grad
from tinyscout.inference.sampler import SamplerSettings, probabilities
from tinyscout.leads import LeadTables
from tinyscout.leads.outreach_facts import FactBook, claims
from tinyscout.metrics import distinct_n, self_bleu, words_of
from tinyscout.models.lead_scout import LeadScout
from tinyscout.tokenizer import Tokens


class DraftJudge:
    """Judges drafts to leads of `tables` by a check of facts and by the words of `known`, true messages."""

    def __init__(self, tables: LeadTables, known: Iterable[str]):
        self.book = FactBook(tables)
        self.known = {word for text in known for word in words_of(text)}

    def wants_to_hear(self, rows: Iterable[int], number: int) -> np.ndarray:
        """The first `number` of the leads `rows` whose last word was not to be left alone."""
        willing = (row for row in rows if self.book.of(row).stop is None)
        return np.array([row for row, _ in zip(willing, range(number), strict=False)])

    def __call__(
        self, texts: Sequence[str], rows: Sequence[int] | np.ndarray, *, cut: Sequence[bool] | None = None
    ) -> dict[str, float]:
        """Figures of the drafts `texts` to the leads `rows`; cut: which of them were broken off, none by default.

        self_bleu, distinct_2: how alike they are. no_words: share of all words that stand in no known message. astray:
        share of drafts with such a word, or broken off. untrue: share of those that say of their lead what isn't so.
        """
        words = [words_of(text) for text in texts]
        unknown = [[word not in self.known for word in each] for each in words]
        broken = [False] * len(texts) if cut is None else cut
        return {
            "self_bleu": self_bleu(words),
            "distinct_2": distinct_n(words, 2),
            "no_words": float(np.mean([each for own in unknown for each in own] or [0])),
            "astray": float(np.mean([any(own) or end for own, end in zip(unknown, broken, strict=True)])),
            "untrue": float(
                np.mean([not claims(text) <= self.book.phrases(row) for text, row in zip(texts, rows, strict=True)])
            ),
        }


def nats_a_token(
    writer: LeadScout, prompts: Tokens, texts: Sequence[Sequence[int]], settings: SamplerSettings
) -> float:
    """What messages would cost that a sampler is to write: mean -log of each token's chance of being drawn.

    prompts (B), texts (B) token ids with their `<end>`. A token that a filter forbids counts as a chance of 1e-9.
    """
    batch = prompts.append(texts).pad()
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])  # (N,)
    places = np.concatenate([start + np.arange(len(text)) for start, text in zip(prompts.lengths, texts, strict=True)])
    with no_grad():
        logits = writer.language_logits(batch, (rows, places - 1)).data  # (N, V)
    seen = np.zeros(logits.shape, dtype=bool)
    for n, (row, place) in enumerate(zip(rows, places, strict=True)):
        seen[n, batch.ids[row, prompts.lengths[row] : place]] = True
    chance = probabilities(logits, settings, seen=seen)[np.arange(len(rows)), batch.ids[rows, places]]
    return float(-np.log(np.maximum(chance, 1e-9)).mean())
