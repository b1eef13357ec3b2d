"""Who the synthetic leads are: profile columns drawn for contacts on given days, with a slow drift over the months.

Shares of personas and sources move, each quarter has a campaign of its own, and some values are missing: later leads
differ a little from earlier ones, as in a real pipeline, so that a split by time says more than a random one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tinyscout.leads.oracle_weights import PERSONA, PERSONAS, PROFILE_EFFECTS
from tinyscout.leads.schema import ColumnType

COLUMNS: dict[str, ColumnType] = {
    "persona": "category",
    "industry": "category",
    "employees": "number",
    "region": "category",
    "source": "category",
    "campaign": "category",
    "email_domain_kind": "category",
    "months_since_funding": "number",
    "plan_fit": "number",
    "tech_stack": "category",
}
WORLD_DAYS = 730
_SHARES = {  # at the first day and at the last
    "persona": ((0.17, 0.11, 0.17, 0.14, 0.13, 0.12, 0.07, 0.09), (0.14, 0.12, 0.15, 0.15, 0.14, 0.11, 0.08, 0.11)),
    "source": ((6, 4, 7, 9, 14, 13, 14, 22, 11), (5, 5, 8, 10, 15, 11, 16, 17, 13)),
}
_DOMAINS = ("company", "free", "edu", "")
STACKS = ("python", "java", "dotnet", "javascript", "go", "ruby", "php", "no_code", "mainframe")
_MEDIAN_EMPLOYEES = np.array([14, 1800, 90, 130, 260, 110, 6, 8])
_CAMPAIGNS = 80  # that run all the time; each quarter has one more of its own


@dataclass(frozen=True)
class Profiles:
    """Columns of M leads: categories as codes (M,) into `names[column]` (-1 missing), numbers (M,) float64."""

    codes: dict[str, np.ndarray]
    numbers: dict[str, np.ndarray]
    names: dict[str, tuple[str, ...]]

    @property
    def persona(self) -> np.ndarray:
        """(M,) codes into PERSONAS."""
        return self.codes["persona"]

    def frame(self) -> pd.DataFrame:
        """The profile columns in the order of COLUMNS, categories as categoricals of all names that occur."""
        columns: dict[str, pd.Series | np.ndarray] = {}
        for name, kind in COLUMNS.items():
            if kind == "number":
                columns[name] = self.numbers[name]
            else:
                categories = pd.CategoricalDtype(pd.Index(self.names[name], dtype="str"))
                columns[name] = pd.Series(pd.Categorical.from_codes(self.codes[name], dtype=categories))
        return pd.DataFrame(columns)


def draw_profiles(day: np.ndarray, rng: np.random.Generator) -> Profiles:
    """Profiles of leads first contacted on `day` (M,), days since the world began."""
    size, progress = len(day), day / WORLD_DAYS
    sources = tuple(PROFILE_EFFECTS["source"])
    codes = {
        "persona": _drifting(_SHARES["persona"], progress, rng),
        "source": _drifting(_SHARES["source"], progress, rng),
    }
    persona = codes["persona"]
    student = persona == PERSONA["student"]
    codes["industry"] = _zipf(len(PROFILE_EFFECTS["industry"]), size, rng)
    codes["region"] = _zipf(len(PROFILE_EFFECTS["region"]), size, rng)
    codes["tech_stack"] = np.where(rng.random(size) < 0.3, -1, _zipf(len(STACKS), size, rng))
    seasonal = _CAMPAIGNS + (day // 91).astype(np.int64)
    campaign = np.where(rng.random(size) < 0.04, seasonal, _zipf(_CAMPAIGNS, size, rng))
    codes["campaign"] = np.where(rng.random(size) < 0.2, -1, campaign)
    by_persona = np.array([[0.82, 0.12, 0.01]] * 7 + [[0.05, 0.35, 0.55]])
    by_persona[PERSONA["saas_founder"]] = by_persona[PERSONA["consultant"]] = (0.64, 0.31, 0.01)
    domain = (rng.random(size)[:, None] > by_persona[persona].cumsum(axis=1)).sum(axis=1)  # 3 stands for missing
    codes["email_domain_kind"] = np.where(domain == 3, -1, domain)

    employees = np.ceil(np.exp(np.log(_MEDIAN_EMPLOYEES[persona]) + rng.normal(0, 1.3, size)))
    employees[rng.random(size) < np.where(student, 0.6, 0.12)] = np.nan
    funding = np.floor(rng.gamma(1.3, 14.0, size))
    funding[rng.random(size) < np.where(persona == PERSONA["saas_founder"], 0.25, 0.6)] = np.nan
    fit = np.round(100 * rng.beta(2.6, 2.2, size), 1)
    fit[rng.random(size) < 0.05] = np.nan

    names = {
        "persona": PERSONAS,
        "source": sources,
        "industry": tuple(PROFILE_EFFECTS["industry"]),
        "region": tuple(PROFILE_EFFECTS["region"]),
        "email_domain_kind": _DOMAINS[:3],
        "tech_stack": STACKS,
        "campaign": (*(f"c{i:02d}" for i in range(_CAMPAIGNS)), *(f"season{i + 1}" for i in range(9))),
    }
    return Profiles(codes, {"employees": employees, "months_since_funding": funding, "plan_fit": fit}, names)


def _drifting(
    shares: tuple[tuple[float, ...], tuple[float, ...]], progress: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Codes (M,) drawn with shares that move linearly from the first to the last as progress (M,) goes from 0 to 1."""
    start, end = (np.array(share) / np.sum(share) for share in shares)
    bounds = ((1 - progress)[:, None] * start + progress[:, None] * end).cumsum(axis=1)  # (M, values)
    return np.minimum((rng.random(len(progress))[:, None] > bounds).sum(axis=1), len(start) - 1)


def _zipf(values: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Codes (size,) with shares falling as 1 / (rank + 2)."""
    share = 1 / (np.arange(values) + 3.0)
    return np.searchsorted((share / share.sum()).cumsum()[:-1], rng.random(size)).astype(np.int64)
