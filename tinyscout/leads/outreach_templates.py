"""The sentences of the outreach corpus: families of openings, questions and endings, tones, channels, and a bot's.

A family is one way to build a message. Whole families are held out, so that a model can be tested on forms it never
saw. Slots in braces are filled from the lead's own facts; outside of them no template says anything of a lead.
"""

from dataclasses import dataclass

HELD_OUT_FAMILIES = ("context", "permission", "why_now")


@dataclass(frozen=True)
class Family:
    """One form of message.

    hooks open with a deed, plain ones with nothing known; asks are its questions; decline holds whole messages that end
    a conversation, with the slot {reason}. ask_first: the question comes before what is known.
    """

    hooks: tuple[str, ...]
    plain: tuple[str, ...]
    asks: tuple[str, ...]
    decline: tuple[str, ...]
    ask_first: bool = False


FAMILIES: dict[str, Family] = {
    "observation": Family(
        (
            "I saw that you {did} {when}.",
            "I noticed that {when} you {did}.",
            "I see in my notes that you {did} {when}.",
        ),
        ("I know little about you so far, so I will keep this open.", "I do not know yet what would be of use to you."),
        ("Would a short call help?", "Is there a question I can answer?", "Is there more you would like to know?"),
        ("I saw that {reason}. I will not write again.",),
    ),
    "thanks": Family(
        ("Thank you for your interest; I saw that you {did} {when}.", "I have not forgotten that you {did} {when}."),
        ("Thank you for a moment of your time.", "Thank you in advance for a moment of your time."),
        ("What would you like to know first?", "May I send you a short summary?", "What would be of use to you now?"),
        ("Thank you for being clear: {reason}. I close the matter here.",),
    ),
    "question_first": Family(
        ("I ask because you {did} {when}.", "I ask since {when} you {did}.", "The reason I ask: you {did} {when}."),
        ("I ask because I know little about your plans.", "I ask since I would rather know than guess."),
        ("May I ask whether you are still looking?", "Could we talk for a moment?", "Is this a good time to talk?"),
        ("No reply is needed: {reason}, and I respect that. I stop here.",),
        ask_first=True,
    ),
    "offer": Family(
        (
            "As you {did} {when}, I gladly offer my help.",
            "You {did} {when}, so I thought I would offer my help.",
            "As you {did} {when}, you may have questions that I can answer.",
        ),
        ("I would like to offer my help, should you need any.", "You may have questions that I can answer."),
        ("Would you like to know more?", "Would more detail help you?", "Shall I send you some more detail?"),
        ("As {reason}, I take you off my list. The door stays open.",),
    ),
    "listener": Family(
        (
            "You {did} {when}, and I would like to hear what you were looking for.",
            "I would like to hear why you {did} {when}.",
        ),
        ("I write to listen more than to tell.", "I would like to hear what you are working on."),
        ("What are you trying to solve?", "What would help you most?", "What matters most to you at the moment?"),
        ("I understand that {reason}. I will not write again.",),
    ),
    "honest": Family(
        (
            "To be open with you, I write because you {did} {when}.",
            "I will be frank: you {did} {when}, and that is why I write.",
            "I write because you {did} {when}.",
        ),
        (
            "To be open with you, I know little about you and would rather ask than guess.",
            "I will be frank: I do not know yet whether I can be of use to you.",
        ),
        ("Would a short talk be worth your time?", "Is this something that matters to you?", "Is now a bad moment?"),
        ("To be open with you, {reason}, so I stop here.",),
    ),
    "reader": Family(
        (
            "You {did} {when}, and I wondered whether any question was left open.",
            "I wondered whether a question was left open when you {did} {when}.",
        ),
        ("I wondered whether we could be of any use to you.", "I wondered what would be of use to you."),
        ("What would you like to know?", "Can I make anything clearer?", "Is there something I can clear up?"),
        ("You need not explain: {reason}. I will not write again.",),
    ),
    "guide": Family(
        (
            "You {did} {when}, and I am glad to take it from there.",
            "Since you {did} {when}, I can pick up where you left off.",
            "I can help you further, as you {did} {when}.",
        ),
        ("If you ever wondered what we do, I can show you.", "I can show you around whenever you like."),
        ("Where shall we begin?", "What shall I show you first?", "Shall I walk you through the next step?"),
        ("I read that {reason}. That is fine, and I leave it there.",),
    ),
    "check_in": Family(
        ("You {did} {when}, and I would like to know where things stand.", "Just a line, as {when} you {did}."),
        ("Just a line to say that I am here.", "Just a line to ask how things are."),
        (
            "How do things stand on your side?",
            "Is there more you need from me?",
            "Is there anything open on your side?",
        ),
        ("Just a line: {reason}, and I leave it there.",),
    ),
    "resource": Family(
        ("As you {did} {when}, I can share more with you.", "You {did} {when}, and there is more I can tell you."),
        ("I can share more with you if you wish.", "There is more I can tell you whenever you like."),
        ("What can I send you that would help?", "May I share a bit more?", "Shall I send you a page or two?"),
        ("I have noted that {reason}, and I take you off my list.",),
    ),
    "short_note": Family(
        ("You {did} {when}. I can help from here.", "I took note that you {did} {when}."),
        ("I will be brief, as I know little about you.", "I can help if you wish."),
        ("Shall we talk?", "Can I help?", "Does a short call suit you?"),
        ("Noted: {reason}. I stop here.",),
    ),
    "context": Family(
        ("A word on why I write: {when}, you {did}.", "The reason for this note is {thing}, {when}."),
        ("A word on why I write: I would like to know whether we fit.",),
        ("Have I got that right?", "Does the timing suit you?"),
        ("A last word from me: {reason}, and so this is where I stop.",),
    ),
    "permission": Family(
        (
            "You {did} {when}. If this is no use to you, tell me and I stop.",
            "With your leave, I come back to {thing}, {when}.",
        ),
        ("If this is no use to you, tell me and I stop.",),
        ("Would you mind if I told you more?", "Do I have your leave to write once more?"),
        ("You have my word that I stop here: {reason}.",),
    ),
    "why_now": Family(
        ("Why I write now: you {did} {when}.", "It is no accident that I write: {when} you {did}."),
        ("Why I write now: somebody has to begin.",),
        ("Is this the right moment?", "Should I try again later on?"),
        ("Why I stop now: {reason}.",),
        ask_first=True,
    ),
}
TRAINING_FAMILIES = tuple(name for name in FAMILIES if name not in HELD_OUT_FAMILIES)
MORE_DEEDS = ("You also {did} {when}.", "And {when} you {did}.", "On top of that, you {did} {when}.")

