"""Written families that hardening may use. Each docstring is the story, as a sales person would tell it.

Between them they show every stop, every go and every skill once; what held_out.py asks is to put them together anew.
"""

import numpy as np

from tinyscout.leads.world_texts import BUYING, OPENINGS, OTHERS, twin
from tinyscout.stress.written import BUYERS, COUNTS, IDLE, SECOND, Touch, Twins, one_of, says, visits, written

_DELAYS = {"two weeks": 14, "next month": 30, "next quarter": 91}
_WISHES = (  # {a} wants it and {b} does not
    "{opening}, {a} would like to see the {thing} but {b} would not",
    "{opening}, {a} was after the {thing} while {b} was not",
    "{opening}, by now {b} was not after the {thing} but {a} was",
)
_DUE_OF_TWO = (("two weeks", "next month", 12.5, 19), ("next month", "next quarter", 27, 40))


@written("fading interest")
def stale_stuffing(persona: str, rng: np.random.Generator) -> Twins:
    """Read everything last winter and glanced at it yesterday; the count looks like one who read it all this week."""
    kind = one_of((COUNTS[persona], COUNTS[persona], SECOND[persona]), rng)
    shared, many = visits(kind, [rng.uniform(0.2, 1.5)]), 6 + (kind != COUNTS[persona])
    return Twins(shared, visits(kind, rng.uniform(40, 200, many)), visits(kind, rng.uniform(1.6, 6, many)))


@written("persona against kind", personas=tuple(name for name in BUYERS if name != "enterprise_vp"))
def wrong_persona_enthusiasm(persona: str, rng: np.random.Generator) -> Twins:
    """A busy week on pages that decide nothing for somebody in that job; what matters to them they read last year."""
    matters, idle = COUNTS[persona], one_of(IDLE[persona], rng)
    shared = visits(matters, [rng.uniform(0.2, 2)]) + visits(idle, [rng.uniform(0.2, 2)])
    lately, long_ago = rng.uniform(2.1, 7, 6), rng.uniform(50, 180, 6)
    return Twins(
        shared,
        visits(idle, lately) + visits(matters, long_ago),
        visits(matters, lately) + visits(idle, long_ago),
    )


@written("a date that is due", calm_days=125.0)
def circle_back(persona: str, rng: np.random.Generator) -> Twins:
    """One said "circle back next quarter" a quarter ago and is due now; the other said so last week."""
    name = one_of(tuple(_DELAYS), rng)
    due, early = _DELAYS[name] * rng.uniform(0.95, 1.25), _DELAYS[name] * rng.uniform(0.15, 0.6)
    told = f"{one_of(('please circle back in', 'try us again in', 'the budget opens in'), rng)} {name}"
    kind = one_of(("reply_message", "call_note"), rng)
    texts = (says("neutral", rng), f"{one_of(OPENINGS, rng)}, {told}")
    return _swapped(kind, due, early, *texts, visits(COUNTS[persona], rng.uniform(0.2, 1.8, 2)))


@written("a date that is due", calm_days=60.0)
def not_that_month(persona: str, rng: np.random.Generator) -> Twins:
    """It is not next quarter but next month that suits them, they said five weeks ago; or just the other way round."""
    due, early, least, most = _DUE_OF_TWO[rng.integers(len(_DUE_OF_TWO))]
    opening, at = one_of(OPENINGS, rng), rng.uniform(least, most)
    alive, dead = (
        f"{opening}, it is not {no} but {yes} that suits us" for yes, no in ((due, early), (early, due))
    )  # fmt: skip
    shared = visits(COUNTS[persona], rng.uniform(0.2, 1.8, 2))
    return Twins(shared, [Touch(at, "reply_message", dead)], [Touch(at, "reply_message", alive)])


@written("a date that is due", personas=("saas_founder", "developer"))
def second_trial(persona: str, rng: np.random.Generator) -> Twins:
    """A new trial today, and an earlier one that is in its third week; or one that lapsed months ago."""
    shared = visits("free_trial_start", [rng.uniform(0.3, 2)]) + visits("docs_visit", rng.uniform(0.2, 3, 2))
    shared += visits("email_click", [rng.uniform(0.2, 3)])
    lapsed, ripe = rng.uniform(40, 120), rng.uniform(15, 19)
    return Twins(shared, visits("free_trial_start", [lapsed]), visits("free_trial_start", [ripe]))


