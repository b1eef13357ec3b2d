"""Timelines: leads as padded arrays, so that thousands of them can be edited at once, and back to lead tables.

What a search edits is what the threat model lets an attack touch: signals, their times and texts, and three profile
fields. All else stays the source lead's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from tinyscout.leads import oracle
from tinyscout.leads.oracle_texts import read_text
from tinyscout.leads.oracle_weights import KIND, KINDS
from tinyscout.leads.tables import HOUR_US, LeadTables, microseconds
from tinyscout.leads.world_profiles import STACKS
from tinyscout.leads.world_signals import CHANNELS
from tinyscout.leads.world_texts import twin
from tinyscout.stress.threat import BY_MACHINES, LONGEST, OLDEST_DAYS, PACE_SECONDS, YOUNGEST_SECONDS
from tinyscout.stress.wordings import rewritten, world_texts

SECOND = 1_000_000
NEAR = 4  # texts kept beside each
NEVER = np.iinfo(np.int64).max  # how long ago what is no signal was
_MACHINES = np.array([KIND[name] for name in BY_MACHINES])


class Texts:
    """Texts by number, each with some that are close to it; number 0 is no text.

    texts (P,) object; near (P, NEAR) numbers of texts of which a word or two differ; both have room for more.
    """

    def __init__(self, known: Iterable[str], rng: np.random.Generator, *, more: int = 3_000):
        base = sorted({*known, *world_texts(more, rng)})
        close = {text: [twin(text), *(rewritten(text, rng) for _ in range(NEAR - 1))] for text in base}
        origin = {text: one for one, some in close.items() for text in some if text not in close}
        every = [*base, *sorted(origin)]
        self.number = {text: i + 1 for i, text in enumerate(every)}
        self.texts = np.array([None, *every], dtype=object)
        around = [close[text] if text in close else [origin[text], *close[origin[text]][1:]] for text in every]
        self.near = np.array([[0] * NEAR, *([self.number[each] for each in some] for some in around)])
        self._meaning, self._delay = np.zeros(0, np.int8), np.zeros(0)

    @classmethod
    def of(cls, tables: LeadTables, rng: np.random.Generator) -> "Texts":
        """The texts of these leads, sentences of the world, and what is close to them."""
        return cls(set(tables.signals["text"].dropna()), rng)

    def __len__(self) -> int:
        return len(self.number) + 1

    def read(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Meanings and delays in days (S,) of texts by number, as the oracle reads them; each is read once."""
        if new := [read_text(str(text or "")) for text in self.texts[len(self._meaning) : len(self)]]:
            meaning, delay = zip(*new, strict=True)
            self._meaning = np.append(self._meaning, np.array(meaning, np.int8))
            self._delay = np.append(self._delay, delay)
        return self._meaning[numbers], self._delay[numbers]

    def add(self, text: str, near: int) -> int:
        """The number of a text, which is new or known; a new one counts as close to what text `near` is close to."""
        if text not in self.number:
            number = len(self)
            if number == len(self.texts):
                # room for as many again, so that a text costs the same however many there are
                self.texts = np.concatenate([self.texts, np.full(number, None, dtype=object)])
                self.near = np.concatenate([self.near, np.zeros_like(self.near)])
            self.texts[number], self.near[number] = text, [near, *self.near[near, 1:]]
            self.number[text] = number
        return self.number[text]