LEADS_IN = {  # what a channel puts before everything else, each with the words by which it is known
    "linkedin": (
        "I would like to connect.",
        "I hope we can connect here.",
        "I would be glad to connect.",
        "It would be good to connect.",
    ),
    "follow_up": (
        "I am following up on my last note.",
        "A short follow-up to my last note.",
        "Coming back to my last note.",
        "My last note may have come at a bad time.",
    ),
    "re_engage": (
        "It has been a while.",
        "We have not been in touch for a while.",
        "It is a while since we were last in touch.",
        "After a while without a word, I try once more.",
    ),
}
KNOWN_BY = {"linkedin": "connect", "follow_up": "last note", "re_engage": "a while"}
DECLINES = ("not write again", "close the matter", "stop", "off my list", "leave it there", "not the right fit")

# What is said of one column; {said} is its value. Of any other column and kind: its name and value as they are.
BODIES = {
    "persona": (
        "As {said}, you may well be the right person to ask.",
        "As {said}, you will have a view of your own.",
        "Since you work as {said}, I thought I would ask you directly.",
        "I gather that you work as {said}, so you may be the one to ask.",
        "I would value your view as {said}.",
    ),
    "industry": (
        "I know that {said} has rules of its own.",
        "In {said}, trust takes time.",
        "You work in {said}, and I would like to learn what matters there.",
        "Since you work in {said}, your needs may differ from most.",
        "I understand that you work in {said}.",
    ),
    "region": (
        "That you are in {said} is no obstacle to a call.",
        "As you are in {said}, I am happy to go by your clock.",
        "You are in {said}, so tell me when a call suits you best.",
        "From {said}, a call is easy to arrange.",
    ),
    "tech_stack": (
        "I understand that you work with {said}.",
        "You use {said}, so that is where I would begin.",
        "Since you work with {said}, I can keep to what matters there.",
        "You use {said}, which helps me to be specific.",
    ),
    "source": (
        "You came to us through {said}.",
        "I am glad that {said} brought you to us.",
        "It was {said} that led you to us.",
        "We first heard of you through {said}.",
    ),
    "employees": (
        "What suits {said} does not suit everybody, so I would rather ask.",
        "I keep in mind that you work in {said}.",
        "In {said} like yours, time tends to be short.",
        "You are part of {said}, if I am not mistaken.",
    ),
    "months_since_funding": (
        "After {said}, there is a lot to decide.",
        "With {said} behind you, there will be choices to make.",
        "You have {said} behind you, and surely plenty of plans.",
        "I understand that you have {said} behind you.",
    ),
}
OTHER_COLUMNS = (
    "My notes say {point}.",
    "I have this in my notes: {point}.",
    "From my notes: {point}.",
    "I go by what I have: {point}.",
)
OTHER_KINDS = ("My notes show {said}, {when}.", "My notes have {said}, {when}.", "I see {said}, {when}.")
# The place of what the seller says of the product, a sentence of its own (leads/outreach_offer.py): no other template
# says a word of it, so that a message reads well without it, too.
OFFER = "OFFER."

