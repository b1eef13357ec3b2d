"""Which columns a lead export has, what type each is, and which of them a model may read.

A model saves its schema, so that a later export is read with the same types and not guessed anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

ColumnType = Literal["number", "category", "text", "date", "identifier", "constant"]
SameDay = Literal["drop", "keep"]
FEATURE_TYPES: tuple[ColumnType, ...] = ("number", "category", "text", "date")

# Columns of LeadTables.leads that are roles and never features.
ROLES = (
    *("contact_id", "lead_id", "contacted_at", "not_contacted", "order", "replied_at", "label"),
    *("earlier_contact", "earlier_reply", "earlier_reply_at", "earlier_reply_positive", "earlier_reply_judged"),
    *("no_consent_email", "no_consent_linkedin", "recipient_name", "recipient_first", "recipient_email"),
    *("several_people", "rejected_row"),
    *("stage_forbids", "student_by", "notes_forbid", "columns_said", "email_bounced", "last_contact", "ahead_forbids"),
    *("same_person", "same_person_forbids", "own_contact"),
)


@dataclass(frozen=True)
class Schema:
    """Types and as-of rules of one export.

    columns: type of each profile column, in the order of the export.
    window_days: a reply counts as positive up to this many days after contact.
    has_time: contacts carry a date; without one, `order` stands for time.
    has_hour: most contacts carry a clock time and not only a date.
    after_contact: columns the field map names as filled in after contact; never read.
    left_out: column -> reason, for columns that are typed but must not become features.
    same_day: what happens to signals of the contact's day where either side has only a date.
    dot_thousands: number columns whose dot sets off thousands, with a value that shows it: {"staff": "12.344"}.
    field_map: the FieldMap the export was read with, as a dict, so a model can read the next export alone.
    """

    columns: dict[str, ColumnType]
    window_days: float = 30.0
    has_time: bool = True
    has_hour: bool = True
    after_contact: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    same_day: SameDay = "drop"
    field_map: dict[str, Any] | None = None
    dot_thousands: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in self.columns.items():
            if kind not in get_args(ColumnType):
                raise ValueError(f'schema: column "{name}" has type "{kind}"; needs one of {get_args(ColumnType)}')

    @property
    def profile(self) -> list[str]:
        """Columns used for features, in the order of the export."""
        return [
            name
            for name, kind in self.columns.items()
            if kind in FEATURE_TYPES and name not in self.left_out and name not in self.after_contact
        ]

    def of_type(self, kind: ColumnType) -> list[str]:
        """Profile columns of one type, in the order of the export."""
        return [name for name in self.profile if self.columns[name] == kind]

    def leaving_out(self, reasons: Mapping[str, str]) -> Schema:
        """The same schema with more columns left out of the profile (column -> reason)."""
        return replace(self, left_out={**self.left_out, **reasons})

    def to_dict(self) -> dict[str, Any]:
        return {
            "columns": dict(self.columns),
            "window_days": self.window_days,
            "has_time": self.has_time,
            "has_hour": self.has_hour,
            "after_contact": list(self.after_contact),
            "left_out": dict(self.left_out),
            "same_day": self.same_day,
            "field_map": self.field_map,
            "dot_thousands": dict(self.dot_thousands),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Schema:
        return cls(**{**state, "after_contact": tuple(state["after_contact"])})
