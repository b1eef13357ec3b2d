import numpy as np
import pandas as pd
import pytest

from tinyscout.leads.schema import Schema
from tinyscout.leads.tables import LeadTables

CONTACT = pd.Timestamp("2026-03-04 15:30", tz="UTC")  # a Wednesday


def make_tables(profile: dict, signals: list[tuple] = (), columns: dict | None = None, **schema) -> LeadTables:
    """Leads contacted an hour apart with the profile columns given.

    signals: (lead, hours before contact, kind[, channel[, text]]) each; columns: name -> type.
    """
    columns = columns or {}
    n = len(next(iter(profile.values()))) if profile else 3
    leads = pd.DataFrame(
        {
            "contact_id": [f"c{i}" for i in range(n)],
            "lead_id": [f"l{i}" for i in range(n)],
            "contacted_at": pd.Series([CONTACT + pd.Timedelta(hours=i) for i in range(n)]).astype(
                "datetime64[us, UTC]"
            ),
            "order": np.arange(n),
            "label": np.zeros(n),
            **profile,
        }
    )
    rows = [(*signal, *(None,) * (5 - len(signal))) for signal in signals]
    frame = pd.DataFrame(rows, columns=["row", "hours", "kind", "channel", "text"])
    at = leads["contacted_at"].to_numpy()[frame["row"].to_numpy(int)] if len(frame) else []
    frame["at"] = pd.Series(at, dtype="datetime64[us, UTC]") - pd.to_timedelta(frame["hours"].astype(float), unit="h")
    frame = frame.astype({"row": int, "kind": "category", "channel": "category", "text": "str"})
    if frame["channel"].isna().all():
        frame = frame.drop(columns="channel")
    return LeadTables.from_frames(leads, frame.drop(columns="hours"), Schema(columns, **schema))


@pytest.fixture(scope="session")
def build():
    return make_tables


@pytest.fixture(scope="session")
def mixed() -> LeadTables:
    """400 leads with every type of column, odd values included, and about four signals each, a third with a text."""
    rng = np.random.default_rng(7)
    n = 400
    words = ["we", "would", "love", "a", "demo", "next", "week", "please", "don't", "call", "me", "not"]
    words += ["interested", "pricing?", "ok", "caf\u00e9", "\u65e5\u672c"]

    def text() -> str:
        return " ".join(rng.choice(words, rng.integers(1, 50)))

    profile = {
        "persona": pd.Categorical(
            rng.choice(["founder", "vp", "student", "rare", None], n, p=[0.5, 0.3, 0.1, 0.005, 0.095])
        ),
        "employees": rng.choice([1.0, 2.0, 10.0, 1e6, np.nan, np.inf, -np.inf], n),
        "seats": rng.lognormal(2, 1, n),
        "note": pd.Series([text() if rng.random() < 0.6 else rng.choice(["", None]) for _ in range(n)], dtype="str"),
        "signed_up": pd.Series(CONTACT - pd.to_timedelta(rng.uniform(-50, 500, n), unit="D")).astype(
            "datetime64[us, UTC]"
        ),
        "account": [f"a{i}" for i in range(n)],
    }
    types = ["category", "number", "number", "text", "date", "identifier"]
    signals = []
    for lead in rng.integers(0, n, 4 * n):
        kind = rng.choice(["pricing_page", "email_open", "docs", "once"], p=[0.4, 0.4, 0.199, 0.001])
        channel = rng.choice(["email", "web", None]) if kind == "email_open" else "web"
        signals.append((lead, float(rng.uniform(0.01, 2000)), kind, channel, text() if rng.random() < 0.3 else ""))
    return make_tables(profile, signals, dict(zip(profile, types, strict=True)))
