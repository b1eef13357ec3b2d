"""Written families kept from all hardening: the skills of seen.py, asked for in stories of another kind.

The split is by story, and fixed. Each stop, go and kind of visit decides in some seen family too, and each word occurs
in natural leads. Of eight the sentence form, the pair of stop and go, or the pair of kinds, that decides here, decides
in none of the seen families; four are `like` one of them, in other numbers. What is said of held-out families is said
of the eight alone besides.
"""

import numpy as np

from tinyscout.leads.world_texts import BUYING, CLOSINGS, JUNIOR, NOTE_OPENINGS, OPENINGS, OTHERS, SENIOR
from tinyscout.stress.written import COUNTS, IDLE, SECOND, Touch, Twins, one_of, says, visits, written

_WISHES = (  # the first slot is who wants it; the other does not
    "{opening}, {wants} would take the {thing} and {other} would not {closing}",
    "{opening}, {wants} would need the {thing} while {other} would not {closing}",
    "{opening}, as planned {wants} would like the {thing}, {other} would not {closing}",
)
_PUT_OFF = (  # a time when it suits, and one when it does not
    "{opening}, not in {no} please, it is {yes} that suits us {closing}",
    "{opening}, {yes} suits us rather than {no} {closing}",
    "{opening}, try us in {yes} instead of {no} {closing}",
)
_DUE_OF_TWO = (  # said so many days ago, the first is due and the second is not yet
    ("two weeks", "next month", (12.5, 19.0)),
    ("two weeks", "next quarter", (12.5, 19.0)),
    ("next month", "next quarter", (27.0, 40.0)),
    ("next month", "half a year", (27.0, 40.0)),
    ("next quarter", "half a year", (80.0, 124.0)),
)
_HANDED_OVER = (  # who left and who came; only the senior of them counts
    "{opening}, the {into} joined last week, the {out} left the company",
    "{opening}, the {out} left the company, the {into} takes the lead",
    "{opening}, the {into} takes the lead and the {out} left",
)


@written("who said not", held_out=True)
def forwarded_chain(persona: str, rng: np.random.Generator) -> Twins:
    """A forwarded thread with a warm line in it: it is a colleague's friend who wants the demo, and not the lead."""
    form = _WISHES[rng.integers(len(_WISHES))]
    words = {"thing": one_of(BUYING, rng), "opening": one_of(OPENINGS, rng), "closing": one_of(CLOSINGS, rng)}
    lead, friend = "we", f"my {one_of(OTHERS, rng)}"
    shared = visits(COUNTS[persona], rng.uniform(0.2, 4, 4))
    at = rng.uniform(0.3, 4)
    wanted = form.format(wants=lead, other=friend, **words).rstrip()
    unwanted = form.format(wants=friend, other=lead, **words).rstrip()
    return Twins(shared, [Touch(at, "reply_message", unwanted)], [Touch(at, "reply_message", wanted)])


@written("what is wanted", held_out=True)
def owner_and_intern(persona: str, rng: np.random.Generator) -> Twins:
    """The director joined, the intern left the company; or the intern joined, and it is the director who left."""
    opening, form = one_of(NOTE_OPENINGS, rng), one_of(_HANDED_OVER, rng)
    senior, junior = one_of(SENIOR, rng), one_of(JUNIOR, rng)
    alive, dead = (
        form.format(opening=opening, out=out, into=into) for out, into in ((junior, senior), (senior, junior))
    )
    shared = visits(COUNTS[persona], rng.uniform(0.2, 4, 5))
    at = rng.uniform(0.3, 5)
    return Twins(shared, [Touch(at, "call_note", dead)], [Touch(at, "call_note", alive)])


@written("who spoke last", held_out=True)
def thesis_or_contract(persona: str, rng: np.random.Generator) -> Twins:
    """Wanted a quote, and then it was for a thesis; or it began as a thesis, and then the firm wanted the quote."""
    after = rng.uniform(3, 6)
    before = after + rng.uniform(1, 10)
    study, want = says("study", rng), says("want", rng)
    shared = visits(COUNTS[persona], rng.uniform(0.2, 2.8, 4))

    def messages(first: str, then: str) -> list[Touch]:
        return [Touch(before, "reply_message", first, "chat"), Touch(after, "reply_message", then, "chat")]

    return Twins(shared, messages(want, study), messages(study, want))


@written("who spoke last", held_out=True)
def missed_meeting(persona: str, rng: np.random.Generator) -> Twins:
    """Missed the call and said sorry; or said sorry for something else, and then missed the call."""
    missed = rng.uniform(4, 7)
    before, after = missed + rng.uniform(0.3, 4), missed - rng.uniform(0.05, 1)
    sorry, other = says("apology", rng), says("neutral", rng)
    shared = [Touch(missed, "meeting_no_show"), *visits(COUNTS[persona], rng.uniform(0.2, 2.8, 5))]

    def messages(first: str, then: str) -> list[Touch]:
        return [Touch(before, "reply_message", first), Touch(after, "reply_message", then)]

    return Twins(shared, messages(sorry, other), messages(other, sorry))


