"""The synthetic world: leads of a seller of business software, their signals, and who replied.

Profiles and timelines are drawn first; `oracle.reply_probability` then gives each contact its exact probability, and
the reply is drawn from it. Nothing hidden decides: what the oracle uses is in the tables. data/README.md is the
data sheet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

from tinyscout.artifact import replacing
from tinyscout.errors import InputError
from tinyscout.leads import oracle
from tinyscout.leads.schema import Schema
from tinyscout.leads.tables import HOUR_US, LeadTables, microseconds
from tinyscout.leads.world_profiles import COLUMNS, WORLD_DAYS, draw_profiles
from tinyscout.leads.world_signals import CHANNELS, DAY, KINDS, draw_signals
from tinyscout.leads.world_texts import TextPool

START = np.datetime64("2024-07-01T00:00:00", "s")
END = START + WORLD_DAYS * DAY
WINDOW_DAYS = 30.0
SAMPLE_SEED, SAMPLE_LEADS = 7, 24_000
FILES = ("leads", "signals", "truth")
_CHUNK = 5_000
_AGAIN = 0.04  # share of contacts that are an earlier contact of a lead contacted again


@dataclass(frozen=True)
class World:
    """Lead tables and the truth about them; `truth` lies beside the tables by contact and never feeds a model.

    truth: one row a contact in the order of tables.leads: contact_id, reply_probability (float64), role ("natural"
    here, "decoy" or "sleeper" in the stress test) and family (the attack that made it; "" here).
    """

    tables: LeadTables
    truth: pd.DataFrame


def make_world(n_leads: int, seed: int, *, progress: Callable[[int], None] | None = None) -> World:
    """Make a world of `n_leads` contacts over two years; the same number and seed give the same world.

    About 4 % of the contacts are of a lead contacted before. Lead ids carry the seed, so that worlds of different
    seeds share none. `progress` is called with the contacts made so far. Raises InputError when n_leads < 1.
    """
    if n_leads < 1 or seed < 0:
        raise InputError(f"world: got {n_leads} leads and seed {seed}; needs at least 1 lead and a seed from 0 up")
    pool = TextPool(np.random.default_rng([seed]))
    leads, signals, made = [], [], 0
    for chunk, first in enumerate(range(0, n_leads, _CHUNK)):
        size = min(_CHUNK, n_leads - first)
        contacts, done = _make_chunk(size, first, seed, pool, np.random.default_rng([seed, chunk + 1]))
        done["row"] += made
        leads.append(contacts)
        signals.append(done)
        made += len(contacts)
        if progress:
            progress(made)
    return _with_replies(_join(leads), _join(signals), pool)


def write(world: World, directory: Path, *, prefix: str = "") -> None:
    """Write leads.parquet, signals.parquet and truth.parquet to `directory`, each by a temporary name.

    The first two are an export as read_tables reads it with the generic field map. Raises InputError if it can't write.
    """
    for name, frame in zip(FILES, (*export(world.tables), world.truth), strict=True):
        _write_parquet(frame, Path(directory) / f"{prefix}{name}.parquet")


def export(tables: LeadTables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables as an export: a leads frame, and a signals frame by lead id that holds each signal once."""
    names = ["contact_id", "lead_id", "contacted_at", *tables.schema.columns, "replied_at"]
    leads = tables.leads.loc[:, names]
    last = ~leads.duplicated("lead_id", keep="last").to_numpy()  # a lead's last contact has seen all its signals
    row = tables.signals["row"].to_numpy()
    columns = tables.signals.loc[last[row], ["at", "kind", "channel", "text"]].reset_index(drop=True)
    columns.insert(0, "lead_id", leads["lead_id"].to_numpy()[row[last[row]]])
    return leads, columns


def load_sample() -> World:
    """The sample that ships with the package, read as any export is: 24,000 contacts of seed 7."""
    from tinyscout.leads.reader import read_tables

    folder = resources.files("tinyscout") / "data"
    with (
        resources.as_file(folder / "sample_leads.parquet") as leads,
        resources.as_file(folder / "sample_signals.parquet") as signals,
        resources.as_file(folder / "sample_truth.parquet") as truth,
    ):
        tables = read_tables(leads, signals)
        facts = pd.read_parquet(truth).set_index("contact_id")
    return World(tables, facts.loc[tables.leads["contact_id"]].reset_index())


