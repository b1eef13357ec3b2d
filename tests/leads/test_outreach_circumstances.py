"""What a text says of a lead's circumstances, and what a form was for: a person has to read these first."""

import pytest

from tinyscout.leads.outreach_circumstances import PUT_OFF, circumstance, puts_off
from tinyscout.leads.outreach_deeds import deed_of
from tinyscout.leads.outreach_forms import leaves_by_form, not_to_sell

SAID = {
    "said to have died": [
        "Kunde ist leider verstorben",
        "She passed away in May",
        "has died",
        "Contact has died",
        "he passed in the summer",
        "We are all at his funeral on Friday",
        "Spoke to his wife, he passed on in September. Close file quietly.",
        "est d\u00e9c\u00e9d\u00e9",
    ],
    "said to have left the company": [
        *(
            "He left the company in May",
            "Anna no longer works at Acme",
            "No longer with the company",
            "Has changed jobs",
        ),
        *(
            "He works for Acme now",
            "he moved to Siemens",
            "She has moved to Acme in May",
            "has a new job at Acme",
            "he now works for Acme",
        ),
        *("left our organisation.", "he has retired", "Automatic reply: Ann has left the company, please write to Bob"),
        "Der Ansprechpartner ist nicht mehr im Unternehmen",
        *("Dave is no longer with us.", "My last day at Acme was 3 March", "Automatic reply: her last day was Friday"),
        "Reception says Piotr isn't with them any more, moved to Siemens over the summer.",
        *("Today is my last day at Acme", "Friday is my last working day."),
        *("Saw on LinkedIn: she is now at Sanofi", "Vu sur LinkedIn : Isabelle est chez Sanofi depuis ao\u00fbt."),
        *("Il faut trouver qui a repris son poste", "Who is her successor?"),
    ],
    "said to be in a legal dispute": [
        *("Got a letter from Meyer's lawyers about an invoice", "Legal wants everything to go through them"),
        "All contact must go through our lawyers",
        *("legal dispute, only via our lawyer", "They sued us", "Rechtsstreit", "Kontakt nur \u00fcber den Anwalt"),
        *("has hired a lawyer", "threatens a lawsuit against us", "His lawyer wrote to us, see legal folder."),
        "got a claim letter from his solicitor about invoice 2291. Nobody talks to him until counsel has settled it",
    ],
    "said to be insolvent": [
        "Firm is being wound up, administrators are in. Nobody there to buy anything.",
        *("insolvent", "filed for bankruptcy", "the company has closed", "Insolvenzverfahren"),
        *("Filed for insolvency last week", "In administration since July."),
    ],
    "said to be a test record": ["that's me - dummy entry for the hook, ignore", "Test record", "Testeintrag"],
    "said to write a thesis": [
        *("it is for my master's project", "her master's dissertation", "my PhD dissertation"),
        *("I'm writing my master's thesis and would love to interview you", "f\u00fcr ihre Masterarbeit"),
    ],
    "said to look for a job": [
        *("I would like to apply for the position of sales engineer", "See my CV attached, are you hiring?"),
        "Turns out she's after a job here. CV is with HR.",
        *("my application for your open role", "Bewerbung als Werkstudent", "Speculative application"),
    ],
    "said to be the wrong person": [
        *(
            "You have got the wrong Dave Collins",
            "I think I'm the wrong person for this",
            "wrong contact",
            "Wrong number",
        ),
        *("sorry, this is the wrong department", "falscher Ansprechpartner", "I'm not the right person for this"),
        *("You have the wrong number", "is the wrong person to ask"),
    ],
    "said to be away for long": ["Automatic reply: I am on parental leave until 1 March 2027.", "ist in Elternzeit"],
    "said to be a customer already": [
        *(
            "Already a customer since March",
            "Ist schon Kunde",
            "is already a client",
            "Signed the yearly plan last week.",
        ),
        *(
            "Has signed the contract on paper.",
            "They became a customer of ours last month.",
            "Won! Onboarding next week.",
        ),
        "Paying since March, 14 seats on the team plan. Account owned by Rahel.",
        *("Live on our team plan since June", "they are live with our API", "Live with us since May"),
        *("They are a paying customer since May", "She bought the team plan in October.", "Closed Won"),
    ],
    "said to be left to a colleague": [
        *("Martin takes care of him personally", "please don't touch"),
        *("Do not touch, Petra's account.", "Hands off please", "Please leave her to Petra.", "Off limits."),
        "No outreach please until Petra says so.",
    ],
    "said to be a competitor": [
        *("Competitor - do not pitch", "works for our competitor", "Works at Roomly, our direct competitor"),
        *("He was fishing for our roadmap in the chat", "Don't feed the competition."),
        *("He is with a competitor.", "Product manager of our competitor Roomly."),
    ],
    "said to have agreed on a date": ["Termin am 2.12. ausgemacht", "Meeting agreed for 2 December"],
    "said to have bought elsewhere": [
        *(
            "went with a competitor",
            "chose Initech instead",
            "Lost the deal to a competitor",
            "went with another vendor",
        ),
        *(
            "bound to a competitor until 2028",
            "They inked a three-year deal with another vendor",
            "Went with Skedda ten days ago, signed for three years.",
            "are locked in with a different tool",
        ),
        *("chose a different provider", "are staying with our current supplier"),
        "hat sich f\u00fcr einen anderen Anbieter entschieden",
    ],
    PUT_OFF: [
        *("no budget, revisit in Q2", "Call me in January", "follow up next quarter", "please call back after 3 March"),
        *("nothing before autumn", "check back in a few months", "erst im Herbst wieder", "call us after the summer"),
        *("ring her again on December 1st", "call back on 1 December"),
        *("please hold until then", "hold off on this until April", "we wait until Q3"),
        *("try again in four weeks", "email me after the holidays", "kein Budget"),
    ],
}
NOTHING = [
    *("live demo on our platform", "got the wrong quote", "wrong link in your mail", "apply for the discount"),
    *("his last day off was Monday", "her last day at the fair was busy", "live in our town", "hold the line"),
    *(
        "Competitor analysis specialist, curious about room booking.",
        "paying since they like it",
        "he passed on the file",
    ),
    *("We went live with our new shop, now need your tool", "They are live on our competitor's platform"),
    *("is live on our webinar list", "Wrong number of seats on the quote", "Wrong address on the invoice"),
    *("you have the wrong address on the invoice", "Wrong person in cc, adding my boss who signs"),
    *("You have got the wrong price in the quote", "How does your product handle a job application?"),
    *("Candidates applying for a job upload their CV", "Would like to apply for a reseller role"),
    *("She applied for the admin role in our workspace", "Here is my resume of the meeting: they want a quote"),
    *("Her last day in the office was yesterday, she's back on the 3rd", "my last day at the fair was great"),
    *(
        "our last day of the trial is tomorrow",
        "The ball is no longer with us, they have it",
        "Ann is no longer with us as agency",
    ),
    *("The funeral home wants a quote", "Deepest condolences cards are our best seller", "our master project starts"),
    *("We inked a contract with Deutsche Bank and need more seats", "They inked a deal with our partner"),
    *("committed to our current solution and want 20 seats", "they cannot wait until Q2"),
    *("Please wait until after lunch to call", "Let's wait until March to start the rollout"),
    *("wait until then, I'll send the PO on Friday", "runs the funeral business since 1990"),
    *("the application for macOS", "an application for the team", "locked in a meeting", "my master's degree"),
    *("Don't touch base before Monday", "Connected on LinkedIn, is with us on Thursday", "send a test lead form"),
    *(
        "Found her on LinkedIn, is at the Leeds office",
        "Anna takes care of the office herself",
        "a letter from the bank",
    ),
    *("LinkedIn: is now with the buying team", "took over her team's budget", "works at Acme since 2019"),
    *("the contract has to go through legal", "wants a test account", "helped us beat the competition"),
    *("", "Connected, asked for a quote", "has not left the company", "is a lawyer", "legal services", "met in May"),
    *("The company has closed a round", "If they went bankrupt we would know", "Left a message", "We left for lunch"),
    *("What happens if our budget is cut?", "the deal has died", "went with Ann to the fair", "call in May went well"),
    *("Can we call next?", "uses a competitor", "follow up", "> he left the company", "our battery died"),
    *("hasn't left the company", "Left my business card", "leaving our company's old CRM", "interest has died down"),
    *("the legacy system is retired in June", "contract goes through their lawyers", "wird vom Anwalt gepr\u00fcft"),
    *("law firm, handles lawsuits", "works in administration", "bankruptcy law firm", "shop closed, try Monday"),
    *("hope to be closing business this month", "chose Tuesday instead", "no budget issues, wants to start"),
    *("moved to next week", "She moved to production", "moved to Q3", "he moved to the cloud", "he moved to another"),
    *("Moved to Qualified", "Client moved to HubSpot", "Contact moved to nurture", "he moved to 3pm"),
    *("he passed on the details", "the test passed in May", "he works for us now too", "he now works with our API"),
    *("He passed last time", "she passed last quarter", "Client passed in May", "Follow up on Q3 offer"),
    *("follow up on 2025 budget", "Follow up on May invoice", "he is now with legal"),
    *(
        "has not signed the contract yet",
        "we won't sign",
        "won a prize at the fair",
        "wonderful call",
        "leave it to me",
    ),
    *(
        "They use our competitor today",
        "compares us with a competitor",
        "may become customers",
        "sign the contract first?",
    ),
    *(
        "please leave a message",
        "where can I find your onboarding guide",
        "wants to bring counsel in",
    ),
    *("asked to email him a quote by March", "call me after 15.30", "the battery has died", "no longer at risk"),
]


