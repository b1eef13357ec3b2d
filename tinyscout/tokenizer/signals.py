"""Which token a signal becomes: `signal=kind`, or `signal=kind@channel` where the channel can tell kinds apart."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class SignalCoder:
    """One id for each (kind, channel) in `pairs`, channel None for the kind alone; then the id of an unseen kind.

    A kind that training saw on several channels has an id for each of them, and one for any other channel or none.
    """

    pairs: tuple[tuple[str, str | None], ...]

    @classmethod
    def fit(cls, signals: pd.DataFrame, min_count: int) -> "SignalCoder":
        """Kinds, and channels of a kind, that come at least min_count times in signals."""
        kind, kinds, channel, channels = _codes(signals)
        pair = kind.astype(np.int64) * (len(channels) + 1) + channel + 1
        counts = np.bincount(pair[kind >= 0], minlength=len(kinds) * (len(channels) + 1))
        counts = counts.reshape(len(kinds), len(channels) + 1)  # (kinds, 1 + channels): without a channel, then each
        pairs: list[tuple[str, str | None]] = []
        for i in np.argsort(kinds):
            if not kinds[i] or counts[i].sum() < max(min_count, 1):
                continue
            pairs.append((kinds[i], None))
            if np.count_nonzero(counts[i, 1:]) > 1:
                pairs += sorted((kinds[i], channels[j]) for j in np.flatnonzero(counts[i, 1:] >= max(min_count, 1)))
        return cls(tuple(pairs))

    def encode(self, signals: pd.DataFrame) -> np.ndarray:
        """Signals (S,) -> local ids (S,) int32."""
        kind, kinds, channel, channels = _codes(signals)
        known = {pair: i for i, pair in enumerate(self.pairs)}
        # The last row and column are for codes of -1: a missing kind, a missing channel.
        ids = np.full((len(kinds) + 1, len(channels) + 1), len(known), np.int32)
        for i, name in enumerate(kinds):
            alone = known.get((name, None), len(known))
            ids[i] = [*(known.get((name, each), alone) for each in channels), alone]
        return ids[kind, channel]

    def token_names(self) -> list[str]:
        names = [f"signal={kind}" if channel is None else f"signal={kind}@{channel}" for kind, channel in self.pairs]
        return [*names, "signal=<unseen>"]

    def to_state(self) -> list[list[str | None]]:
        return [list(pair) for pair in self.pairs]

    @classmethod
    def from_state(cls, state: list[Any]) -> "SignalCoder":
        return cls(tuple((kind, channel) for kind, channel in state))


def _codes(signals: pd.DataFrame) -> tuple[np.ndarray, list[str], np.ndarray, list[str]]:
    """Kind codes (S,) and names, channel codes (S,) and names; a code is -1 where the export says nothing."""
    kind, kinds = _column_codes(pd.Series(signals["kind"]))
    if "channel" not in signals:
        return kind, kinds, np.full(len(kind), -1), []
    return kind, kinds, *_column_codes(pd.Series(signals["channel"]))


def _column_codes(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    column = column.astype("category")
    names = [str(name) for name in column.cat.categories]
    missing = np.asarray([name == "" for name in names] + [True])  # the last stands for code -1
    codes = column.cat.codes.to_numpy()
    return np.where(missing[codes], -1, codes).astype(np.int64), names
