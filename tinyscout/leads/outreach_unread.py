"""What somebody wrote of a lead that its draft knows nothing of, to be read before the draft is sent.

What is heard in texts (refusals.py, outreach_circumstances.py) is a closed list, and people write in other words:
"Nadia is onto this one". So the latest of what was written of a lead, or by it, stands beside its draft.
"""

from tinyscout.leads.cells import in_quotes
from tinyscout.leads.outreach_facts import FactBook
from tinyscout.leads.outreach_kinds import names_material

LATEST = 5  # signals


def unread(book: FactBook, row: int, notes: str = "") -> str:
    """The latest texts of lead `row`'s signals, none of ours and no titles of pages, and then what its columns say.

    'Call note, 30 h ago: "Nadia is onto this one" | Notes: "likes maps"'; "" where there are none. notes:
    columns_said of lead_notes.py.
    """
    found = []
    for i in range(book.offsets[row + 1] - 1, book.offsets[row] - 1, -1):  # latest first
        if len(found) == LATEST:
            break
        if book.texts[i] and not (names_material(book.kinds[i]) or book.ours(i)):
            found.append(f"{book.kinds[i]}, {book.ago(i)}: {in_quotes(book.texts[i])}")
    return " | ".join([*found, *([notes] if notes else [])])
