"""A plain no and a wish to be left alone are heard in many words, and in nothing that only looks like one."""

import pytest

from tinyscout.leads.refusals import LEAVE_ALONE, NO, refusal, takes_back

ALONE = {
    "English": """Take us off your list please
        Please take me off this mailing list.
        take my name off your distribution list
        Remove me from your database
        Please remove us.
        Could you please remove my email address from your list?
        REMOVE ME
        Blocklisted by legal
        Block-listed
        put her on the block list
        unsubscribe
        Please unsubscribe me
        I want to unsubscribe
        I'd like to opt out
        Do not contact me again.
        DO NOT CONTACT
        Don't e-mail me anymore
        please don\u2019t write to us again
        Not interested, do not call again
        Do not call.
        They asked that we do not call back
        Stop emailing me!
        stop sending me these
        Stop. Stop contacting us or we call a lawyer
        Leave me alone
        No more emails please
        We don't want any more emails
        I do not wish to be contacted
        I'd rather not to be contacted
        We no longer wish to receive your messages
        Please delete my data under GDPR
        I want you to delete everything you hold about me, as Article 17 entitles me to
        I object to the processing of my data for marketing.
        wants no marketing mails from us
        Wants no emails.
        Revoked her consent at the fair.
        lose my number
        he's had it with vendors and wants to be left in peace
        Lads, give it a rest please.
        Never contact us again
        asked to be removed from our list
        Lead has unsubscribed
        On the do-not-contact list
        DNC
        This is spam
        I reported you as spam
        Please cease all communication
        Pls unsubscribe
        I asked you several times to stop
        Piss off
        Fuck off and die
        I would appreciate it if you could remove me from your mailing list
        It would be great if you could stop emailing me
        If you email me again I will report you as spam
        I'd be grateful if you would stop contacting us
        Please do not send me emails
        Do not send emails
        Don't send us messages again
        Do not send emails to this address
        Please do not email this address again
        Please do not email this address.
        No emails please
        No more calls or messages. No emails, please!
        Never email me
        Please never write to us
        Don't contact this person
        Remove me from your contacts
        UNSUBSCRIBE NOW
        Stop immediately!
        Stop the spam
        Please stop all spam
        Do not contact me until further notice
        Don't email me again, I am busy until May
        I'd appreciate it if you did not contact me again
        I opted out of your emails
        She opted out of the mailing list
        Opted out of One to One
        The lead wants to unsubscribe from our newsletter
        I want to unsubscribe from this.
        I don't want calls or emails
        I don't want emails. Email me again and I sue you
        Any further message will be forwarded to our lawyers
        asked us to stop
        Please stop.
        requested removal from the campaign
        requested to be removed
        wants off our list
        Requested no contact
        does not want contact
        I hereby revoke consent
        Go to hell!
        get lost""",
    "German": """Bitte nehmen Sie mich von der Liste
        bitte sehen Sie k\u00fcnftig von weiteren Zusendungen ab
        Wir bitten Sie, von weiteren Mails abzusehen
        Lassen Sie uns in Ruhe
        Keine weiteren E-Mails bitte
        Bitte nicht mehr kontaktieren
        Kontaktieren Sie uns bitte nicht mehr
        L\u00f6schen Sie meine Daten
        m\u00f6chte nicht kontaktiert werden
        Keine Werbung
        Streichen Sie uns aus dem Verteiler""",
    "French": """D\u00e9sabonnez-moi
        merci de ne plus me solliciter
        Merci de me d\u00e9sinscrire
        Ne nous contactez plus
        Retirez-moi de votre liste
        Laissez-nous tranquilles
        Supprimez mes donn\u00e9es
        Arr\u00eatez de m'envoyer des mails""",
    "Spanish": """Quiero darme de baja
        No me escriban m\u00e1s
        No nos contacte m\u00e1s, por favor
        Elim\u00ednenme de su lista
        Deje de escribirme
        D\u00e9jeme en paz""",
    "Dutch": """Schrijf mij uit
        Graag uitschrijven
        Niet meer mailen aub
        Haal ons van jullie lijst
        Laat me met rust
        laat me alsjeblieft met rust""",
    "Italian": """Cancellatemi dalla lista
        Non mi scrivete pi\u00f9
        Smettetela, smettete di scrivermi
        Toglietemi dall'elenco
        Lasciatemi in pace""",
    "Portuguese": """Por favor, remova-me da lista
        N\u00e3o me contactem mais
        Parem de enviar mensagens
        Quero cancelar a minha inscri\u00e7\u00e3o
        N\u00e3o nos liguem mais""",
    "Swedish": """Nej tack, vi \u00e4r inte intresserade. Ta bort mig fr\u00e5n listan.
        H\u00f6r inte av er igen
        Kontakta mig inte mer
        skriv aldrig till oss igen
        Ring mig inte igen
        Mejla mig aldrig mer
        Sluta mejla oss""",
    "Turkish": """\u0130lgilenmiyoruz, l\u00fctfen bir daha yazmay\u0131n""",
    "Russian": "\u041d\u0435 \u0438\u043d\u0442\u0435\u0440\u0435\u0441\u043d\u043e, "
    "\u0431\u043e\u043b\u044c\u0448\u0435 \u043d\u0435 \u043f\u0438\u0448\u0438\u0442\u0435",
    "Polish": """Nie jestem zainteresowany, prosz\u0119 wi\u0119cej nie pisa\u0107""",
}
REFUSALS = {
    "English": """No.
        no
        Nope!
        No thanks
        No, thank you.
        Thanks but no thanks
        Hi Ann, no.
        Hello,
        Not interested
        We are not interested.
        Sorry, we're really not interested in this
        I'm not at all interested
        She isn't interested
        no longer interested
        We have no interest in that
        Zero interest.
        Not of interest to us
        Not for us, sorry
        This is not for our company
        It's not a good fit for us
        Not a fit.
        We'll pass
        I'll pass on this, thanks
        Hard pass
        We don't need it
        we do not want your product
        We have no need for this
        We've decided against it
        We decided not to proceed
        We will not be moving forward
        We must decline
        I respectfully decline
        That's not something we need
        Spoke to her, it's a clear no.
        Thanks for reaching out, but we are not interested
        Not interested, but thanks for asking
        Absolutely not.
        never
        Forget it
        We'd rather not, thanks.
        Thanks, but no.
        No, we are happy with what we have.
        I told you no
        He declined
        Declined.
        She doesn't need it
        does not need our software
        has no need for it
        Will pass
        Hard no
        Asked whether they want a demo: not interested
        Asked if they need help - no interest
        Checked in to see if the timing is better, not interested
        Whether or not we lower the price, not interested
        No. Thanks""",
    "German": """Kein Interesse
        Wir haben kein Interesse
        kein Bedarf, danke
        Nein danke
        Nein.
        Wir sind nicht interessiert
        Das brauchen wir nicht""",
    "French": """Pas int\u00e9ress\u00e9
        pas interesse
        Nous ne sommes pas int\u00e9ress\u00e9s
        Non merci
        Non.
        Aucun int\u00e9r\u00eat
        Nous n'en avons pas besoin""",
    "Spanish": """No me interesa
        No estamos interesados
        No, gracias
        No gracias
        No tenemos inter\u00e9s
        Sin inter\u00e9s""",
    "Dutch": """Geen interesse
        Niet ge\u00efnteresseerd
        Nee, bedankt
        Nee dank je
        Geen behoefte aan""",
    "Italian": """Non mi interessa
        Non siamo interessati
        No grazie
        Nessun interesse""",
    "Portuguese": """N\u00e3o tenho interesse
        N\u00e3o estamos interessados
        N\u00e3o, obrigado
        Sem interesse
        n\u00e3o""",
    "Swedish": """Nej tack
        Vi beh\u00f6ver inte det
        Vi beh\u00f6ver det inte.
        Vi \u00e4r inte intresserade""",
    "Turkish": """\u0130lgilenmiyoruz""",
    "Russian": """\u041d\u0435 \u0438\u043d\u0442\u0435\u0440\u0435\u0441\u043d\u043e
        \u041d\u0435 \u0438\u043d\u0442\u0435\u0440\u0435\u0441\u0443\u0435\u0442""",
    "Polish": """Nie jestem zainteresowany
        Nie jeste\u015bmy zainteresowani""",
}
NEITHER = {
    "English": """No problem, send it
        No problem.
        Not a bad idea
        Not bad at all
        no longer at Acme but ask Bob
        I am no longer with the company
        No worries, talk soon
        No rush, take your time
        No idea, ask our CTO
        No, that works for me
        No questions so far. Send the contract
        No objections from our side
        No need to apologise, send the slides
        No need to call, just send it
        Not yet, give us two weeks
        Why not? Let us talk
        I can't say no to that
        We cannot wait to start
        No. 5 Main Street is the new address
        No thanks needed, happy to help
        no interest rate is that low
        If you are not interested, just tell me
        Not interested? Let me know
        If you'd like me to stop emailing you, say so
        To unsubscribe, click here
        You can unsubscribe at any time
        Unsubscribe | Privacy | Manage preferences
        You receive this because you have not unsubscribed
        It's not that we are not interested, we have no time
        I would not say that we are not interested
        Do not hesitate to contact me
        Don't forget to call me
        Please do not call, email me instead
        Please don't call me before 9
        Don't stop emailing me
        We do not email customers ourselves
        Stop by our booth
        We had to stop the trial for a week
        I'll pass it on to my boss
        We will pass your note on to IT
        I'll pass this on to Bob
        That's not for me to decide
        Does it fit? Not a match for our CRM yet?
        We don't need anything else, send the contract
        How much is it?
        Noted, thanks
        Nothing to add
        None of us knew that, tell me more
        Not only interested, we are thrilled
        not yet interested
        We want to know more
        Take us off the waiting list, we are ready
        Please remove my colleague from the trial
        Let's take this off the table for now
        Send it\n> To unsubscribe reply stop\n> not interested
        Yes please\nOn Mon, 3 Mar 2025 Ann wrote:\nIf not, say not interested. Stop emailing me.
        thanks
        OK
        notable results
        no, please go ahead
        No. Thanks, send it
        Is there no more email support?
        Unsubscribed from a competitor, so we need you
        Could you remove the trial limit?
        Please delete our test account
        We don't want to miss it
        Don't call it a day yet
        That's bad: mails get lost, it won't go away
        Please remove my limit.
        The limits are annoying, remove them
        We don't want to get locked in
        Stop calling it a CRM
        Check its spam folder
        It was marked as spam by our filter, resend it
        Do you contact all leads that way?
        If you want me to stop emailing you, say so
        If you no longer wish to receive emails, tell us
        If you would like to unsubscribe, write to us
        We get non-stop calls from vendors; please send the quote
        You are our one-stop contact
        I don't like calls, write me an email with the price
        I don't like emails, call me
        Please don't email me until January
        Please don't contact me again until the budget is out
        Do not write to us before March
        We do not send emails
        Do not send me emails until Monday
        Don't send emails to Bob, he left
        I got no emails please resend
        No emails please, call me
        You never email me
        We opted out of the old contract, send the quote
        we want to unsubscribe from our current vendor and buy yours
        How do we stop spam with your product?
        Can your filter stop spam
        There is no lack of interest
        It is not for lack of interest, we have no time
        Any further message will be a pleasure
        If you did not contact me, who did
        You may revoke consent at any time
        He declined the call
        asked us to stop by next week
        doesn't want our product yet
        does not want contact details on the form
        requested removal of the old quote
        Asked if they are not interested
        I asked if you are busy, not interested or stuck
        Yes please\n-----Original Message-----\nFrom: Ann\nIf not, say so. Stop emailing me.""",
    "German": """Kein Problem, schicken Sie es
        Keine Sorge
        Nicht schlecht
        Wir haben Interesse
        Falls kein Interesse besteht, sagen Sie Bescheid
        Keine Frage, gern
        Wir nehmen uns Zeit daf\u00fcr
        Lassen Sie uns in Ruhe dar\u00fcber reden
        Ich habe noch keine Mail.
        Wir wollen das nicht verpassen
        Das ist nicht f\u00fcr uns allein
        Nicht nur interessiert, begeistert
        Wir machen keine Werbung
        Noch keine Zeit gehabt""",
    "French": """Pas de probl\u00e8me
        Pas mal du tout
        Pourquoi pas
        Nous sommes int\u00e9ress\u00e9s
        Il ne m'envoie pas la facture
        Pas encore
        Si vous n'\u00eates pas int\u00e9ress\u00e9s, dites-le""",
    "Spanish": """No hay problema
        S\u00ed, me interesa
        No est\u00e1 mal
        No me mand\u00f3 el contrato
        No me enviaron la oferta
        Todav\u00eda no""",
    "Dutch": """Geen probleem
        Niet slecht
        Wij zijn ge\u00efnteresseerd
        Schrijf me even
        Meld mij aan
        Dat is niet meer belangrijk
        Nog niet""",
    "Italian": """Nessun problema
        Non male
        Siamo interessati
        Non mi chiama nessuno
        Non ho bisogno di altro, mandi il contratto
        Non ancora""",
    "Portuguese": """N\u00e3o h\u00e1 problema
        Sem problema
        Tenho interesse
        N\u00e3o me enviou o contrato
        Precisamos tirar nossas d\u00favidas
        Ainda n\u00e3o""",
    "Swedish": """Inga problem
        Vi beh\u00f6ver inte v\u00e4nta, skicka offerten
        Ni h\u00f6r aldrig av er! Vi vill k\u00f6pa
        vi h\u00f6r inte av er, n\u00e4r kommer offerten?
        H\u00f6r inte av er innan jag \u00e5terkommer med budget
        H\u00f6r inte av ert f\u00f6retag
        Ring inte igen f\u00f6re kl 10
        Skriv inte mer \u00e4n n\u00f6dv\u00e4ndigt i avtalet
        Vi vill inte ha uppeh\u00e5ll, skicka avtalet
        Vi beh\u00f6ver inte det stora paketet, bara det lilla
        Det finns inget behov av \u00e4ndringar, vi skriver p\u00e5
        Nej, tack vare er vet vi mer
        Vi \u00e4r intresserade, ta bort priset""",
    "Turkish": """\u0130lgileniyoruz, bir daha yaz\u0131n""",
    "Russian": """\u0418\u043d\u0442\u0435\u0440\u0435\u0441\u043d\u043e, \u043f\u0438\u0448\u0438\u0442\u0435""",
    "Polish": """Jestem zainteresowany, prosz\u0119 pisa\u0107""",
}


