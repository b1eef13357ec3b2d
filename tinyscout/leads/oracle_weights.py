"""The constants of the oracle: who is moved by which signal, for how long, and what a profile adds.

Rows and columns are named, so that the world, the attacks and a reader of an explanation speak of the same things.
An unknown name (an edited or foreign value) takes the neutral last entry of each table.
"""

import numpy as np

PERSONAS = (
    "saas_founder",
    "enterprise_vp",
    "developer",
    "marketing_manager",
    "ops_manager",
    "sales_lead",
    "consultant",
    "student",
)
KINDS = (
    "email_open",
    "email_click",
    "outreach_email",
    "pricing_page",
    "docs_visit",
    "security_paper",
    "case_study",
    "webinar",
    "careers_page",
    "social_like",
    "demo_request",
    "free_trial_start",
    "support_ticket",
    "reply_message",
    "call_note",
    "meeting_no_show",
    "unsubscribe",
    "competitor_domain_visit",
)
KIND = {name: code for code, name in enumerate(KINDS)}
PERSONA = {name: code for code, name in enumerate(PERSONAS)}

# Evidence of one signal of age zero, persona by kind; kinds that are not listed weigh nothing by themselves.
_EVIDENCE = {
    #                    founder    vp   devel   mark    ops  sales  consu  stud
    "email_open": (0.03, 0.03, 0.00, 0.03, 0.03, 0.03, 0.00, 0.0),
    "email_click": (0.45, 0.40, 0.40, 0.50, 0.40, 0.50, 0.05, 0.0),
    "pricing_page": (0.60, 0.00, -0.10, 0.10, 0.10, 0.85, 0.05, 0.0),
    "docs_visit": (0.80, -0.25, 0.90, -0.25, -0.10, -0.25, 0.05, 0.0),
    "security_paper": (-0.15, 0.95, -0.15, -0.20, 0.85, -0.20, 0.05, 0.0),
    "case_study": (-0.05, 0.75, -0.15, 0.60, 0.70, 0.10, 0.05, 0.0),
    "webinar": (-0.05, -0.15, -0.20, 0.95, 0.00, 0.60, 0.05, 0.0),
    "careers_page": (-0.10, -0.10, -0.20, -0.10, -0.10, -0.10, -0.10, 0.0),
    "social_like": (0.02, 0.02, 0.00, 0.08, 0.02, 0.05, 0.00, 0.0),
    "demo_request": (1.40, 1.40, 1.00, 1.40, 1.40, 1.40, 0.60, 0.0),
    "free_trial_start": (1.60, 0.20, 1.70, 0.50, 0.90, 0.50, 0.20, 0.0),
    "support_ticket": (0.20, 0.00, 0.40, 0.00, 0.30, 0.00, 0.05, 0.0),
}
EVIDENCE = np.zeros((len(PERSONAS) + 1, len(KINDS) + 1))  # (personas, kinds), the last of each for unknown names
for _kind, _row in _EVIDENCE.items():
    EVIDENCE[:-1, KIND[_kind]] = _row
EVIDENCE[-1] = EVIDENCE[:-1].mean(axis=0)

_HALF_LIFE_DAYS = {
    "email_open": 4.0,
    "email_click": 7.0,
    "pricing_page": 9.0,
    "docs_visit": 11.0,
    "security_paper": 13.0,
    "case_study": 13.0,
    "webinar": 15.0,
    "careers_page": 30.0,
    "social_like": 5.0,
    "demo_request": 16.0,
    "support_ticket": 10.0,
}
HALF_LIFE = np.array([_HALF_LIFE_DAYS.get(kind, 10.0) for kind in KINDS] + [10.0]) * 24.0  # hours

# A trial is worth most in its third week: before, it is still being tried; after, it has lapsed.
TRIAL_BEST_DAYS, TRIAL_WIDTH_DAYS = 17.0, 7.0

# Evidence of a text of age zero and its half-life in days, by meaning; what isn't listed weighs nothing.
TEXT_EVIDENCE = {
    "want": (1.7, 16.0),
    "praise": (1.3, 14.0),
    "takeover": (1.3, 20.0),
    "apology": (0.9, 10.0),
    "question": (0.4, 10.0),
}
# A deferral is due between these multiples of its delay; sooner it is a stop, later it is stale.
DUE_FROM, DUE_UNTIL, DUE_EVIDENCE = 0.85, 1.4, 2.8

# Additive effects of the profile on the logit; a missing or unknown value takes the entry "".
PROFILE_EFFECTS: dict[str, dict[str, float]] = {
    "persona": dict(zip(PERSONAS, (0.35, -0.1, 0.0, 0.15, 0.2, 0.1, -0.4, -0.9), strict=True)),
    "source": {
        "referral": 0.75,
        "partner": 0.4,
        "event": 0.2,
        "webinar_signup": 0.15,
        "organic_search": 0.25,
        "paid_search": -0.05,
        "content_download": -0.25,
        "outbound_list": -0.45,
        "bought_list": -0.9,
    },
    "email_domain_kind": {"company": 0.2, "free": -0.35, "edu": -0.7, "": -0.2},
    "region": {"north_america": 0.1, "western_europe": 0.15, "nordics": 0.3, "latam": -0.15, "apac": -0.1, "mea": -0.2},
    "industry": {
        "software": 0.3,
        "fintech": 0.25,
        "health": 0.1,
        "logistics": 0.1,
        "retail": -0.1,
        "media": -0.05,
        "manufacturing": 0.0,
        "education": -0.35,
        "public_sector": -0.4,
        "energy": -0.15,
        "legal": -0.1,
        "hospitality": -0.3,
        "nonprofit": -0.3,
        "agency": 0.05,
    },
}
