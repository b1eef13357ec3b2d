"""From logits to a token: greedy, temperature, top-k, top-p, min-p, repetition penalty.

They apply in one order: forbidden ids go, repeated ones are made less likely, the temperature flattens or sharpens,
then top-k, top-p and min-p each keep the likeliest, and one of what is left is drawn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyscout.errors import ArgumentError
from tinyscout.tokenizer.vocabulary import END


@dataclass(frozen=True)
class SamplerSettings:
    """How to choose the next token; the defaults draw from the model's own probabilities.

    temperature: 0 takes the likeliest; top_k: 0 keeps all; stop: ids that end a text (not part of it); most: tokens
    written at most; seed: the same seed and prompt give the same text. Raises InputError for a value out of range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    stop: tuple[int, ...] = (END,)
    most: int = 96
    seed: int = 0

    def __post_init__(self) -> None:
        ranges = (
            ("temperature", 0 <= self.temperature < math.inf, "a number from 0 up"),
            ("top_k", self.top_k >= 0, "0 (all) or how many tokens to keep"),
            ("top_p", 0 < self.top_p <= 1, "above 0, at most 1"),
            ("min_p", 0 <= self.min_p <= 1, "from 0 to 1"),
            ("repetition_penalty", 0 < self.repetition_penalty < math.inf, "above 0 (1 changes nothing)"),
            ("most", self.most >= 1, "1 or more"),
            ("seed", self.seed >= 0, "from 0 up"),
        )
        for name, right, needed in ranges:
            if not right:
                raise ArgumentError("sampler", name, f"is {getattr(self, name)}; needs {needed}")


def penalise_repetition(logits: np.ndarray, seen: np.ndarray, penalty: float) -> np.ndarray:
    """Make ids that were seen (..., V) bool less likely (CTRL, Keskar et al. 2019, section 4.1): logits (..., V).

    A positive logit is divided by the penalty, a negative one multiplied, so that both fall.
    """
    return np.where(seen, np.where(logits > 0, logits / penalty, logits * penalty), logits)


def keep_top_k(logits: np.ndarray, k: int) -> np.ndarray:
    """The k largest logits of (..., V), the others at -inf; of equal ones the smaller id stays (Fan et al. 2018)."""
    if k >= logits.shape[-1]:
        return logits
    return _keep(logits, np.arange(logits.shape[-1]) < k)


def keep_top_p(logits: np.ndarray, p: float) -> np.ndarray:
    """The fewest tokens whose probabilities reach p (Holtzman et al. 2020, section 3.1), the others at -inf.

    logits (..., V). The likeliest always stays; of equal ones the smaller id does.
    """
    if p >= 1:
        return logits
    likely = -np.sort(-softmax(logits), axis=-1)
    return _keep(logits, likely.cumsum(axis=-1) - likely < p)  # what comes before a kept token doesn't reach p yet


def keep_min_p(logits: np.ndarray, p: float) -> np.ndarray:
    """Tokens at least p times as likely as the likeliest (Nguyen et al. 2024), the others at -inf: (..., V)."""
    if p <= 0:
        return logits
    return np.where(logits >= logits.max(axis=-1, keepdims=True) + math.log(p), logits, -np.inf)


def probabilities(
    logits: np.ndarray,
    settings: SamplerSettings,
    *,
    seen: np.ndarray | None = None,
    allowed: np.ndarray | None = None,
) -> np.ndarray:
    """What the next token is drawn from: logits (..., V) -> (..., V) float64, summing to 1.

    seen (..., V) bool: ids of the text so far, for the repetition penalty; allowed (..., V) or (V,) bool: the ids
    that may be written. Raises ValueError when a logit is NaN or +inf, or nothing is allowed.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if allowed is not None:
        logits = np.where(allowed, logits, -np.inf)
    if not np.isfinite(logits.max(axis=-1)).all():
        raise ValueError(
            "sampler: a row of logits holds NaN or +inf, or no allowed token; needs a finite largest logit"
        )
    if seen is not None and settings.repetition_penalty != 1:
        logits = penalise_repetition(logits, seen, settings.repetition_penalty)
    if settings.temperature == 0:
        return softmax(keep_top_k(logits, 1))
    with np.errstate(over="ignore"):  # the largest is 0 after the shift; others may well go to -inf
        logits = (logits - logits.max(axis=-1, keepdims=True)) / settings.temperature
    if settings.top_k:
        logits = keep_top_k(logits, settings.top_k)
    return softmax(keep_min_p(keep_top_p(logits, settings.top_p), settings.min_p))


def draw(probability: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """One id a row by the inverse of the cumulative distribution: probability (..., V), uniform (...) in [0, 1)."""
    bounds = probability.cumsum(axis=-1)
    total = bounds[..., -1]
    at = np.minimum(uniform * total, np.nextafter(total, 0))  # rounding may not lead past the last token
    return (bounds > at[..., None]).argmax(axis=-1)


def sample(
    logits: np.ndarray,
    rng: np.random.Generator,
    settings: SamplerSettings,
    *,
    seen: Sequence[int] = (),
    allowed: np.ndarray | None = None,
) -> int:
    """The next token id after logits (V,); `seen` are the ids of the text so far. Draws one number from rng."""
    marked = np.zeros(len(logits), dtype=bool)
    marked[list(seen)] = True
    return int(draw(probabilities(logits, settings, seen=marked, allowed=allowed), np.asarray(rng.random())))


def softmax(logits: np.ndarray) -> np.ndarray:
    """exp(logits) over its sum along the last axis; the largest is taken off first, so that nothing overflows."""
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def _keep(logits: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """logits (..., V) where the token's rank (0: the largest logit) is among `ranks` (..., V) bool, else -inf."""
    order = np.argsort(-logits, axis=-1, kind="stable")
    kept = np.zeros(logits.shape, dtype=bool)
    np.put_along_axis(kept, order, np.broadcast_to(ranks, logits.shape), axis=-1)
    return np.where(kept, logits, -np.inf)
