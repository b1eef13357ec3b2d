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
    """Steps in the order they happen, to a `share` of buyers and of students; `ends` bounds the age in days of the last
    one, drawn log-uniformly."""

    about: str
    share: float
    students: float
    ends: tuple[float, float]
    steps: tuple[Step, ...]


def _repeat(kind: str, gap: tuple[float, float], *chances: float) -> tuple[Step, ...]:
    return tuple(Step(kind, gap=gap, chance=chance) for chance in chances)


def _message(says: str, gap: tuple[float, float] = (0.2, 4.0)) -> Step:
    return Step("reply_message", says, gap)


def _note(says: str, gap: tuple[float, float] = (1.0, 15.0)) -> Step:
    return Step("call_note", says, gap)


_DAYS = (0.3, 3.5)
_HARD_LOOK = (1.0, 1.0, 0.9, 0.7, 0.5, 0.3)
_LOOK = _repeat(KEY, _DAYS, 1, 0.9, 0.6)  # by itself seldom enough
_GLANCE = (Step(KEY, chance=0.7),)
_MAILS = _repeat("outreach_email", (2.0, 6.0), 1, 1, 1, 1, 0.9, 0.8, 0.7, 0.6, 0.5)

STORIES: tuple[Story, ...] = (
    Story("looks hard at what matters to them", 0.016, 0.06, (0.3, 25), _repeat(KEY, _DAYS, *_HARD_LOOK)),
    Story("looks hard at what does not", 0.050, 0.05, (0.3, 25), _repeat(WRONG, _DAYS, *_HARD_LOOK)),
    Story(
        "looked hard long ago, one glance since",
        0.040,
        0.02,
        (0.3, 20),
        (*_repeat(KEY, _DAYS, *_HARD_LOOK), Step(KEY, gap=(50.0, 200.0))),
    ),
    Story("keeps an eye on it for months", 0.030, 0.02, (0.5, 40), _repeat(KEY, (9.0, 35.0), 1, 1, 0.8, 0.6, 0.5)),
    Story("asks for a demo", 0.010, 0.0, (0.2, 60), (*_GLANCE, Step("demo_request"))),
    Story(
        "unsubscribed, then asks for a demo and looks",
        0.010,
        0.0,
        (0.3, 15),
        (Step(KEY), Step("unsubscribe"), Step("demo_request", gap=(2.0, 30.0)), *_LOOK),
    ),
    Story(
        "looked hard, unsubscribed, came back for a demo",
        0.014,
        0.0,
        (0.3, 15),
        (*_LOOK, *_LOOK, Step("unsubscribe"), Step("demo_request", gap=(2.0, 12.0)), *_GLANCE),
    ),
    Story(
        "asked for a demo, then unsubscribed",
        0.016,
        0.0,
        (0.3, 40),
        (*_LOOK, Step("demo_request"), Step("unsubscribe", gap=(0.5, 12.0)), *_GLANCE),
    ),
    Story(
        "missed the meeting and said sorry",
        0.013,
        0.0,
        (0.2, 15),
        (Step("meeting_no_show"), _message("apology", (0.02, 1.2)), *_LOOK, *_GLANCE),
    ),
    Story(
        "looked hard, missed the meeting, said sorry",
        0.012,
        0.0,
        (0.2, 15),
        (*_LOOK, *_LOOK, Step("meeting_no_show"), _message("apology", (0.02, 1.2)), *_GLANCE),
    ),
    Story(
        "said sorry once, then missed the meeting",
        0.018,
        0.0,
        (0.2, 15),
        (*_LOOK, _message("apology"), Step("meeting_no_show", gap=(0.5, 5.0)), *_GLANCE),
    ),
    Story(
        "the champion left, a new one took over",
        0.013,
        0.0,
        (0.3, 15),
        (*_GLANCE, _note("left"), _note("takeover"), *_LOOK),
    ),
    Story(
        "a champion took over, then left",
        0.024,
        0.0,
        (0.3, 20),
        (*_GLANCE, _note("takeover"), *_LOOK, _note("left", (0.5, 8.0)), *_GLANCE),
    ),
    Story("looked, then wants to buy", 0.015, 0.0, (0.2, 20), (*_LOOK, _message("want"), *_GLANCE)),
    Story("looked, then refused", 0.042, 0.0, (0.2, 20), (*_LOOK, *_LOOK, _message("refuse"), *_GLANCE)),
    Story(
        "wanted to buy, then refused", 0.016, 0.0, (0.3, 30), (_message("want"), *_LOOK, _message("refuse"), *_GLANCE)
    ),
    Story(
        "refused, then wants to buy", 0.011, 0.0, (0.3, 15), (_message("refuse"), _message("want", (1.0, 20.0)), *_LOOK)
    ),
    Story(
        "convinced by the trial",
        0.013,
        0.0,
        (0.3, 20),
        (Step("free_trial_start"), *_LOOK, _message("praise"), *_GLANCE),
    ),
    Story(
        "not convinced by the trial",
        0.032,
        0.0,
        (0.3, 20),
        (Step("free_trial_start"), *_LOOK, *_GLANCE, _message("doubt"), *_GLANCE),
    ),
    Story("put it off", 0.040, 0.0, (4, 260), (*_GLANCE, _message("defer"))),
    Story("put it off on the phone", 0.025, 0.0, (4, 260), (_note("defer"),)),
    Story("looked hard, but put it off", 0.018, 0.0, (0.3, 12), (*_LOOK, *_LOOK, _message("defer"), *_GLANCE)),
    Story(
        "a mail scanner opens everything",
        0.050,
        0.03,
        (0.1, 120),
        _repeat("email_click", (0.00001, 0.0001), 1, 1, 1, 0.9, 0.7, 0.5, 0.4),
    ),
    Story(
        "looks, and a mail scanner opens everything",
        0.020,
        0.0,
        (0.1, 8),
        (*_LOOK, *_repeat("email_click", (0.00001, 0.0001), 1, 1, 1, 1, 0.9, 0.7, 0.5, 0.4)),
    ),
    Story(
        "clicks its way through the mails", 0.022, 0.02, (0.3, 8), _repeat("email_click", (0.1, 2.0), *_HARD_LOOK, 0.4)
    ),
    Story(
        "looks, and clicks its way through the mails",
        0.012,
        0.0,
        (0.1, 8),
        (*_LOOK, *_repeat("email_click", (0.1, 1.5), 1, 1, 1, 1, 0.9, 0.7, 0.5, 0.4)),
    ),
    Story("written to again and again, no sign of life", 0.050, 0.02, (0.5, 20), _MAILS),
    Story(
        "written to again and again until they came", 0.020, 0.0, (0.3, 12), (*_MAILS, *_repeat(KEY, _DAYS, 1, 1, 0.8))
    ),
    Story(
        "looked hard, then was written to until tired",
        0.015,
        0.0,
        (0.1, 3),
        (*_LOOK, *_LOOK, *_repeat("outreach_email", (0.4, 1.2), 1, 1, 1, 1, 1, 1, 0.9, 0.8, 0.6)),
    ),
    Story(
        "a competitor looks around",
        0.022,
        0.0,
        (0.3, 60),
        (Step("competitor_domain_visit"), *_repeat("pricing_page", (0.02, 1.2), 1, 0.6), *_LOOK),
    ),
    Story(
        "studies it for a thesis",
        0.004,
        0.15,
        (0.3, 60),
        (*_repeat("docs_visit", (0.02, 1.2), 1, 1, 0.7), _message("study"), Step("docs_visit")),
    ),
)
