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
        ("I saw that you {did} {when}.", "I noticed that {when} you {did}.", "It caught my eye that you {did} {when}."),
        ("I have not seen much of you yet, so I will keep this open.", "I know little of you so far."),
        ("Would a short call help?", "Is there a question I can answer?", "Does something still stand in the way?"),
        ("I saw that {reason}. I will not write again.",),
    ),
    "thanks": Family(
        ("Thank you for your interest: you {did} {when}.", "Thanks for the time you gave {thing} {when}."),
        ("Thank you for leaving us your address.", "Thank you for a moment of your time."),
        ("What would you like to see first?", "May I send you a short summary?", "What would be of use to you now?"),
        ("Thank you for being clear: {reason}. I close the matter here.",),
    ),
    "question_first": Family(
        ("I ask because you {did} {when}.", "I ask since {when} you {did}.", "The reason: you {did} {when}."),
        ("I ask because I know little about your plans.", "I ask since I would rather know than guess."),
        ("Is this still on your list?", "Could a second opinion be of use?", "Are you still looking?"),
        ("No reply is needed: {reason}, and I respect that. I stop here.",),
        ask_first=True,
    ),
    "offer": Family(
        (
            "Since you {did} {when}, I put together a short summary.",
            "You {did} {when}, so I kept some notes for you.",
            "As you {did} {when}, I have a page that goes on from there.",
        ),
        ("I put together a short summary of what we do.", "I keep a page on what we do and what we do not."),
        ("Shall I send it over?", "Do you want to have a look?", "Would you like to have it?"),
        ("As {reason}, I take you off my list. The door stays open.",),
    ),
    "listener": Family(
        ("You {did} {when}, and I would like to hear why.", "I would like to learn why you {did} {when}."),
        ("I write to listen more than to tell.", "I would like to hear how you go about it today."),
        ("What are you trying to solve?", "What made you look?", "How do you do it today?"),
        ("I understand that {reason}. I will not write again.",),
    ),
    "honest": Family(
        (
            "To be open with you, I write because you {did} {when}.",
            "I will be frank: you {did} {when}, so here I am.",
            "No secret here: you {did} {when}, and that is why I write.",
        ),
        ("To be open with you, I know little about you and would rather ask than guess.", "I will be frank: I guess."),
        ("Is it worth a few minutes of your time?", "Am I right that it matters to you?", "Is now a bad moment?"),
        ("To be open with you, {reason}, so I stop here.",),
    ),
    "reader": Family(
        ("You {did} {when}, and I wondered what you made of it.", "What {thing} left open {when}, I can fill in."),
        ("I wondered whether we could be of any use to you.", "I wondered what would be of use to you."),
        ("What did you miss?", "Where did it fall short?", "Which part was of use to you?"),
        ("You need not explain: {reason}. I will not write again.",),
    ),
    "guide": Family(
        (
            "If {thing} left a question open {when}, I can answer it.",
            "About {thing}, which you came to {when}: I know it well.",
            "I can go through {thing} with you, since you {did} {when}.",
        ),
        ("If you ever wondered what we do, I can show you.", "I can show you around whenever you like."),
        ("Which part should I go through with you?", "Can I walk you through the rest?", "Where shall we begin?"),
        ("I read that {reason}. That is fine, and I leave it there.",),
    ),
    "check_in": Family(
        ("You {did} {when}, and I want to see how it went.", "Just a line, as {when} you {did}."),
        ("Just a line to say that I am here.", "Just a line, without any news to sell."),
        ("How did it go?", "Did you find what you were after?", "Is there more you need from me?"),
        ("Just a line: {reason}, and I leave it there.",),
    ),
    "resource": Family(
        ("For those who {did} {when}, as you did, I keep a list of first steps.", "You {did} {when}; there is more."),
        ("I keep a list of first steps for anybody who is new to this.", "There is a page for those who are new."),
        ("Do you want the list?", "May I share the next page?", "Shall I send you the part that matters?"),
        ("I have noted that {reason}, and I take you off my list.",),
    ),
    "short_note": Family(
        ("You {did} {when}. I can help from here.", "I took note that you {did} {when}."),
        ("We have not met. I can help if you wish.", "I am new to you, and you are new to me."),
        ("Shall we talk?", "Yes or no?", "Is it of interest?"),
        ("Noted: {reason}. I stop here.",),
    ),
    "context": Family(
        ("A word on why I write: {when}, you {did}.", "The reason for this note is {thing}, {when}."),
        ("A word on why I write: I would like to know whether we fit.",),
        ("Have I got that right?", "Does the timing suit you?"),
        ("A last word from me: {reason}, and so this is where I stop.",),
    ),
    "permission": Family(
        ("You {did} {when}. If this is no use to you, tell me and I stop.", "May it be about {thing}, from {when}."),
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
        "A note with my wish to connect.",
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
        "We have not spoken for a while.",
        "A while has passed on our side.",
        "After a while without a word, I try once more.",
    ),
}
KNOWN_BY = {"linkedin": "connect", "follow_up": "last note", "re_engage": "a while"}
DECLINES = ("not write again", "close the matter", "stop", "off my list", "leave it there", "not the right fit")

