"""Who gets no message by the column of a stage, a job title or a sequence: customers, who is in talks with a colleague
already, and who is to be left alone.

Such columns are read beside the profile, as those of a recipient are; whether they are features is for the map to say.
"""

import re
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import pyarrow as pa

from tinyscout.leads.cells import in_brief, read_strings
from tinyscout.leads.field_map import normal_once

STAGE = "stage: "  # before the name of such a column, among the parts of a recipient
_STAGES = frozenset(
    [
        "status",
        "leadstatus",
        "hsleadstatus",
        "leadstage",
        "stage",
        "dealstage",
        "dealstatus",
        "lifecyclestage",
        "contactstatus",
        "contactstage",
        "customerstatus",
        "accountstatus",
        "accounttype",
        "contacttype",
        "opportunitystage",
        "salesstage",
        "pipelinestage",
        "lastactivity",
        "lastactivitytype",
        "lastnotableactivity",
    ]
)
_TITLES = frozenset(["title", "jobtitle", "position", "jobposition"])
_SEQUENCES = frozenset(["currentlyinsequence", "nowinsequence", "hssequencesisenrolled", "insequence"])
_YES = frozenset(["true", "yes", "1", "y", "ja", "oui", "si"])
_CUSTOMER = re.compile(
    r"\b(?:customers?|clients?(?! (?:review|meeting|call|approval|feedback|contacted))|closed ?won|won(?! t\b)"
    r"|contract signed|evangelist|kunden?|bestandskunden?|clientes?|klant)\b",
    re.IGNORECASE,
)
_NONE_BEFORE = re.compile(
    r"\b(?:no|not|non|never|ex|former|past|lost|churned|cancelled|potential|prospective|future|keine?|for|to|geen|nao"
    r"|poten[tz]iell?er?|ehemaliger?|voormalige|antiguo|futuro) (?:(?:a|an|our|yet|es) )*$",
    re.IGNORECASE,
)
_NONE_AFTER = re.compile(r" (?:churned|lost|former|cancelled|left|poten[ct]ial|perdido)\b", re.IGNORECASE)
_LEAVE_ALONE = re.compile(
    r"\b(?:do not (?:contact|e ?mail|mail|call|disturb)|(?:no|never) contact(?! (?:yet|made|so far|details))|dnc"
    r"|unsubscribed?|opted out|opt out|not interested|no interest|refused|rejected|declined|uninterested|bounced"
    r"|hard bounce|invalid e ?mail|left (?:the )?company|no longer (?:there|with|at)|deceased|dead|spam|junk"
    r"|(?:black|block) ?list(?:ed)?|blocked|disqualified|unqualified|not qualified|not converted|bad fit|no fit"
    r"|not a fit"
    r"|kein interesse|kein bedarf|absage|abgesagt|abgemeldet|bad timing|(?:wrong|falscher?) (?:contact|person|kontakt)"
    r"|on hold|archived?|archiviert|lost forever|gesperrt|pausiert)\b",
    re.IGNORECASE,
)
_COMPETITOR = re.compile(r"(?:an? |our |direct )*(?:competitors?|wettbewerber|konkurrenz)", re.IGNORECASE)
_UNDER_WAY = re.compile(
    r"^(?!.*\b(?:lost|failed|gescheitert|abgebrochen|unsuccessful|churned|not|no|pre|before|ready to|former|ended)\b).*"
    r"\b(?:negotiat\w*|verhandlung\w*|in (?:talks|discussions?|conversation|contact) with|(?:contract|agreement)"
    r" (?:sent|out|review|signing|signature)|legal review|awaiting signature|verbal(?:ly)? (?:commit\w*|agreed|yes))\b",
    re.IGNORECASE,
)
_IN_A_NAME = re.compile(  # what people write behind one
    r"\b(?:do not (?:contact|e ?mail|mail|call|disturb)|dnc|unsubscribed|opted out|left (?:the )?(?:company|firm)"
    r"|no longer (?:there|with|at|works?)|deceased|retired|nicht (?:kontaktieren|anschreiben)|ausgeschieden)\b",
    re.IGNORECASE,
)
_IN_A_TITLE = re.compile(rf"{_IN_A_NAME.pattern}|left(?: in| since)?(?: \d[\d ]*)?", re.IGNORECASE)
_JOINED = re.compile(r"(?<=[a-z])(?=[A-Z])")  # within "DoNotContact"
_TEST = re.compile(
    r"(?:tests?|testing|tester|dummy)(?: (?:tests?|user|lead|contact|account|record|person|entry|\d+))*", re.IGNORECASE
)
_FORMER = re.compile(  # a whole title: "Former CEO, investor" has another job now
    r"(?:(?:former|formerly|previously|ehemalige[rs]?|ehem|ancienne?|retired|im ruhestand|retrait\u00e9e?)\b"
    r"|ex-(?!officio)\w|pension(?:iert|\u00e4r|aer)|no longer (?:here|there|with)\b)"
    r"(?!.*(?:[,;|/&@\u2022]|\b(?:now|and|turned|current\w*|customers?|clients?)\b))",
    re.IGNORECASE,
)
_STUDENT = re.compile(  # a whole title, in small letters
    r"(?:(?!of\b|for\b)\w+ ){0,3}students?|students? (?:at|of|in)\b.*|(?:werk)?studenti?n?|etudiante?"
)
_PARTS = re.compile(r"[()\[\]|*,;:]+")


