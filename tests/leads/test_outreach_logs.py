"""What a log says: messages that nobody wrote, the answers of mail programs and servers; calls that reached nobody."""

import pytest

from tinyscout.leads.outreach_logs import by_a_machine, was_not_reached

NOBODYS = [
    *("Out of office", "Automatic reply: your note", "Re: Out of Office: back in May", "Abwesenheitsnotiz", "OOO"),
    *(
        "Undeliverable: intro",
        "Delivery Status Notification (Failure)",
        "Mail delivery failed",
        "550 5.1.1 no such user",
    ),
    *(
        "I am out of the office until Monday. Ask Bob.",
        "Ich bin derzeit nicht im B\u00fcro.",
        "R\u00e9ponse automatique : bonjour",
    ),
    *("Hello, I'm on parental leave and have limited access to my email.", "Unzustellbar: Ihre Anfrage"),
]
SOMEBODYS = [
    *("", "I'm on leave, but please send the quote", "Our office is in Ulm", "We are out of stock", "Back on Monday"),
    *("Thanks, I'm interested! I am on vacation until Monday, let's talk then.", "Not interested. I am on leave."),
    *("Delivery of the goods is late", "Thanks!\n> Out of office", "the automatic reply feature does what?"),
]


@pytest.mark.parametrize("text", NOBODYS)
def test_a_machine_wrote_it(text: str) -> None:
    assert by_a_machine(text)


@pytest.mark.parametrize("text", SOMEBODYS)
def test_a_person_wrote_it(text: str) -> None:
    assert not by_a_machine(text)


@pytest.mark.parametrize("text", ["No answer", "left a voicemail", "No-show", "LVM", "was busy", "nicht erreicht"])
def test_nobody_was_there(text: str) -> None:
    assert was_not_reached(text)


@pytest.mark.parametrize("text", ["", "she is busy until May", "feature X is not available", "showed the demo"])
def test_somebody_was_there(text: str) -> None:
    assert not was_not_reached(text)