# What is said of one column; {said} is its value. Of any other column and kind: its name and value as they are.
BODIES = {
    "persona": (
        "As {said}, you know what a good list is worth.",
        "You are {said}, so I will come to the point.",
        "I write to you as {said}.",
        "You work as {said}, and time is what you lack.",
    ),
    "industry": (
        "In {said}, a first reply is hard to get.",
        "I know that {said} has rules of its own.",
        "You work in {said}, where trust comes slowly.",
        "For {said} we keep things simple.",
    ),
    "region": (
        "We can arrange a time that suits {said}.",
        "That you are in {said} is no obstacle.",
        "From {said} you can reach us at any hour.",
    ),
    "tech_stack": (
        "It works well beside {said}.",
        "You use {said}, and we have a guide for that.",
        "With {said} the first step is a small one.",
    ),
    "source": (
        "You came to us through {said}.",
        "I am glad that {said} brought you here.",
        "It was {said} that led you to us.",
    ),
    "employees": (
        "For {said} we keep the first step easy.",
        "It is made so that {said} can start at once.",
        "In {said} every hour counts.",
    ),
    "months_since_funding": (
        "After {said} there is a lot to do.",
        "With {said} behind you, time is short.",
        "You have {said} behind you, and plans ahead.",
    ),
}
OTHER_COLUMNS = (
    "My notes say {point}.",
    "I have you down with {point}.",
    "What I know of you is {point}.",
    "I go by what I have: {point}.",
)
OTHER_KINDS = ("My notes show {said}, {when}.", "I have {said}, {when}, in my notes.", "There is {said} {when}.")

FILLERS = (  # about us and about the note: true whoever reads it
    "You can try it in an afternoon without talking to anyone.",
    "I can share what risk and procurement people tend to ask for.",
    "The interface is plain, and you can test it from a shell.",
    "It shows which campaigns bring people who answer.",
    "It fits into the tools that you run already.",
    "It tells a team whom to write to first.",
    "You can use it for several clients side by side.",
    "It tells you which leads are likely to answer.",
    "Nothing has to be installed for a first look.",
    "What it says of a lead, it also explains.",
    "Your data stays with you.",
    "A first look takes an hour at most.",
    "It is small, and it does one thing.",
    "If it does not suit you, I will say so.",
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
    "What we have of you can be deleted on a word from you.",
    "I am grateful for the time you took.",
    "I would have liked it to be otherwise, but that is how it goes.",
    "Nobody else from our side will come back to you on this.",
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
        ("I am happy to help either way.", "I hope that your week goes well."),
    ),
    "formal": Tone(
        ("Good day,", "Dear reader,"),
        ("Kind regards", "With kind regards"),
        ("I remain at your disposal for questions.", "I thank you for your consideration."),
    ),
    "direct": Tone(("Hi,",), ("Thanks", "Regards"), ("A line is all I need.", "I keep this brief on purpose.")),
    "casual": Tone(
        ("Hey,", "Hey there,"),
        ("Cheers", "Talk soon"),
        ("No rush, it is up to you.", "I am around most days."),
        contracted=True,
    ),
    "warm": Tone(
        ("A warm hello,", "Hello and welcome,"),
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
    "It has": "It's",
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
SUBJECTS = ("about {thing}", "a question on {thing}", "{thing}", "a word on {thing}")
PLAIN_SUBJECTS = ("a short question", "a first hello", "a word from us", "is this of use")
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