def _make_chunk(
    size: int, first: int, seed: int, pool: TextPool, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`size` contacts and their signals before replies are drawn; `row` counts from 0 in the chunk."""
    again = int(size * _AGAIN)
    number = size - again
    at = _contact_times(number, rng)
    profiles = draw_profiles((at - START.astype(np.int64)) / DAY, rng)
    timelines = draw_signals(profiles.persona, rng)
    text = pool.draw(timelines.meaning, timelines.kind == KINDS.index("call_note"), rng)

    # Some leads were contacted once before: the same lead, seen with what was known then.
    chosen = np.sort(rng.choice(number, size=again, replace=False))
    earlier = np.minimum(rng.uniform(40, 200, again) * DAY, 0.9 * (at[chosen] - START.astype(np.int64))).astype(
        np.int64
    )
    gap = np.full(number, -1)
    gap[chosen] = earlier
    known = np.flatnonzero((gap[timelines.row] >= 0) & (timelines.age > gap[timelines.row]))

    frame = profiles.frame()
    before = frame.iloc[chosen].copy()
    before["months_since_funding"] -= np.round(earlier / DAY / 30.4)
    before["months_since_funding"] = before["months_since_funding"].where(before["months_since_funding"] >= 0)
    ids = np.array([f"w{seed}-{first + i:07d}" for i in range(number)])
    leads = pd.concat([frame, before], ignore_index=True)
    leads.insert(
        0,
        "contact_id",
        np.concatenate([np.char.add(ids, np.where(gap >= 0, "-2", "-1")), np.char.add(ids[chosen], "-1")]),
    )
    leads.insert(1, "lead_id", np.concatenate([ids, ids[chosen]]))
    leads.insert(2, "contacted_at", np.concatenate([at, at[chosen] - earlier]))
    leads["draw"], leads["delay"] = rng.random(size), rng.normal(size=size)

    place = np.full(number, -1)
    place[chosen] = number + np.arange(again)
    when = at[timelines.row] - timelines.age
    columns = {"row": timelines.row, "at": when, "kind": timelines.kind, "channel": timelines.channel, "text": text}
    signals = pd.DataFrame(columns)
    return leads, pd.concat([signals, signals.iloc[known].assign(row=place[timelines.row[known]])], ignore_index=True)


def _contact_times(size: int, rng: np.random.Generator) -> np.ndarray:
    """Moments of contact (size,), epoch seconds: a growing pipeline, working days mostly, around midday UTC mostly."""
    day = np.floor(WORLD_DAYS * rng.random(size) ** 0.85).astype(np.int64)
    rest = (day % 7 >= 5) & (rng.random(size) < 0.8) & (day >= 2)  # START is a Monday
    day -= 2 * rest
    hour = np.clip(rng.normal(12.5, 3.6, size), 0, 23.99)
    return START.astype(np.int64) + day * DAY + (hour * 3600).astype(np.int64)


def _join(frames: list[pd.DataFrame]) -> pd.DataFrame:
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def _with_replies(leads: pd.DataFrame, signals: pd.DataFrame, pool: TextPool) -> World:
    """Put the drawn columns into tables, ask the oracle, and draw the replies."""
    draw, delay = leads.pop("draw"), leads.pop("delay")
    order = np.lexsort((leads["contact_id"].to_numpy(str), leads["contacted_at"].to_numpy()))
    draw, delay = draw.to_numpy()[order], delay.to_numpy()[order]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    leads = leads.iloc[order].reset_index(drop=True)
    for name, kind in COLUMNS.items():
        if kind == "category":
            leads[name] = leads[name].cat.remove_unused_categories()
    for name in ("contact_id", "lead_id"):
        leads[name] = leads[name].astype("str")
    leads["contacted_at"] = _utc(leads["contacted_at"].to_numpy())
    leads.insert(3, "order", np.arange(len(leads)))

    codes = {"kind": KINDS, "channel": CHANNELS}
    columns: dict[str, object] = {"row": place[signals["row"].to_numpy()], "at": _utc(signals["at"].to_numpy())}
    for name, names in codes.items():
        made = pd.Categorical.from_codes(signals[name], categories=pd.Index(names, dtype="str"))
        columns[name] = made.remove_unused_categories()
    columns["text"] = pd.array(pool.texts, dtype="str").take(signals["text"].to_numpy())
    schema = Schema(dict(COLUMNS), window_days=WINDOW_DAYS)
    tables = LeadTables.from_frames(leads, pd.DataFrame(columns), schema)

    chance = oracle.reply_probability(tables)
    leads = tables.leads
    replied = leads["contacted_at"].to_numpy("datetime64[s]") + _reply_delay(draw, delay, chance)
    replied[replied > END] = np.datetime64("NaT")  # the export was drawn at END
    leads.insert(4, "replied_at", _utc(replied))
    leads.insert(5, "label", _labels(leads))
    truth = pd.DataFrame(
        {"contact_id": leads["contact_id"], "reply_probability": chance, "role": "natural", "family": ""}
    )
    return World(tables, truth)


def _reply_delay(draw: np.ndarray, normal: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Time from contact to reply (N,) timedelta64[s]: in the window with the oracle's chance, sometimes too late."""
    soon = np.clip(1.8 * np.exp(1.1 * normal), 0.02, WINDOW_DAYS - 0.01) * DAY
    late = (WINDOW_DAYS + 1 + 15 * np.abs(normal)) * DAY
    seconds = np.where(draw < chance, soon, late).astype("timedelta64[s]")
    seconds[draw >= 1.25 * chance] = np.timedelta64("NaT")
    return seconds


def _labels(leads: pd.DataFrame) -> np.ndarray:
    """1.0 reply in the window, 0.0 none, NaN where the window wasn't over at the latest time stamp, (N,)."""
    contacted, replied = microseconds(leads["contacted_at"]), microseconds(leads["replied_at"])
    window = int(WINDOW_DAYS * 24 * HOUR_US)
    label = (replied > 0) & (replied - contacted <= window)  # NaT is far below 0
    immature = contacted + window > max(contacted.max(), replied.max())
    return np.where(immature, np.nan, label.astype(np.float64))


def _utc(seconds: np.ndarray) -> pd.Series:
    return pd.Series(seconds.astype("datetime64[s]")).dt.tz_localize("UTC").astype("datetime64[us, UTC]")


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write one frame as zstd Parquet, times as differences."""
    times = [name for name in frame if isinstance(frame[name].dtype, pd.DatetimeTZDtype)]
    with replacing(path) as temporary:
        frame.to_parquet(
            temporary,
            index=False,
            compression="zstd",
            compression_level=6,
            use_dictionary=[name for name in frame if name not in times],
            column_encoding={name: "DELTA_BINARY_PACKED" for name in times},
        )