@written("persona against kind", held_out=True, like="wrong_persona_enthusiasm", personas=("enterprise_vp",))
def security_review(persona: str, rng: np.random.Generator) -> Twins:
    """The security review runs this week and the tour of the docs was last year; or the other way round."""
    idle = one_of(IDLE[persona], rng)
    kinds = ("security_paper", "case_study")
    shared = [*visits(kinds[0], [rng.uniform(0.2, 2)]), *visits(kinds[1], [rng.uniform(0.2, 2)])]
    shared += visits(idle, [rng.uniform(0.2, 2)])
    lately, long_ago = rng.uniform(2.1, 9, 6), rng.uniform(60, 180, 6)
    matters = [kinds[0]] * 4 + [kinds[1]] * 2

    def mixed(review: np.ndarray, tour: np.ndarray) -> list[Touch]:
        return [Touch(day, kind) for day, kind in zip(review, matters, strict=True)] + visits(idle, tour)

    return Twins(shared, mixed(long_ago, lately), mixed(lately, long_ago))


@written("a date that is due", held_out=True, like="second_trial", personas=("saas_founder", "developer"))
def trial_clock(persona: str, rng: np.random.Generator) -> Twins:
    """Two colleagues are in the third week of their trial and a third began today; or theirs lapsed in spring."""
    shared = [*visits("free_trial_start", [rng.uniform(0.3, 2)]), *visits("docs_visit", rng.uniform(0.2, 4, 2))]
    return Twins(
        shared,
        visits("free_trial_start", rng.uniform(45, 100, 2)),
        visits("free_trial_start", rng.uniform(14.5, 19.5, 2)),
    )


@written("a date that is due", held_out=True, calm_days=130.0)
def not_next_month(persona: str, rng: np.random.Generator) -> Twins:
    """Five weeks ago they made it next month rather than next quarter; or next quarter rather than next month."""
    due, early, days = _DUE_OF_TWO[rng.integers(len(_DUE_OF_TWO))]
    form, opening, closing = one_of(_PUT_OFF, rng), one_of(OPENINGS, rng), one_of(CLOSINGS, rng)
    at = rng.uniform(*days)
    shared = visits(COUNTS[persona], rng.uniform(0.2, 1.8, 2))
    alive, dead = (
        form.format(opening=opening, yes=yes, no=no, closing=closing).rstrip()
        for yes, no in ((due, early), (early, due))
    )
    return Twins(shared, [Touch(at, "reply_message", dead)], [Touch(at, "reply_message", alive)])


@written("machines or people", held_out=True, like="bot_opens")
def link_checker(persona: str, rng: np.random.Generator) -> Twins:
    """The firm's mail gateway tests each link of two newsletters, days apart; a reader clicks them one by one."""
    last = rng.uniform(0.2, 0.8)
    earlier = last + rng.uniform(1, 4)
    shared = [Touch(last, "email_click"), *visits(COUNTS[persona], rng.uniform(0.2, 4, 2))]
    bursts = [last + np.cumsum(rng.integers(1, 9, 4)) / 86_400, earlier + np.cumsum(rng.integers(1, 9, 5)) / 86_400]
    return Twins(
        shared,
        visits("email_click", np.concatenate(bursts)),
        visits("email_click", rng.uniform(last + 0.1, last + 4.5, 9)),
    )


@written("outreach since the last own act", held_out=True)
def opens_but_never_answers(persona: str, rng: np.random.Generator) -> Twins:
    """Eight mails after their short answer, opened and left unanswered; or eight mails, and then the short answer."""
    answered = rng.uniform(1.8, 3)
    shared = [Touch(answered, "reply_message", says("neutral", rng)), Touch(rng.uniform(0.05, 0.2), "email_open")]
    shared += visits(COUNTS[persona], answered + rng.uniform(0.1, 1.5, 6)) + visits("outreach_email", [0.3])
    return Twins(
        shared,
        visits("outreach_email", rng.uniform(0.35, answered - 0.1, 7)),
        visits("outreach_email", answered + rng.uniform(3, 40, 7)),
    )


@written("interest before and after a farewell", held_out=True)
def new_owner(persona: str, rng: np.random.Generator) -> Twins:
    """Refused, until a new owner took over: only what was read under the new owner counts."""
    refused = rng.uniform(7, 9)
    took_over = refused - rng.uniform(0.2, 1)
    kind = COUNTS[persona]
    shared = [Touch(refused, "reply_message", says("refuse", rng), "social")]
    shared += [Touch(took_over, "call_note", says("takeover", rng, note=True)), *visits(kind, [rng.uniform(0.2, 1)])]
    return Twins(
        shared,
        visits(kind, refused + rng.uniform(0.3, 4, 5)),
        visits(kind, rng.uniform(1.1, took_over - 0.2, 5)),
    )


@written(
    "fading interest",
    held_out=True,
    like="stale_stuffing",
    personas=tuple(name for name in SECOND if name != "developer"),
)
def one_look_a_month(persona: str, rng: np.random.Generator) -> Twins:
    """One look a month for half a year is a habit; as many looks this week are a project."""
    kind = SECOND[persona]
    shared = visits(kind, [rng.uniform(0.2, 1)])
    monthly = rng.uniform(12, 25) + np.cumsum(rng.uniform(14, 32, 6))
    return Twins(shared, visits(kind, monthly), visits(kind, rng.uniform(1.1, 5, 6)))


@written(
    "persona against kind",
    held_out=True,
    match="balanced",
    decoys={"marketing_manager": "developer", "developer": "marketing_manager"},
)
def bought_webinar_seats(persona: str, rng: np.random.Generator) -> Twins:
    """A list of webinar seats somebody bought: it says much about marketing people and nothing about developers, whom
    the docs tell apart."""
    shared = visits(COUNTS[persona], rng.uniform(0.2, 5, 6))
    return Twins(shared, [], [])
