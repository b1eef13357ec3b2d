"""What a text says of a lead's circumstances that makes a message of a machine's out of place.

Somebody has died, has left the company, bought elsewhere, or asked to be written to in spring: none of these is a no,
and a person has to read them first. Heard are only words that hardly mean anything else, in English and, the commonest,
in German, French and Spanish.
"""

import re
from functools import lru_cache

from tinyscout.leads.message_text import folded
from tinyscout.leads.oracle_texts import MEANINGS, read_text

PUT_OFF = "put it off"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b"
)
_SEASON = r"(?:spring|summer|autumn|winter|fall|holidays|new year)"
_NUMBER = r"(?:\d+|two|three|four|five|six|eight|ten|twelve|a few|some|a couple of)"
_WHEN = (
    rf"(?:q[1-4]|h[12]|(?:\d{{1,2}}(?:th|st|nd|rd)?(?: of)? )?{_MONTH}|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}|20\d\d"
    rf"|(?:the )?{_SEASON}|next (?:year|quarter|month|{_SEASON})|{_NUMBER} (?:weeks|months|years)"
    r"|(?:half )?a (?:year|month))"
)
_AGAIN = (  # who is to do what when the time has come
    r"(?:revisit|reconnect|touch base|follow up|(?:circle|come|get|check|call|write|ring|reach)(?: \w+)? (?:back|again"
    r"|out)|(?:call|email|contact|write(?: to)?|ask|try|talk to|speak to) (?:me|us|him|her|them|again))(?: \w+){0,2}?"
)
_ON_A_DAY = rf" on (?:{_MONTH} \d{{1,2}}|\d{{1,2}}\w{{0,2}}(?: of)? {_MONTH}|\d{{1,2}}[./]\d{{1,2}})"
_THEN = rf"(?:(?: (?:in|after|from|not before|of)(?: early| late| mid)?| (?=next )) ?{_WHEN}|{_ON_A_DAY})"
_MONAT = (
    r"(?:januar|februar|marz|april|mai|juni|juli|august|september|oktober|november|dezember|fruhjahr|sommer|herbst"
    r"|winter)"
)
_DAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|tomorrow)"
_FIRM = r"(?:company|firm|business|employer|job|organi[sz]ation)"
_NO_FIRM = (  # where else somebody may have moved to, or a deal in a pipeline
    rf"(?:(?:an?|the|our|your|their|his|her|this|next|it|production|sales|marketing|procurement|hr|finance|another|new"
    rf"|cloud|q[1-4]|nurture|qualified|opportunity|negotiation|proposal|demo|trial|closed|{_MONTH}|{_DAY})\b|\d)"
)
_END = r"(?= ?$|[^\w ']| (?:in|last|this|on|at the end|and|to|for|after|since|by|already|now)\b)"
_PERSON = r"(?:he|she|sadly|who|owner|contact|founder|ceo|customer|client)"
_RIVAL = (
    r"(?:(?:an?|the|your|our|their) )*(?:competitors?|competition|(?:(?:an)?other|different|current|existing|present)"
    r" (?:vendor|supplier|provider|tool|product|solution))"
)
_LAWYER = r"(?:(?:our|their|his|her|my|the|an?) )?(?:lawyers?|attorneys?|solicitors?)"
_SAID: dict[str, tuple[str, ...]] = {  # the reason that a status gives: what says so, folded
    "said to have died": (
        rf"deceased|passed away|{_PERSON} (?:has |had )?(?:\w+ )?died(?! (?:down|out|off|away))|^has died",
        r"(?:he|she|sadly|owner|founder|ceo) (?:has |had )?passed (?:on )?(?:suddenly|in (?:the |early |late )*"
        rf"(?:{_SEASON}|{_MONTH}))",
        r"(?:his|her|the) funeral\b(?! (?:home|director|parlou?r|business|industry|service|sector|compan\w+))"
        r"|(?:my|our|sincere|deepest) condolences(?= ?(?:[^\w ]|$)| (?:to|on|for)\b)",
        r"verstorben|gestorben|verstarb|est decedee?|fallecid[oa]|fallecio|overleden",
    ),
    "said to have left the company": (
        rf"(?:left|leaves|leaving|quit)(?: (?:the|our|your|his|her|their|this|my))? {_FIRM}{_END}",
        r"(?:changed|switched) (?:jobs|employers)|(?:has|got|started) (?:a )?new (?:job|employer) (?:at|with)\b",
        rf"(?:he|she) (?:has )?(?:now )?moved to (?!{_NO_FIRM})\w+{_END}",
        rf"(?:he|she|who) (?:now works (?:for|at) (?!{_NO_FIRM}|us\b)\w+|works (?:for|at) (?!us\b)\w+ now\b)",
        r"(?:is not|isn't) (?:with|at) (?:them|the (?:company|firm)) any ?more\b",
        r"no longer (?:works?|working|employed)\b|no longer (?:with|at) (?!us\b|risk|all|the (?:moment|time))",
        rf"{_PERSON} is (?:sadly |unfortunately )?no longer with us\b(?! as\b)"
        r"|^[\w' ]{2,40} is no longer with us(?=[.!]? ?$)",
        r"(?:my|his|her) last (?:working )?day (?:(?:at|with) (?!the\b|an?\b)\w+ |here )?(?:was|is|will be)\b"
        r"(?! (?:off|busy|long|tough|great|good|fun))",
        r"(?:is|was|will be) (?:my|his|her) last (?:working )?day(?= ?(?:[^\w ']|$)| (?:here|with (?!the\b)"
        r"|at (?!the\b|an?\b)))",
        rf"{_PERSON} (?:is |has )?(?:now )?retired|^(?:has |is )?retired",
        r"moved on to (?!the\b|a\b|an\b|another\b|next\b)\w+|(?:unternehmen|firma|betrieb) (?:\S+ ){0,3}verlassen"
        r"|nicht mehr (?:im unternehmen|in der firma|bei uns|beschaftigt)",
        r"aus (?:dem unternehmen|der firma) ausgeschieden|im ruhestand|a quitte (?:l'entreprise|la societe)",
        r"ne travaille plus|ya no trabaja",
        r"linkedin ?[:,]? (?:[\w']+ ){0,4}?(?:is (?:now )?(?:at|with)|now (?:at|with)|est (?:maintenant )?chez"
        r"|(?:ist |arbeitet )?(?:jetzt |nun )?bei) (?!us\b|nous\b|uns\b)"
        rf"(?!{_NO_FIRM})",
        r"(?:repris|reprend) (?:son|sa) (?:poste|place)|(?:took|taken|takes) over (?:his|her|their) (?:job|role"
        r"|position|desk)|(?:has|find|found|who is) (?:his|her) (?:successor|replacement)\b",
    ),
    "said to be a test record": (
        r"(?:dummy|test) (?:entry|record|lead)s?\b(?! (?:quality|time|form|score))|(?:dummy|test) contact\b"
        r"|testeintrag|testdatensatz|testkontakt",
    ),
    "said to write a thesis": (
        r"(?:my|his|her|our|a|the) (?:master'?s?|bachelor'?s?|phd|doctoral|diploma) (?:thesis|dissertation)"
        r"|(?:my|his|her) (?:master|bachelor)'?s project\b"
        r"|(?:master|bachelor|diplom|doktor)arbeit|memoire de (?:master|fin d'etudes)",
    ),
    "said to look for a job": (
        r"(?:i|i'm|i'd|i am|i would like to|would like to|want to|my) (?:\w+ ){0,2}?(?:apply|applying|applied"
        r"|application) for (?:an?|the|your|this)(?! (?:\w+ )?(?:reseller|partner|admin|beta|user)) (?:\w+ ){0,4}?"
        r"(?:position|role|job|vacancy|internship)\b",
        r"(?:attached|enclosed|sending|send|find|see|here is|attached is)(?: you)? my (?:cv|resume)\b"
        r"(?! (?:of|that|data|parser|template|tool|to your api))|my (?:cv|resume) is (?:attached|enclosed)"
        r"|after a job (?:here|with us)\b|(?:his|her) cv is with\b|cv is with hr\b"
        r"|(?:speculative|unsolicited) application\b|bewerbung (?:als|auf|um)|initiativbewerbung|meinen lebenslauf",
    ),
    "said to be the wrong person": (
        r"(?:got|have|reached|contacted|this is|that is|that's|i am|i'm|it is|it's|is) (?:probably |surely )?(?:the )?"
        r"wrong (?:person|contact|guy|man|woman|number|address|email|department|company|firm)(?= ?(?:[.,;!\n]|$)"
        r"| (?:for|to (?:ask|talk|speak|write))\b)|^wrong (?:person|contact|guy|number|email|address)(?= ?(?:[.!]|$))",
        r"not the right (?:person|contact|guy|one to (?:ask|talk|speak|write))\b",
        r"you (?:have |'ve )?(?:got|reached|want) the wrong (?!time|moment|idea|impression|end|page|link|file"
        r"|version|plan|way|quote|number|data|day|date|price|quantity|currency|attachment|spelling|product|invoice|name"
        r"|address|email|company)[a-z]+ [a-z]+"
        r"(?= ?(?:[.,;!\n]|$))|(?:falscher|der falsche) (?:ansprechpartner|kontakt)",
    ),
    "said to be away for long": (
        r"(?:on|in) (?:parental|maternity|paternity) leave|on (?:a )?sabbatical|in elternzeit|im mutterschutz",
    ),
    "said to be left to a colleague": (
        r"hands off|off limits|(?:do not|don'?t) touch\b(?! base)|no outreach\b",
        r"leave (?:her|him|them|this (?:one|account|contact|lead)) to"
        r" (?!me\b|us\b|you\b)\w+",
        r"takes? care of (?:him|her|them|this (?:one|account|contact|lead)) (?:personally|himself|herself|directly)",
        r"(?:finger|hande) weg\b|no (?:emails?|mails?|messages|contact) (?:please )?(?:until|till|before)",
    ),
    "said to be a customer already": (
        r"(?:signed|countersigned) (?:the|our|an?|their) (?:\w+ ){0,3}?(?:contract|plan|agreement|order|deal"
        r"|subscription)\b",
        r"(?:became|is now|are now|now) (?:an? )?(?:paying )?(?:customer|client)s?\b"
        rf"|paying (?:customer|client)s? (?:of ours|since|now)|paying since (?:{_MONTH}|20\d\d|last)"
        r"|(?:is|are|already) (?:an? )?paying (?:customer|client)",
        r"(?:he|she|they|we|customer|client|who) (?:has |have )?bought (?:our|the|an?) (?:\w+ ){0,3}?"
        r"(?:plan|licen[cs]es?|subscription|seats?)\b|^bought (?:our|the|an?) (?:\w+ ){0,3}?"
        r"(?:plan|licen[cs]es?|subscription)\b",
        r"^won(?=[!.,;]| ?$)|closed won|deal won|won the deal|onboarding (?:starts|started|begins|began|kick ?off|is"
        r" (?:on|planned|booked))",
        r"(?<!we are )(?<!we went )\blive (?:on|with) our (?:\w+ )?(?:plan|api|product|platform|tool|integration"
        r"|software)\b|^live (?:on|with) (?:our|us)\b(?! (?:webinar|demo|event))",
        r"already (?:an? )?(?:customer|client) of (?:ours|us)\b|(?:is|are) already (?:an? )?(?:customer"
        r"|client)s?(?! of)"
        r"|^already (?:an? )?(?:customer|client)|(?:ist|sind) (?:schon|bereits) kunden?\b|bestandskunde",
    ),
    "said to be a competitor": (
        r"^competitor\b(?! (?:analy\w+|research|intelligence|monitoring|comparison|pricing))"
        r"|(?:is|works for) (?:a|our) competitor|do not pitch|^wettbewerber\b",
        r"(?:do not|don'?t) (?:feed|help|tell|inform) the competition\b|(?:fishing|fished|fishes) for our"
        r"|spy(?:ing)? on us",
        r"our (?:direct|main|biggest|closest) competitor"
        r"|(?:is|works?|working|employed|joined|manager|engineer|founder|owner|director|head|ceo|cto|now)"
        r" (?:now )?(?:with|at|for|of|by) (?:a|our|the) competitor",
    ),
    "said to have agreed on a date": (
        r"(?:termin|ruckruf|meeting|call|demo|appointment) (?:\S+ ){0,4}(?:vereinbart|ausgemacht|agreed)\b"
        r"|(?:meeting|call|demo|appointment) agreed (?:for|on)",
    ),
    "said to be in a legal dispute": (
        r"legal (?:dispute|action|proceedings?)|(?:a|our|the|pending) lawsuit|lawsuit (?:against|with|over)",
        rf"litigation with|su(?:ed|es|ing) us|threaten\w* to sue|(?:hired|instructed) {_LAWYER}",
        rf"(?:only|contact|write|communicate) (?:\w+ ){{0,2}}(?:via|through) {_LAWYER}",
        r"(?:contact|communication|correspondence) (?:to |must |has to |should )?(?:goes|go) (?:only )?(?:through|via)"
        rf" (?:legal|counsel|{_LAWYER})\b|(?:legal|{_LAWYER}) wants? (?:everything|all)\b",
        rf"claim letter|letter (?:from|by|of) (?:[\w']+ ){{0,3}}?{_LAWYER}|until (?:\w+ )?counsel\b"
        rf"|{_LAWYER} (?:has |have )?(?:wrote|written|writes|sent|called|contacted|demands?|threatens?)",
        r"rechtsstreit|(?:nur|kontakt) (?:\w+ )?(?:uber|durch) (?:\w+ )?(?:rechts)?anwalt",
    ),
    "said to be insolvent": (
        r"(?:is|are|went|gone|go|going|filed(?: for)?) (?:bankrupt|insolvent)\b|insolvenz\w*|^insolvent\b|insolvency$",
        r"bankruptcy(?! (?:law|court|attorney))|fil(?:ed|es|ing) for (?:insolvency|administration|chapter)",
        r"^in (?:administration|receivership|liquidation)\b|administrators? (?:was|were|has been|have been) appointed",
        r"(?:is|are|went|gone|placed|put|now) in(?:to)? (?:administration|receivership|liquidation)",
        r"(?:went|gone|going) (?:out of business|bust)|konkurs|faillite|quiebra",
        r"(?:company|firm|business) (?:is|was) (?:being )?wound up|administrators? (?:is|are) in\b(?! (?:cc|copy|the))",
        r"(?:company|firm|business|shop) (?:is|has|was|has been) (?:closed|shut)(?: down)?(?= ?(?:[^\w ]|$))",
        r"(?:closed|closing|shut(?:ting)?) (?:down )?(?:the|its|their) (?:doors|business|company|shop)",
    ),
    "said to have bought elsewhere": (
        rf"(?:went|gone|going|go|signed|stay\w*) (?:ahead )?with {_RIVAL}|lost (?:\w+ ){{0,2}}to {_RIVAL}",
        rf"(?:chose|chosen|picked|selected|bought(?: from)?|switched to|decided (?:for|on)) {_RIVAL}",
        r"(?:bound|tied|locked in|contracted|committed|under contract|inked (?:\w+ ){0,4}?(?:deal|contract|agreement))"
        r" (?:to|with|by) (?:(?:an?|the|another|their) )?(?:competitor|competition|(?:other|another|different|existing)"
        r" (?:vendor|supplier|provider|tool))\b",
        rf"went with (?!us\b|{_DAY}|{_MONTH})\w+ (?:\w+ ){{1,3}}ago, signed\b|signed for {_NUMBER} years",
        rf"(?:went with|chose|chosen|picked|selected|bought) (?!{_DAY}|{_MONTH})\w+ instead",
        r"hat sich fur (?!uns\b|sie\b|ein\b|eine\b|das\b|die\b|den\b)\w+ entschieden|(?:fur|mit) (?:einen?|den|einem"
        r"|dem) (?:anderen (?:anbieter|lieferanten)|mitbewerber|wettbewerber)",
    ),
    PUT_OFF: (
        r"(?:no|kein) budget\b(?! (?:issue|problem|constraint|limit|concern|question|cap))",
        r"budget (?:is |was |has been )?(?:frozen|cut|gone|spent|exhausted)",
        rf"{_AGAIN}{_THEN}|(?:not|nothing) (?:\w+ )?(?:before|until|till) {_WHEN}",
        r"(?:do not|don't) (?:contact|call|email|write|disturb) (?:\w+ ){0,3}until",
        rf"(?:please |let's |we |to )(?:hold|wait|pause)(?: off)?(?: (?:it|this|that|on|everything)){{0,2}}"
        rf" (?:until|till) (?:then(?= ?(?:[.!\n]|$))|{_WHEN})(?! to (?:start|begin|launch))",
        rf"^(?:hold|wait)(?: off)?(?: (?:it|this|that|on)){{0,2}} (?:until|till) {_WHEN}",
        rf"(?:erst|wieder) (?:im|in|ab) (?:q[1-4]|{_MONAT})",
    ),
}
_CIRCUMSTANCES = {reason: re.compile(rf"\b(?:{'|'.join(words)})") for reason, words in _SAID.items()}
_TROUBLE = re.compile(  # of a ticket, folded: something of ours does not work for its writer
    r"\b(?:(?:can ?not|can't|could ?n[o']t|unable to|not able to|trouble|problems? (?:with|when)) (?:\w+ ){0,2}?"
    r"(?:log|sign|access|open|connect|reach|download|export|import|upload|reset|pay)\w*"
    r"|(?:nobody|no one|none of \w+)(?: \w+){0,4}? (?:can|could|(?:is|are|was|has been|have been) able to) (?:\w+ )?"
    r"(?:log|sign|access|open|connect|reach)\w*"
    r"|(?:(?:does|did|is|was) not|doesn't|didn't|isn't|wasn't|won't|stopped) (?:work|load|open|start)\w*"
    r"(?! (?:there|here|at)\b)|broken|crash\w*|outage"
    r"|(?:an|the|this|got|get|gets|getting|shows?|throws?|with|by) errors?\b(?! (?:handling|rate))"
    r"|error (?:\d+|message|code|when|in|on)|found (?:a )?bugs?|bug (?:in|with|report)"
    r"|(?:site|page|app|system|server|service|platform|login|it) is down|locked out|refund|overcharged|charged twice"
    r"|(?:log ?in|sign ?in|password|account) (?:problem|issue|fail\w*|broken|locked|reset)"
    r"|funktioniert nicht|geht nicht|defekt\w*|fehlermeldung\w*|kaputt\w*|ne (?:marche|fonctionne) pas|no funciona)\b"
)
_DENIED = re.compile(r"(?:\b(?:no|not|never|nor|cannot|if|in case|unless|nicht|wenn|falls)|n't) (?:\w+ ){0,2}$")


@lru_cache(maxsize=50_000)
def circumstance(text: str) -> str:
    """Why a person has to read a text first, in words of a status: "said to have died"; "" for most texts."""
    said = folded(text)
    return next((reason for reason, words in _CIRCUMSTANCES.items() if _says(words, said)), "")


@lru_cache(maxsize=50_000)
def in_trouble(text: str) -> bool:
    """Whether the text of a ticket says that something does not work: who waits for help is not to be sold to."""
    return _says(_TROUBLE, folded(text))


@lru_cache(maxsize=50_000)
def puts_off(text: str) -> bool:
    """Whether a lead's own words ask to be written to later."""
    return MEANINGS[read_text(text)[0]] == "defer" or circumstance(text) == PUT_OFF


def _says(words: re.Pattern[str], said: str) -> bool:
    """Whether a folded text has one of the words, and doesn't deny it."""
    return any(not _DENIED.search(said[max(0, each.start() - 60) : each.start()]) for each in words.finditer(said))