def lines(given: dict[str, str]) -> list[str]:
    """The texts of all tongues; a line of eight spaces sets them apart."""
    return [text for texts in given.values() for text in texts.split("\n        ") if text != "Hello,"]


@pytest.mark.parametrize("text", lines(ALONE))
def test_a_wish_to_be_left_alone_is_heard(text: str) -> None:
    assert refusal(text) == LEAVE_ALONE


@pytest.mark.parametrize("text", lines(REFUSALS))
def test_a_plain_no_is_heard(text: str) -> None:
    assert refusal(text) == NO


@pytest.mark.parametrize("text", lines(NEITHER))
def test_what_only_looks_like_a_no_is_none(text: str) -> None:
    assert refusal(text) == ""


def test_greetings_partings_wrapped_lines_and_quotes_change_nothing() -> None:
    assert refusal("Hi Ann,\n\nNo.\n\nBest regards,\nBob Miller") == NO
    assert refusal("No\nBob Miller") == NO and refusal("No.\nSend it to Bob") == ""
    assert refusal("Dear Ann,\nthank you for your note. We are not\ninterested in it.\nKind regards") == NO
    assert refusal("Remove me\nBob") == refusal("Please take us off\nyour list.") == LEAVE_ALONE
    assert refusal("Not interested.\n\nOn Mon, 3 Mar 2025 at 10:00 Ann wrote:\n> shall we talk?") == NO
    assert refusal("") == refusal("  \n") == ""