@written("who spoke last")
def farewell_or_comeback(persona: str, rng: np.random.Generator) -> Twins:
    """Asked for a contract, then unsubscribed; or unsubscribed, and asked for a contract after all."""
    return _around(Touch(rng.uniform(5, 14), "unsubscribe"), one_of(("want", "praise"), rng), persona, rng)


@written("who spoke last")
def meeting_after_all(persona: str, rng: np.random.Generator) -> Twins:
    """Wanted a demo and then didn't come to it; or missed one call, and then wrote that they want the demo."""
    return _around(Touch(rng.uniform(5, 14), "meeting_no_show"), "want", persona, rng)


@written("who spoke last")
def changed_their_mind(persona: str, rng: np.random.Generator) -> Twins:
    """Said no, and later yes; or said yes, and later no."""
    no, yes = one_of(("refuse", "doubt"), rng), one_of(("want", "praise"), rng)
    return _last_word("reply_message", no, yes, persona, rng)


@written("who spoke last")
def champion_changed_jobs(persona: str, rng: np.random.Generator) -> Twins:
    """The champion left and a new sponsor took over; or a sponsor took over, and it was that one who left."""
    return _last_word("call_note", "left", "takeover", persona, rng)


@written("who spoke last")
def project_with_a_sponsor(persona: str, rng: np.random.Generator) -> Twins:
    """It was somebody's coursework until a director took it over; or a director's plan until it became coursework."""
    return _last_word("call_note", "study", "takeover", persona, rng)


@written("interest before and after a farewell")
def fresh_start(persona: str, rng: np.random.Generator) -> Twins:
    """Unsubscribed and came back for a demo: what they read since then counts, what they read before does not."""
    stop = rng.uniform(6, 11)
    go = stop - rng.uniform(0.2, 1)
    return _since(go, stop, [Touch(stop, "unsubscribe"), Touch(go, "demo_request")], COUNTS[persona], rng)


@written("interest before and after a farewell")
def after_the_apology(persona: str, rng: np.random.Generator) -> Twins:
    """Missed the meeting and said sorry: what they read since then counts, what they read before does not."""
    stop = rng.uniform(6, 11)
    go = stop - rng.uniform(0.2, 1)
    turn = [Touch(stop, "meeting_no_show"), Touch(go, "reply_message", says("apology", rng))]
    return _since(go, stop, turn, COUNTS[persona], rng)


@written("who said not")
def negated_praise(persona: str, rng: np.random.Generator) -> Twins:
    """After the trial: I was convinced but my friend was not; or the other way round, which is no praise at all."""
    trial = [Touch(rng.uniform(14, 20), "free_trial_start")]
    return _reworded("reply_message", "praise", trial, persona, rng)


@written("who said not")
def asked_for_us(persona: str, rng: np.random.Generator) -> Twins:
    """We would like the quote but my neighbour would not; or my neighbour would, and it is we who would not."""
    form, opening, thing = one_of(_WISHES, rng), one_of(OPENINGS, rng), one_of(BUYING, rng)
    lead, friend = "I" if "was" in form else one_of(("we", "I"), rng), f"my {one_of(OTHERS, rng)}"
    at = rng.uniform(0.3, 4)
    wanted, unwanted = (
        form.format(a=a, b=b, opening=opening, thing=thing) for a, b in ((lead, friend), (friend, lead))
    )
    shared = visits(COUNTS[persona], rng.uniform(0.2, 4, 4))
    return Twins(shared, [Touch(at, "reply_message", unwanted)], [Touch(at, "reply_message", wanted)])


@written("what is wanted")
def not_the_newsletter(persona: str, rng: np.random.Generator) -> Twins:
    """They ask for the contract but not the newsletter; or for the newsletter, and please not the contract."""
    return _reworded(one_of(("reply_message", "call_note"), rng), "want", [], persona, rng)


@written("what is wanted")
def who_took_over(persona: str, rng: np.random.Generator) -> Twins:
    """The trainee left and the champion took over; or the champion left, and it is the trainee who took over."""
    return _reworded("call_note", "takeover", [], persona, rng)


