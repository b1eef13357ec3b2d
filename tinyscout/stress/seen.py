"""Written families that hardening may use. Each docstring is the story, as a sales person would tell it."""

import numpy as np

from tinyscout.leads.world_texts import twin
from tinyscout.stress.written import COUNTS, IDLE, Touch, Twins, says, visits, written

_DELAYS = {"two weeks": 14, "next month": 30, "next quarter": 91}


@written("fading interest")
def stale_stuffing(persona: str, rng: np.random.Generator) -> Twins:
    """Read everything last winter and glanced at it yesterday; the count looks like one who read everything this
    week."""
    kind = COUNTS[persona]
    shared = visits(kind, [rng.uniform(0.2, 1.5)])
    return Twins(shared, visits(kind, rng.uniform(70, 200, 6)), visits(kind, rng.uniform(1.6, 7, 6)))


@written("persona against kind", personas=("saas_founder", "developer", "marketing_manager", "sales_lead"))
def wrong_persona_enthusiasm(persona: str, rng: np.random.Generator) -> Twins:
    """A busy week, but on pages that decide nothing for somebody in that job; what matters to them they read last
    year."""
    matters, idle = COUNTS[persona], IDLE[persona][rng.integers(len(IDLE[persona]))]
    shared = visits(matters, [rng.uniform(0.2, 2)]) + visits(idle, [rng.uniform(0.2, 2)])
    lately, long_ago = (rng.uniform(2.1, 8, 6), rng.uniform(60, 180, 6))
    return Twins(
        shared,
        visits(idle, lately) + visits(matters, long_ago),
        visits(matters, lately) + visits(idle, long_ago),
    )


@written("a date that is due", calm_days=125.0)
def circle_back(persona: str, rng: np.random.Generator) -> Twins:
    """One said "circle back next quarter" a quarter ago and is due now; the other said so last week."""
    name = list(_DELAYS)[rng.integers(len(_DELAYS))]
    due, early = _DELAYS[name] * rng.uniform(0.95, 1.25), _DELAYS[name] * rng.uniform(0.15, 0.6)
    opening = ("hello", "honestly", "quick update")[rng.integers(3)]
    told = f"{opening}, {('please circle back in', 'try us again in', 'the budget opens in')[rng.integers(3)]} {name}"
    other = says("neutral", rng)
    shared = visits(COUNTS[persona], rng.uniform(0.2, 1.8, 2))
    return Twins(shared, _messages((due, other), (early, told)), _messages((due, told), (early, other)))


@written("who spoke last")
def farewell_or_comeback(persona: str, rng: np.random.Generator) -> Twins:
    """Asked for a contract, then unsubscribed; or unsubscribed, and asked for a contract after all."""
    farewell = rng.uniform(6, 12)
    before, after = farewell + rng.uniform(0.5, 8), farewell - rng.uniform(0.5, 2)
    want, other = says("want", rng), says("neutral", rng)
    shared = [Touch(farewell, "unsubscribe"), *visits(COUNTS[persona], rng.uniform(0.2, 3, 4))]
    return Twins(shared, _messages((before, want), (after, other)), _messages((before, other), (after, want)))


@written("who said not")
def negated_praise(persona: str, rng: np.random.Generator) -> Twins:
    """After the trial: "I was convinced but my friend was not"; or the other way round, which is no praise at all."""
    praise = _with_twin("praise", rng)
    shared = [Touch(rng.uniform(14, 20), "free_trial_start"), *visits(COUNTS[persona], rng.uniform(0.2, 4, 4))]
    at = rng.uniform(0.3, 6)
    return Twins(shared, _messages((at, twin(praise))), _messages((at, praise)))


@written("what is wanted")
def not_the_newsletter(persona: str, rng: np.random.Generator) -> Twins:
    """They ask for the contract but not the newsletter; or for the newsletter, and please not the contract."""
    want = _with_twin("want", rng)
    shared = visits(COUNTS[persona], rng.uniform(0.2, 4, 4))
    at = rng.uniform(0.3, 4)
    return Twins(shared, _messages((at, twin(want))), _messages((at, want)))