@pytest.mark.parametrize(("reason", "text"), [(reason, text) for reason, texts in SAID.items() for text in texts])
def test_circumstances_are_heard(reason: str, text: str) -> None:
    assert circumstance(text) == reason
    assert puts_off(text) == (reason == PUT_OFF)


@pytest.mark.parametrize("text", NOTHING)
def test_and_nothing_that_only_looks_like_one(text: str) -> None:
    assert circumstance(text) == "" and not puts_off(text)


LEFT = [
    *("Unsubscribe from newsletter", "Newsletter-Abmeldung", "Cancel my subscription", "Stop emails", "Abmeldung"),
    *("Opt out", "Email unsubscribe form", "Abmeldung vom Newsletter"),
]
NOT_TO_SELL = [
    *("DSGVO-L\u00f6schantrag", "Auskunft nach Art. 15 DSGVO", "Initiativbewerbung", "Support-Anfrage"),
    *(
        "Cancel demo",
        "Complaint",
        "Contact support",
        "Job application",
        "Bewerbung",
        "Student project",
        "Support request",
    ),
    *("Application: Account Executive (m/f/d)", "Apply for: Backend Engineer", "Jobs - initiative application"),
    *("Meeting cancellation", "GDPR request", "Careers", "Returns form", "Press inquiry", "Invoice question"),
]
ORDINARY = {  # what they say that a lead did
    "Book a demo": "asked for a demo",
    "Newsletter signup": "signed up for our newsletter",
    "GDPR guide download": "downloaded our guide",
    "Billing automation ebook": "filled in our form",
    "Kontaktformular": "filled in our contact form",
    **dict.fromkeys(("Mobile application demo", "Forgotten password", "Spam filter demo"), ""),
    **dict.fromkeys(("Webinar-Abmeldung", "Tax returns webinar", "Apply for early access", "Press kit download"), ""),
    **dict.fromkeys(("Apply for a demo", "Application security webinar"), ""),
    "I would like to complain about the support that your colleague gave me": "",
}
FORM = "Form submission"


@pytest.mark.parametrize("name", LEFT)
def test_a_form_to_unsubscribe_by(name: str) -> None:
    assert leaves_by_form(FORM, name, None) and leaves_by_form("FormSubmitted", name, "email")
    assert leaves_by_form(FORM, name, "linkedin") == ("mail" not in name.lower())
    assert not leaves_by_form("Note", name, None)


@pytest.mark.parametrize("name", NOT_TO_SELL)
def test_a_form_that_is_none_to_sell_by(name: str) -> None:
    assert not_to_sell(FORM, name) and not leaves_by_form(FORM, name, None) and not not_to_sell("Note", name)
    assert deed_of("form submission", name) == ""


@pytest.mark.parametrize("name", ORDINARY)
def test_other_forms(name: str) -> None:
    assert not leaves_by_form(FORM, name, None) and not not_to_sell(FORM, name)
    assert deed_of("form submission", name) == (ORDINARY[name] or "filled in our form")