@dataclass(frozen=True)
class Timelines:
    """M edited leads of up to L signals, in no order.

    source (M,) rows of the original tables; kind, channel (M, L) int8 codes, -1 where there is no signal; text (M, L)
    numbers of `texts`; ago (M, L) int64 microseconds before contact, NEVER where there is no signal; fresh (M, L) bool:
    added or moved; employees, plan_fit (M,) float64, stack (M,) int8 code into STACKS or -1; described (M, 3)
    bool: which of these were changed; spent (M,) edits so far.
    """

    source: np.ndarray
    kind: np.ndarray
    channel: np.ndarray
    text: np.ndarray
    ago: np.ndarray
    fresh: np.ndarray
    employees: np.ndarray
    plan_fit: np.ndarray
    stack: np.ndarray
    described: np.ndarray
    spent: np.ndarray

    @classmethod
    def of(cls, tables: LeadTables, rows: np.ndarray, texts: Texts) -> "Timelines":
        """The leads `rows` (M,) as they are. Raises ValueError for one with more than LONGEST signals or a new text."""
        rows = np.asarray(rows, np.int64)
        few = tables.take(rows)
        length = np.diff(few.offsets)
        if length.max(initial=0) > LONGEST:
            raise ValueError(f"Timelines: a lead has {length.max()} signals, needs at most {LONGEST}")
        row = few.signals["row"].to_numpy()
        at = row, np.arange(len(row)) - few.offsets[row]
        shape = (len(rows), LONGEST)
        kind, channel = np.full((2, *shape), -1, np.int8)
        text, ago = np.zeros(shape, np.int32), np.full(shape, NEVER)
        kind[at] = _codes(pd.Series(few.signals["kind"]), KINDS)
        channel[at] = _codes(pd.Series(few.signals["channel"]), CHANNELS)
        said = pd.Series(few.signals["text"])
        text[at] = [texts.number[each] if known else 0 for each, known in zip(said, said.notna(), strict=True)]
        ago[at] = microseconds(few.leads["contacted_at"])[row] - microseconds(few.signals["at"])
        return cls(
            rows,
            kind,
            channel,
            text,
            ago,
            np.zeros(shape, bool),
            few.leads["employees"].to_numpy(np.float64).copy(),
            few.leads["plan_fit"].to_numpy(np.float64).copy(),
            _codes(pd.Series(few.leads["tech_stack"]), STACKS),
            np.zeros((len(rows), 3), bool),
            np.zeros(len(rows), np.int64),
        )

    def __len__(self) -> int:
        return len(self.source)

    @property
    def present(self) -> np.ndarray:
        """Where there is a signal, (M, L) bool."""
        return self.kind >= 0

    def take(self, places: np.ndarray) -> "Timelines":
        """Copies of some of them, (M',); repeats allowed."""
        return replace(self, **{each.name: getattr(self, each.name)[places] for each in fields(self)})

    @classmethod
    def concatenate(cls, parts: Sequence["Timelines"]) -> "Timelines":
        """All of them, one part after another."""
        return cls(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)))

    def put(self, places: np.ndarray, others: "Timelines") -> None:
        """Overwrite the leads at `places` (M',) with others."""
        for each in fields(self):
            getattr(self, each.name)[places] = getattr(others, each.name)

    def plausible(self) -> np.ndarray:
        """Which keep the rules of time, order and pace of the threat model, (M,) bool."""
        order = np.argsort(self.ago, axis=1)
        ago = np.take_along_axis(self.ago, order, axis=1)
        kind, fresh = (np.take_along_axis(each, order, axis=1) for each in (self.kind, self.fresh))
        here = kind >= 0
        late = here & ((ago < YOUNGEST_SECONDS * SECOND) | (ago > OLDEST_DAYS * 24 * HOUR_US))
        both = here[:, 1:] & here[:, :-1]
        gap = np.where(both, ago[:, 1:] - ago[:, :-1], NEVER)
        people = here & ~np.isin(kind, _MACHINES)
        # Between two acts of people lie none or some of machines: look past those.
        last, last_fresh = np.full(len(ago), -NEVER // 2), np.zeros(len(ago), bool)
        hurried = np.zeros(len(ago), bool)
        for i in range(int(here.sum(axis=1).max(initial=0))):
            person = people[:, i]
            hurried |= person & (ago[:, i] - last < PACE_SECONDS * SECOND) & (fresh[:, i] | last_fresh)
            last, last_fresh = np.where(person, ago[:, i], last), np.where(person, fresh[:, i], last_fresh)
        return ~(late.any(axis=1) | (gap < SECOND).any(axis=1) | hurried)

    def by_time(self) -> tuple[np.ndarray, np.ndarray]:
        """Lead and column of every signal, (S,) each: lead by lead, oldest first."""
        order = np.argsort(-self.ago, axis=1, kind="stable")  # what is no signal before all
        length = self.present.sum(axis=1)
        row = np.repeat(np.arange(len(self)), length)
        place = np.arange(len(row)) - (np.cumsum(length) - length)[row] + (self.ago.shape[1] - length)[row]
        return row, order[row, place]

    def tables(self, original: LeadTables, texts: Texts) -> LeadTables:
        """As lead tables in this order, with the ids of their sources; fit for a model to read."""
        leads, at, offsets = self._leads(original), self.by_time(), self._offsets
        row = at[0]
        contacted = microseconds(leads["contacted_at"])
        signals = pd.DataFrame(
            {
                "row": row,
                "at": pd.Series((contacted[row] - self.ago[at]).view("datetime64[us]")).dt.tz_localize("UTC"),
                "kind": _category(self.kind[at], KINDS),
                "channel": _category(self.channel[at], CHANNELS),
                "text": pd.Series(texts.texts[self.text[at]], dtype="str"),
                "age_hours": self.ago[at] / HOUR_US,
            }
        )
        return LeadTables(leads, signals, offsets, original.schema, original.account)

    def reply_probability(self, original: LeadTables, texts: Texts) -> np.ndarray:
        """What the oracle says of them, (M,) float64: as of their `tables`, which need not be made for it."""
        at = self.by_time()
        signals = self.kind[at], self.ago[at] / HOUR_US, *texts.read(self.text[at])
        return oracle.probability(oracle.of_leads(self._leads(original), self._offsets, *signals))

    def _leads(self, original: LeadTables) -> pd.DataFrame:
        leads = original.leads.iloc[self.source].reset_index(drop=True)
        leads["employees"], leads["plan_fit"] = self.employees, self.plan_fit
        leads["tech_stack"] = _category(self.stack, STACKS)
        return leads

    @property
    def _offsets(self) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(self.present.sum(axis=1))])

    def frames(self, original: LeadTables, texts: Texts) -> tuple[pd.DataFrame, pd.DataFrame]:
        """As a family returns them: leads with the contact ids of their sources, and signals."""
        made = self.tables(original, texts)
        return made.leads, made.signals.loc[:, ["row", "at", "kind", "channel", "text"]]


def _codes(column: pd.Series, names: tuple[str, ...]) -> np.ndarray:
    """(N,) int8 codes into names; -1 for what is missing. Raises ValueError for another value."""
    codes = pd.Index(names).get_indexer(pd.Index(column.astype(object)))
    strange = np.flatnonzero((codes < 0) & column.notna().to_numpy())
    if len(strange):
        raise ValueError(f'Timelines: "{column.iloc[strange[0]]}" is none of {", ".join(names)}')
    return codes.astype(np.int8)


def _category(codes: np.ndarray, names: tuple[str, ...]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(pd.Index(names, dtype="str")))