@written("who spoke last")
def champion_changed_jobs(persona: str, rng: np.random.Generator) -> Twins:
    """The champion left and a new sponsor took over; or a sponsor took over, and it was that one who left."""
    after = rng.uniform(4, 8)
    before = after + rng.uniform(1, 12)
    left, takeover = says("left", rng, note=True), says("takeover", rng, note=True)
    shared = visits(COUNTS[persona], rng.uniform(0.2, 3.5, 4))

    def notes(first: str, then: str) -> list[Touch]:
        return [Touch(before, "call_note", first), Touch(after, "call_note", then)]

    return Twins(shared, notes(takeover, left), notes(left, takeover))


@written("machines or people")
def bot_opens(persona: str, rng: np.random.Generator) -> Twins:
    """A mail scanner followed every link within seconds; a person followed as many over some days."""
    last = rng.uniform(0.2, 0.8)
    shared = [Touch(last, "email_click"), *visits(COUNTS[persona], rng.uniform(0.2, 4, 2))]
    burst = last + np.cumsum(rng.integers(2, 12, 8)) / 86_400
    return Twins(shared, visits("email_click", burst), visits("email_click", rng.uniform(last + 0.1, last + 4.5, 8)))


@written("outreach since the last own act")
def written_to_death(persona: str, rng: np.random.Generator) -> Twins:
    """Nine mails since they last looked, and no sign of life; or nine mails, and then they came and looked."""
    came = rng.uniform(2.5, 4)
    shared = visits(COUNTS[persona], came + np.array([0.0, *rng.uniform(0.1, 2, 5)]))
    shared += visits("outreach_email", [rng.uniform(0.1, 0.3)])
    return Twins(
        shared,
        visits("outreach_email", rng.uniform(0.35, came - 0.1, 8)),
        visits("outreach_email", came + rng.uniform(3, 50, 8)),
    )


@written("interest before and after a farewell")
def fresh_start(persona: str, rng: np.random.Generator) -> Twins:
    """Unsubscribed and came back for a demo: what they read since then counts, what they read before does not."""
    farewell = rng.uniform(7, 9)
    shared = [Touch(farewell, "unsubscribe"), Touch(farewell - rng.uniform(0.2, 1), "demo_request")]
    shared += visits(COUNTS[persona], [rng.uniform(0.2, 1)])
    kind = COUNTS[persona]
    return Twins(
        shared,
        visits(kind, farewell + rng.uniform(0.3, 4, 5)),
        visits(kind, rng.uniform(1.1, farewell - 1.2, 5)),
    )


@written("a rival's visit that is not old enough", match="none")
def competitor_research(persona: str, rng: np.random.Generator) -> Twins:
    """A competitor's people read every page; or a lead whose account a competitor looked at half a year ago."""
    shared = visits(COUNTS[persona], rng.uniform(0.2, 5, 6))
    return Twins(
        shared,
        visits("competitor_domain_visit", [rng.uniform(60, 112)]),
        visits("competitor_domain_visit", [rng.uniform(128, 180)]),
    )


@written("students are no buyers", match="none", decoys={"developer": "student", "saas_founder": "student"})
def student_project(persona: str, rng: np.random.Generator) -> Twins:
    """A student reads all the docs for a project; a developer who reads as much is about to buy."""
    shared = visits("docs_visit", rng.uniform(0.2, 5, 7))
    return Twins(shared, [], [])


def _messages(*said: tuple[float, str]) -> list[Touch]:
    return [Touch(days, "reply_message", text) for days, text in said]


def _with_twin(meaning: str, rng: np.random.Generator) -> str:
    """A sentence that says the opposite when the two words that decide are swapped."""
    while True:
        text = says(meaning, rng)
        if twin(text) != text:
            return text