@pytest.mark.parametrize("long", ["!" * 20_000, "see below " + "." * 5_000, "\n".join(["Ann Miller"] * 5_000)])
def test_a_long_text_of_marks_and_names_is_read_to_its_end(long: str) -> None:
    assert refusal(long) == ""
    assert refusal(f"{long}\nNot interested.\nBest,\nBob") == NO
    assert refusal(f"Stop emailing me{long}") == LEAVE_ALONE


def test_a_no_that_goes_on_with_but_is_for_a_person_to_read() -> None:
    assert takes_back("Not interested in the slides, but send the quote") and takes_back("not interested but Bob is")
    assert not takes_back("Not interested, but thanks") and not takes_back("Thanks but no thanks")


def test_a_body_in_html_is_read_as_its_words() -> None:
    assert refusal("<p>Hello,</p><p>please don&#39;t contact me again.</p>") == LEAVE_ALONE
    assert refusal("<div>No</div>") == refusal("not&nbsp;interested") == NO
    assert refusal("<p>Sounds good!</p><blockquote>unsubscribe me</blockquote>") == ""
    assert refusal("Yes<br>On Mon, Ann <ann@x.com> wrote:<br>stop emailing me") == ""


def test_a_no_below_the_head_of_a_message_is_quoted_only_where_words_stand_above_it() -> None:
    head = "From: Ann <ann@x.com>\nSubject: Re\n\n"
    assert refusal(head + "Please stop emailing me") == LEAVE_ALONE  # a message that was forwarded to the CRM
    assert refusal("On Mon, 3 Feb 2025 Bob wrote:\n> a demo?\n\nStop emailing me") == LEAVE_ALONE
    assert refusal("Thanks!\n\n" + head + "Please stop emailing me") == ""
