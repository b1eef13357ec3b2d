"""The sentences of the outreach corpus: families of templates, tones, and what a bot would send.

A family is one way to build a message: how it opens, what it goes on with, how it asks. Whole families are held out, so
that a model can be tested on forms it never saw. Slots in braces are filled from the lead's own facts; outside of them
no template says anything of a lead.
"""

from dataclasses import dataclass

HELD_OUT_FAMILIES = ("context", "permission")


@dataclass(frozen=True)
class Family:
    """One form of message. order: of the parts hook, body, pitch, ask. Hooks need a deed, plain ones need nothing.

    decline holds whole messages that end a conversation, with the slot {reason}.
    """

    order: tuple[str, ...]
    hooks: tuple[str, ...]
    plain: tuple[str, ...]
    asks: tuple[str, ...]
    decline: tuple[str, ...]


_USUAL = ("hook", "body", "pitch", "ask")
FAMILIES: dict[str, Family] = {
    "observation": Family(
        _USUAL,
        ("I saw that you {did} {when}.", "I noticed that {when} you {did}."),
        ("I have not seen much of you yet, so I will keep this open.",),
        ("Would a short call help?", "Is there a question I can answer?"),
        ("I saw that {reason}. I will not write again.",),
    ),
    "thanks": Family(
        _USUAL,
        ("Thank you for your interest: you {did} {when}.", "Thanks for the time you gave {thing} {when}."),
        ("Thank you for leaving us your address.",),
        ("What would you like to see first?", "May I send you a short summary?"),
        ("Thank you for being clear: {reason}. I close the matter here.",),
    ),
    "question_first": Family(
        ("ask", "hook", "body", "pitch"),
        ("I ask because you {did} {when}.", "I ask since {when} you {did}."),
        ("I ask because I know little about your plans.",),
        ("Is this still on your list?", "Could a second opinion be of use?"),
        ("No reply is needed: {reason}, and I respect that.",),
    ),
    "offer": Family(
        _USUAL,
        ("Since you {did} {when}, I put together a short summary.", "You {did} {when}, so I kept some notes for you."),
        ("I put together a short summary of what we do.",),
        ("Shall I send it over?", "Do you want to have a look?"),
        ("As {reason}, I take you off my list. The door stays open.",),
    ),
    "role_first": Family(
        ("body", "pitch", "hook", "ask"),
        ("That is why I write: you {did} {when}.", "It may be why you {did} {when}."),
        ("That is why I write to you.",),
        ("Does that match what you need?", "Is that close to your plans?"),
        ("I understand that {reason}. Thank you for your time.",),
    ),
    "honest": Family(
        _USUAL,
        ("To be open with you, I write because you {did} {when}.", "I will be frank: you {did} {when}, so here I am."),
        ("To be open with you, I know little about you and would rather ask than guess.",),
        ("Is it worth a few minutes of your time?", "Am I right that it matters to you?"),
        ("To be open with you, {reason}, so there is no point in my writing on.",),
    ),
    "reader": Family(
        _USUAL,
        ("You {did} {when}, and I wondered what you made of it.", "What {thing} left open {when}, I can fill in."),
        ("I wondered whether we could be of any use to you.",),
        ("What did you miss?", "Where did it fall short?"),
        ("You need not explain: {reason}. I wish you well.",),
    ),
    "guide": Family(
        _USUAL,
        ("If {thing} left a question open {when}, I can answer it.", "About {thing}, which you came to {when}:"),
        ("If you ever wondered what we do, I can show you.",),
        ("Which part should I go through with you?", "Can I walk you through the rest?"),
        ("I read that {reason}. That is fine, and I leave it there.",),
    ),
    "context": Family(
        ("hook", "pitch", "body", "ask"),
        ("A word on why I write: {when}, you {did}.", "The reason for this note is {thing}, {when}."),
        ("A word on why I write: I would like to know whether we fit.",),
        ("Have I got that right?", "Does the timing suit you?"),
        ("A last word from me: {reason}, and so this is where I stop.",),
    ),
    "permission": Family(
        _USUAL,
        ("You {did} {when}. If this is no use to you, tell me and I stop.", "May it be about {thing}, from {when}."),
        ("If this is no use to you, tell me and I stop.",),
        ("Would you mind if I told you more?", "Do I have your leave to write once more?"),
        ("You have my word that I stop here: {reason}.",),
    ),
}
TRAINING_FAMILIES = tuple(name for name in FAMILIES if name not in HELD_OUT_FAMILIES)

LEADS_IN = {  # what a channel puts before everything else
    "follow_up": ("I am following up on my last note.", "A short follow-up from me.", "Coming back to my last note."),
    "re_engage": ("It has been a while.", "We have not spoken for a while.", "Some time has passed on our side."),
}

# Bodies use one column of the profile each; the pitch is worded for the persona.
BODIES = {
    "persona": ("As {said}, you know what a good list is worth.", "You are {said}, so I will come to the point."),
    "industry": ("In {said}, a first reply is hard to get.", "I know that {said} has rules of its own."),
    "region": ("We can arrange a time that suits {said}.", "That you are in {said} is no obstacle."),
    "tech_stack": ("It works well beside {said}.", "You use {said}, and we have a guide for that."),
    "source": ("You came to us through {said}.", "I am glad that {said} brought you here."),
    "employees": ("For {said} we keep the first step easy.", "It is made so that {said} can start at once."),
    "months_since_funding": ("After {said} there is a lot to do.", "With {said} behind you, time is short."),
}
PITCHES = {
    "saas_founder": "You can try it in an afternoon without talking to anyone.",
    "enterprise_vp": "I can share what your risk and procurement people will ask for.",
    "developer": "The interface is plain, and you can test it from a shell.",
    "marketing_manager": "It shows which campaigns bring people who answer.",
    "ops_manager": "It fits into the tools that you run already.",
    "sales_lead": "It tells your people whom to write to first.",
    "consultant": "You can use it for several clients side by side.",
    "student": "All that you need for learning is open to read.",
}
NO_FIT = "We are not the right fit at this time, and I would rather say so than take up your time."
DECLINE_MORE = ("If that changes, you know where to find me.", "I wish you every success with your plans.")
PITCH = "It tells you which leads are likely to answer."


@dataclass(frozen=True)
class Tone:
    """How a message begins and ends; a casual one contracts its words. courtesy: one more sentence, for long ones."""

    greetings: tuple[str, ...]
    partings: tuple[str, ...]
    courtesy: str
    contracted: bool = False


TONES = {
    "friendly": Tone(("Hi there,", "Hello,"), ("Best wishes", "All the best"), "I am happy to help either way."),
    "formal": Tone(
        ("Good day,", "Dear reader,"), ("Kind regards", "With kind regards"), "I remain at your disposal for questions."
    ),
    "direct": Tone(("Hi,",), ("Thanks", "Regards"), "A yes or a no is all I need."),
    "casual": Tone(("Hey,", "Hey there,"), ("Cheers", "Talk soon"), "No rush, it is up to you.", contracted=True),
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
    "need not": "needn't",
    "will not": "won't",
    "have not": "haven't",
    "That is": "That's",
    "that is": "that's",
    "there is": "there's",
    "I would": "I'd",
}
SUBJECTS = ("about {thing}", "a question on {thing}", "{thing}")
PLAIN_SUBJECTS = ("a short question", "a first hello")

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
