"""Short stories that happen to synthetic leads: signals in an order that means something to a sales person.

Each is told in both directions (a win-back and a farewell, a champion lost and one found), so that neither the
signals nor the words by themselves give the ending away.
"""

from dataclasses import dataclass
from typing import NamedTuple

KEY = "key"  # a kind of visit that counts for the lead's persona, the same throughout the story
WRONG = "wrong"  # one that counts for other personas only


class Step(NamedTuple):
    """One signal: its kind, what its text says, the days (least, most) after the step before, how often it occurs."""

    kind: str
    says: str = "none"
    gap: tuple[float, float] = (0.2, 4.0)
    chance: float = 1.0


@dataclass(frozen=True)
class Story:
    """Steps in the order they happen; `ends` bounds the age in days of the last one (drawn log-uniformly)."""

    about: str
    share: float
    ends: tuple[float, float]
    steps: tuple[Step, ...]
    student_share: float = 0.0


def _visits(kind: str, gap: tuple[float, float], *chances: float) -> tuple[Step, ...]:
    return tuple(Step(kind, gap=gap, chance=chance) for chance in chances)


_SOON = (0.02, 1.2)
_WEEKS = (8.0, 40.0)
_ROUND = (1.0, 1.0, 0.9, 0.7, 0.5, 0.3)

STORIES: tuple[Story, ...] = (
    Story("looks hard at what matters to them", 0.040, (0.3, 25), _visits(KEY, (0.3, 3.5), *_ROUND), 0.06),
    Story("looks hard at what doesn't", 0.055, (0.3, 25), _visits(WRONG, (0.3, 3.5), *_ROUND), 0.05),
    Story(
        "looked hard long ago, one glance since",
        0.035,
        (0.3, 20),
        (*_visits(KEY, (0.3, 3.5), *_ROUND), Step(KEY, gap=(50.0, 200.0))),
        0.02,
    ),
    Story("keeps an eye on it for months", 0.03, (0.5, 40), (*_visits(KEY, (9.0, 35.0), 1, 1, 0.8, 0.6, 0.5),), 0.02),
    Story("asks for a demo", 0.012, (0.2, 60), (Step(KEY, gap=_SOON, chance=0.6), Step("demo_request"))),
    Story(
        "unsubscribed, then asks for a demo",
        0.010,
        (0.3, 20),
        (
            Step(KEY),
            Step("unsubscribe"),
            Step("demo_request", gap=_WEEKS),
            Step(KEY, chance=0.8),
            Step(KEY, chance=0.7),
        ),
    ),
    Story(
        "asked for a demo, then unsubscribed",
        0.014,
        (0.3, 60),
        (Step(KEY), Step(KEY, chance=0.8), Step("demo_request"), Step("unsubscribe", gap=(0.5, 20.0))),
    ),
    Story(
        "missed the meeting and said sorry",
        0.012,
        (0.2, 25),
        (
            Step("meeting_no_show"),
            Step("reply_message", "apology", _SOON),
            Step(KEY, chance=0.7),
            Step(KEY, chance=0.7),
        ),
    ),
    Story(
        "said sorry once, then missed the meeting",
        0.012,
        (0.2, 25),
        (Step(KEY, chance=0.7), Step("reply_message", "apology"), Step("meeting_no_show", gap=(1.0, 8.0)), Step(KEY)),
    ),
    Story(
        "the champion left, a new one took over",
        0.012,
        (0.3, 20),
        (Step("call_note", "left"), Step("call_note", "takeover", (2.0, 20.0)), Step(KEY), Step(KEY, chance=0.8)),
    ),
    Story(
        "a champion took over, then left",
        0.016,
        (0.3, 30),
        (
            Step("call_note", "takeover"),
            Step(KEY),
            Step(KEY, chance=0.8),
            Step("call_note", "left", (1.0, 20.0)),
            Step(KEY),
        ),
    ),
    Story(
        "wants to buy", 0.016, (0.2, 25), (Step(KEY, chance=0.8), Step("reply_message", "want"), Step(KEY, chance=0.5))
    ),
    Story(
        "wanted to buy, then refused",
        0.012,
        (0.3, 60),
        (Step("reply_message", "want"), Step(KEY), Step("reply_message", "refuse", (1.0, 15.0)), Step(KEY, chance=0.5)),
    ),
    Story(
        "refused, then wanted to buy",
        0.009,
        (0.3, 20),
        (Step("reply_message", "refuse"), Step("reply_message", "want", (2.0, 40.0)), Step(KEY, chance=0.8)),
    ),
    Story(
        "convinced by the trial", 0.012, (0.3, 30), (Step("free_trial_start"), Step("reply_message", "praise", (3, 15)))
    ),
    Story(
        "not convinced by the trial",
        0.014,
        (0.3, 30),
        (Step("free_trial_start"), Step("reply_message", "doubt", (3, 15))),
    ),
    Story("put it off", 0.035, (4, 260), (Step(KEY, chance=0.5), Step("reply_message", "defer"))),
    Story("put it off on the phone", 0.025, (4, 260), (Step("call_note", "defer"),)),
    Story(
        "a mail scanner opens everything",
        0.05,
        (0.1, 120),
        tuple(Step("email_click", gap=(0.00001, 0.0001), chance=chance) for chance in (1, 1, 1, 0.8, 0.6, 0.4)),
        0.03,
    ),
    Story(
        "clicks its way through the mails",
        0.04,
        (0.3, 30),
        _visits("email_click", (0.5, 4.0), 1, 1, 1, 0.8, 0.6, 0.4),
        0.02,
    ),
    Story(
        "written to again and again, no sign of life",
        0.06,
        (0.5, 20),
        tuple(
            Step("outreach_email", gap=(2.0, 6.0), chance=chance) for chance in (1, 1, 1, 1, 0.9, 0.8, 0.7, 0.6, 0.5)
        ),
    ),
    Story(
        "written to again and again until they came",
        0.03,
        (0.3, 12),
        (
            *(Step("outreach_email", gap=(2.0, 6.0), chance=chance) for chance in (1, 1, 1, 1, 0.8, 0.7, 0.6, 0.5)),
            *_visits(KEY, (0.3, 3.0), 1, 1, 0.8),
        ),
    ),
    Story(
        "a competitor looks around",
        0.02,
        (0.3, 60),
        (
            Step("competitor_domain_visit"),
            *(Step(kind, gap=_SOON) for kind in ("pricing_page", "security_paper", "docs_visit")),
        ),
    ),
    Story(
        "studies it for a thesis",
        0.004,
        (0.3, 60),
        (*_visits("docs_visit", _SOON, 1, 1, 0.7), Step("reply_message", "study"), Step("docs_visit")),
        0.15,
    ),
)
