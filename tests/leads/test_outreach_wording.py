"""Values of any CRM in English sentences: with their article, in small letters, or not at all."""

import pytest

from tinyscout.leads.outreach_facts import Fact
from tinyscout.leads.outreach_values import clean
from tinyscout.leads.outreach_wording import is_institution, worded


@pytest.mark.parametrize(
    ("about", "value", "said"),
    [
        ("Country", "Netherlands", "the Netherlands"),
        ("Country/Region", "United States", "the United States"),
        ("country", "UK", "the United Kingdom"),
        ("Country", "Germany", "Germany"),
        ("Industry", "COMPUTER_SOFTWARE", "software"),
        ("Industry", "HOSPITAL_HEALTH_CARE", "health care"),
        ("Industry", "LEGAL_SERVICES", "legal services"),
        ("Industry", "RETAIL", "retail"),
        ("Industry", "Health Care", "health care"),
        ("industry", "agency", "the agency business"),
        ("industry", "fintech", "fintech"),
        ("Industry", "NONPROFIT_ORG", None),
        ("Industry", "Other", None),
        ("Industry", "Banking & Insurance", "Banking & Insurance"),
        ("Industry", "IT", "IT"),
        ("Lifecycle segment", "MARKETING_QUALIFIED", None),
        ("Persona", "Marketing Manager", "a marketing manager"),
        ("Role", "Student", None),
        ("Persona", "Marketing Lead", None),
        ("persona", "saas_founder", "a founder"),
        ("Job title", "Sales Ops", None),
        ("Original Source", "Referrals", "a referral"),
        ("Lead Source", "Direct Traffic", None),
        ("Lead Source", "Google", "Google"),
        ("Lead Source", "webinar_signup", None),
        ("Lead Source", "Trade Show", "a trade show"),
        ("Lead Source", "Organic Search", "a search"),
        ("Lead Source", "Olark Chat", None),
        ("Lead Source", "Email Marketing", None),
        ("source", "PPC", None),
    ],
)
def test_a_value_is_worded_or_left_out(about: str, value: str, said: str | None) -> None:
    found = worded(Fact(about, value, clean(value)))
    assert (found.said if found else None) == said
    assert not found or (found.about, found.value) == (about, value)


@pytest.mark.parametrize(
    ("about", "value", "found"),
    [
        ("industry", "education", True),
        ("Industry", "Higher Education", True),
        ("Sector", "NONPROFIT_ORGANIZATION_MANAGEMENT", True),
        ("industry", "public_sector", True),
        ("industry", "software", False),
        ("Industry", "Health, Wellness and Fitness", True),
        ("job title", "Head of Education", False),
    ],
)
def test_a_college_is_no_company(about: str, value: str, found: bool) -> None:
    assert is_institution(Fact(about, value, value)) == found