@written("machines or people")
def bot_opens(persona: str, rng: np.random.Generator) -> Twins:
    """A mail scanner followed every link within seconds; a person followed as many over some days."""
    last, many = rng.uniform(0.1, 2), rng.integers(7, 11)
    shared = [Touch(last, "email_click"), *visits(COUNTS[persona], rng.uniform(0.2, 4, 2))]
    burst = last + np.cumsum(rng.integers(1, 14, many)) / 86_400
    return Twins(shared, visits("email_click", burst), visits("email_click", rng.uniform(last + 0.1, last + 4, many)))


@written("outreach since the last own act")
def written_to_death(persona: str, rng: np.random.Generator) -> Twins:
    """Nine mails since they last looked, and no sign of life; or nine mails, and then they came and looked."""
    came = rng.uniform(2, 4)
    shared = visits(COUNTS[persona], came + np.array([0.0, *rng.uniform(0.1, 1.5, 5)]))
    shared += visits("outreach_email", [rng.uniform(0.1, 0.3)])
    return Twins(
        shared,
        visits("outreach_email", rng.uniform(0.35, came - 0.1, 8)),
        visits("outreach_email", came + rng.uniform(2, 50, 8)),
    )


@written("a rival's visit that is not old enough", match="none")
def competitor_research(persona: str, rng: np.random.Generator) -> Twins:
    """A competitor's people read every page; or a lead whose account a competitor looked at half a year ago."""
    shared = visits(COUNTS[persona], rng.uniform(0.2, 5, 6))
    recent, old = rng.uniform(60, 112), rng.uniform(128, 180)
    return Twins(shared, visits("competitor_domain_visit", [recent]), visits("competitor_domain_visit", [old]))


@written("students are no buyers", match="none", decoys={"developer": "student", "saas_founder": "student"})
def student_project(persona: str, rng: np.random.Generator) -> Twins:
    """A student reads all the docs for a project; a developer who reads as much is about to buy."""
    return Twins(visits("docs_visit", rng.uniform(0.2, 5, 7)), [], [])


def _swapped(kind: str, first: float, then: float, one: str, other: str, shared: list[Touch]) -> Twins:
    """Two texts at two moments; the decoy says `one` first, the sleeper `other`."""
    return Twins(
        shared,
        [Touch(first, kind, one), Touch(then, kind, other)],
        [Touch(first, kind, other), Touch(then, kind, one)],
    )


def _around(stop: Touch, go: str, persona: str, rng: np.random.Generator) -> Twins:
    """A message with a go before the stop and a neutral one after it; or the go after it."""
    before, after = stop.days + rng.uniform(0.5, 8), stop.days - rng.uniform(0.3, 1.5)
    shared = [stop, *visits(COUNTS[persona], rng.uniform(0.2, 3, 5))]
    return _swapped("reply_message", before, after, says(go, rng), says("neutral", rng), shared)


def _last_word(kind: str, stop: str, go: str, persona: str, rng: np.random.Generator) -> Twins:
    """A go and then a stop; or a stop and then a go."""
    after = rng.uniform(3.5, 8)
    note = kind == "call_note"
    shared = visits(COUNTS[persona], rng.uniform(0.2, 3.3, 5))
    texts = says(go, rng, note=note), says(stop, rng, note=note)
    return _swapped(kind, after + rng.uniform(0.5, 12), after, *texts, shared)


def _since(go: float, stop: float, turn: list[Touch], kind: str, rng: np.random.Generator) -> Twins:
    """Visits before the stop; or as many after the go."""
    shared = [*turn, *visits(kind, [rng.uniform(0.2, 1)])]
    return Twins(shared, visits(kind, stop + rng.uniform(0.3, 5, 5)), visits(kind, rng.uniform(1.1, go - 0.2, 5)))


def _reworded(kind: str, go: str, more: list[Touch], persona: str, rng: np.random.Generator) -> Twins:
    """A sentence of the world with the two words that decide swapped; or as it is."""
    text = says(go, rng, note=kind == "call_note")
    while twin(text) == text:
        text = says(go, rng, note=kind == "call_note")
    at = rng.uniform(0.3, 5)
    shared = [*more, *visits(COUNTS[persona], rng.uniform(0.2, 4, 4))]
    return Twins(shared, [Touch(at, kind, twin(text))], [Touch(at, kind, text)])