FILLERS = (  # about the note itself: true whoever writes it and whoever reads it
    "If somebody else looks after this, feel free to pass it on.",
    "If the timing is wrong, I am happy to come back later.",
    "If you would rather not hear from me, just say so.",
    "If you need something else from our side, tell me.",
    "You can simply answer this note.",
    "You know best what would help.",
    "There is no need to prepare anything.",
    "There is no hurry on my side.",
    "I would rather ask than guess.",
    "I will keep to what you ask for.",
    "I am glad to answer any questions you have.",
    "A short answer is enough.",
    "A plain no is fine as well.",
    "We can keep this short.",
)
NO_FIT = (
    "We are not the right fit at this time, and I would rather say so than take up your time.",
    "I have looked at it again: we are not the right fit for you.",
    "To save you time: we are not the right fit at present.",
)
DECLINE_MORE = (
    "If that changes, you know where to find me.",
    "I wish you every success with your plans.",
    "There is nothing that you need to do.",
    "You will get no further mail from me.",
    "I am sorry if I took up too much of your time.",
    "I am grateful for the time you took.",
    "I would have liked it to be otherwise, but that is how it goes.",
    "It is good to know where we stand.",
)


@dataclass(frozen=True)
class Tone:
    """How a message begins and ends; a casual one contracts its words. courtesies: more sentences, for long ones."""

    greetings: tuple[str, ...]
    partings: tuple[str, ...]
    courtesies: tuple[str, ...]
    contracted: bool = False


TONES = {
    "friendly": Tone(
        ("Hi there,", "Hello,"),
        ("Best wishes", "All the best"),
        ("I am happy to help either way.", "I hope that all is well with you."),
    ),
    "formal": Tone(
        ("Good day,", "Dear Madam or Sir,"),
        ("Kind regards", "With kind regards"),
        ("I remain at your disposal for questions.", "I thank you for your consideration."),
    ),
    "direct": Tone(("Hi,",), ("Thanks", "Regards"), ("A line is all I need.", "I keep this brief on purpose.")),
    "casual": Tone(
        ("Hey,", "Hey there,"),
        ("Cheers", "Talk soon"),
        ("No rush, it is up to you.", "Whatever works for you works for me."),
        contracted=True,
    ),
    "warm": Tone(
        ("A warm hello,", "Warm greetings,"),
        ("Warmly", "With warm wishes"),
        ("It would make me glad to hear from you.", "Take the time that you need."),
    ),
    "modest": Tone(
        ("Hello, if I may,", "Excuse the note,"),
        ("With respect", "Thank you for reading"),
        ("I may well be wrong about all this.", "I do not want to be in your way."),
    ),
}
CONTRACTIONS = {
    "I am": "I'm",
    "I will": "I'll",
    "I have": "I've",
    "it is": "it's",
    "It is": "It's",
    "you are": "you're",
    "You are": "You're",
    "do not": "don't",
    "does not": "doesn't",
    "need not": "needn't",
    "will not": "won't",
    "have not": "haven't",
    "That is": "That's",
    "that is": "that's",
    "there is": "there's",
    "There is": "There's",
    "I would": "I'd",
}
SUBJECTS = ("about {thing}", "a question about {thing}", "{thing}", "a word about {thing}")
PLAIN_SUBJECTS = ("a short question", "a question for you", "a word from us", "may I ask you something")
DECLINE_SUBJECTS = ("your wish", "a last word", "no further mail")

BOT_OPENINGS = (
    "I hope this email finds you well!",
    "I trust this message finds you in good spirits!",
    "Congratulations on all your amazing success!",
    "I wanted to reach out and touch base.",
)
BOT_BODIES = (
    "Our revolutionary, best-in-class platform empowers teams to unlock unprecedented synergies.",
    "In today's fast-paced digital landscape, businesses like yours need game-changing solutions.",
    "We leverage cutting-edge technology to supercharge your growth and skyrocket your revenue!",
    "Companies just like yours see a 10x return within weeks, guaranteed.",
    "Don't miss out on this exclusive, limited-time opportunity!",
)
BOT_INVENTIONS = (  # said of anybody, true or not
    "I loved how you read our docs in the last day!",
    "It was great to see that you joined our webinar a few days ago!",
    "As {role} in {industry}, you must be struggling with this.",
)
BOT_ASKS = (
    "Are you free for a quick 15-minute call tomorrow? Or does Thursday work better?",
    "Can we hop on a call this week? Who is the right person to talk to?",
    "When can I put 30 minutes on your calendar? Shall I send an invite?",
)
BOT_PARTINGS = ("Looking forward to your prompt response!", "To your success!", "Best!")