def find_stages(columns: Iterable[str]) -> dict[str, str]:
    """STAGE and the name -> the column, for those of a file that have the name of a stage, a title or a sequence."""
    return {f"{STAGE}{column}": column for column in columns if normal_once(column) in _STAGES | _TITLES | _SEQUENCES}


def left_alone(table: pa.Table, lead_id: np.ndarray, missing: Iterable[str]) -> dict[str, pd.Series]:
    """stage_forbids (N,) str: why a row's lead (lead_id (N,)) gets no message by a stage or job title, "" for none;
    student_by (N,) str: the column of titles that calls it a student.

    Nothing where the table has no such column.
    """
    said = said_by_columns(table, STAGE, _forbids_by, lead_id, missing)
    by = said_by_columns(table, STAGE, _students_by, lead_id, missing, say=lambda why, name, value: name)
    return {} if said is None or by is None else {"stage_forbids": said, "student_by": by}


def _and_where(why: str, name: str, value: str) -> str:
    return f"{why} ({name} is {in_brief(value)})"


def said_by_columns(
    table: pa.Table,
    prefix: str,
    reader: Callable[[str], Callable[[str], str]],
    lead_id: np.ndarray,
    missing: Iterable[str],
    *,
    say: Callable[[str, str, str], str] = _and_where,
) -> pd.Series | None:
    """(N,) str: what the first of the columns whose names begin with `prefix` says, and where, "" for nothing.

    reader: a column's name -> what tells of its values, "" for most; say: that, the name and the value -> what stands
    for it. What one row of a lead says holds for all its rows. None where the table has no such column.
    """
    found = None
    for part in table.column_names:
        if not part.startswith(prefix):
            continue
        read = read_strings(table.column(part), missing)
        name = " ".join(part.removeprefix(prefix).split())
        every, tells = (*read.values, ""), reader(name)
        said = [say(why, name, value) if (why := tells(value)) else "" for value in every]
        mine = pd.Series(np.array(said, dtype=object)[read.codes], dtype="str")
        found = mine if found is None else found.where(found != "", mine)
    return None if found is None else found.groupby(lead_id).transform("max")  # "" is below all words


def _forbids_by(column: str) -> Callable[[str], str]:
    """What reads the values of a column of such a name."""
    if normal_once(column) in _SEQUENCES:
        return sequence_forbids
    return title_forbids if normal_once(column) in _TITLES else stage_forbids


def _students_by(column: str) -> Callable[[str], str]:
    return student_title if normal_once(column) in _TITLES else lambda value: ""


def student_title(title: str) -> str:
    """ "a student" for a job title of one: "PhD student", "Working student", not "Head of Student Services"."""
    return "a student" if _STUDENT.fullmatch(_words(title).lower()) else ""


def sequence_forbids(value: str) -> str:
    """Why a mark that a lead is in a sequence of messages stops all others; empty where it isn't in one."""
    return "in a sequence of yours already" if value.strip().lower() in _YES else ""


def name_forbids(name: str) -> str:
    """Why a name stops all messages: "Anna (left the company)", "Keller - DO NOT MAIL", "Test Lead 2"; empty for all
    but few."""
    words = _words(name)
    if _TEST.fullmatch(words):
        return "a test record by its name"
    return "to be left alone by its name" if _IN_A_NAME.search(words) else ""


def title_forbids(title: str) -> str:
    """Why a job title stops all messages: "DO NOT CONTACT", "Former COO"; empty for all but few."""
    if _FORMER.match(title.strip()):
        return "no longer in that job"
    marked = any(_IN_A_TITLE.fullmatch(_words(part)) for part in _PARTS.split(title))
    return "to be left alone by its job title" if marked else ""


def stage_forbids(value: str) -> str:
    """Why a stage stops all messages: "Closed won" is a customer's, not "Former customer"; empty for most.

    A no in any words stops, too; a bare "No" may be the answer to another question.
    """
    from tinyscout.leads.refusals import refusal  # compiles its patterns, which only write needs

    words = _words(_JOINED.sub(" ", value))
    if _LEAVE_ALONE.search(words) or _COMPETITOR.fullmatch(words) or (" " in words and refusal(value)):
        return "to be left alone by its stage"
    found = _CUSTOMER.search(words)
    if found is None or _NONE_BEFORE.search(words[: found.start()]) or _NONE_AFTER.match(words[found.end() :]):
        return "in talks already by its stage" if _UNDER_WAY.search(words) else ""
    return "a customer already"


def _words(value: str) -> str:
    """A cell without signs, one space between its words."""
    return " ".join(re.sub(r"[\W_]+", " ", value).split())
