"""What came of a family from outside, in a few lines: what was kept and refused, how far it was edited, what is new to
the oracle in its texts.
"""

from collections import Counter

import numpy as np
import pandas as pd

from tinyscout.leads.cells import in_brief, in_quotes
from tinyscout.leads.oracle_texts import MEANINGS, read_text
from tinyscout.leads.tables import LeadTables
from tinyscout.stress.families import Attacked
from tinyscout.stress.threat import RULES, distance


def intake(source: LeadTables, made: Attacked) -> str:
    """What came of an attack on leads of `source`: leads, edits, and texts that the leads had not."""
    tables = made.world.tables
    broken = Counter(violation.rule for violation in made.refused)
    why = f" ({', '.join(f'{rule} {count:,}' for rule, count in broken.most_common())})" if broken else ""
    why += f"; the first: {first_refusal(made)}" if broken else ""
    said = [f"{made.returned:,} leads returned, {made.leads_refused:,} broke a rule{why}, {len(tables):,} are kept"]
    if len(tables):
        edits, sources = distance(source, tables), tables.leads["lead_id"].nunique()
        said.append(f"of {sources:,} leads; edits each: {np.median(edits):g} (median)")
        if idle := np.sum(edits == 0):
            said.append("NOT ONE WAS EDITED" if idle == len(edits) else f"{idle:,} were not edited")
        known, texts = set(source.signals["text"].dropna()), pd.Series(tables.signals["text"]).dropna().unique()
        new = [text for text in texts if text not in known]
        silent = [text for text in new if MEANINGS[read_text(text)[0]] == "neutral"]
        shown = f", such as {in_quotes(silent[0])}" if silent else ""
        said.append(f"{len(new):,} texts are new, and {len(silent):,} of these say nothing to the oracle{shown}")
    return "; ".join(said)


def first_refusal(made: Attacked) -> str:
    """The first rule that an attack broke, how, and what the rule asks for; "" where it broke none."""
    first = next(iter(made.refused), None)
    return f"{first.rule} ({in_brief(first.detail)}), where {RULES[first.rule]}" if first else ""


def is_untouched(source: LeadTables, made: Attacked) -> bool:
    """Whether leads of an attack were refused, and what is left of it is as it was before."""
    tables = made.world.tables
    return bool(made.refused) and not (len(tables) and np.any(distance(source, tables) > 0))
