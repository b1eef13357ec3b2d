"""The two real data sets that benchmarks are run on, where they lie beside the repository (they are not part of it)."""

from pathlib import Path
from typing import NamedTuple

from tinyscout.leads import FieldMap, LeadTables, read_tables
from tinyscout.leads.leakage import without_leaks

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = REPOSITORY.parent / "shared" / "data"


class Export(NamedTuple):
    """Files of one export and its field map."""

    leads: Path
    signals: Path | None
    field_map: Path

    @property
    def missing(self) -> str | None:
        """Why it can't be read; None where it can."""
        absent = [path for path in (self.leads, self.signals) if path is not None and not path.exists()]
        return f"{absent[0]} is not there" if absent else None


def exports(data: Path = DATA) -> dict[str, Export]:
    """Name -> export, whether or not its files are there."""
    configs = REPOSITORY / "configs"
    return {
        "x_education": Export(data / "x_education_leads.csv", None, configs / "x_education.toml"),
        "college_messages": Export(
            data / "college_messages_leads.csv",
            data / "college_messages_signals.csv.gz",
            configs / "college_messages.toml",
        ),
    }


def read_exports(data: Path = DATA) -> dict[str, LeadTables | str]:
    """Each data set without the columns that know the answer, as `fit` leaves them out; or why it isn't there."""
    found: dict[str, LeadTables | str] = {}
    for name, export in exports(data).items():
        if export.missing:
            found[name] = export.missing
            continue
        tables = read_tables(export.leads, export.signals, field_map=FieldMap.load(export.field_map))
        found[name], _ = without_leaks(tables)
    return found
