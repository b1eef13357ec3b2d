"""A plain no, and a wish to be left alone, in the words of a text: English by patterns, other tongues by common forms.

Heard are only words that hardly mean anything else. What is not heard is no yes: a person reads it. Sentences that put
a case ("if you are not interested", "to unsubscribe, click here"), questions ("not interested?") and lines quoted from
an earlier message are nobody's no, nor are idioms ("no problem, send it", "not a bad idea").
"""

import re
from functools import lru_cache

from tinyscout.leads.message_text import folded

LEAVE_ALONE, NO = "leave alone", "no"
"""What a text may be: a wish for no more messages, which wants no answer, and a no, which may have a polite one."""

# Texts are looked at folded (leads/message_text.py).
_OTHERS_DO = "".join(rf"(?<!\b{who} )" for who in ("we", "i", "they", "who", "people", "users", "customers"))
_END_OF_IT = r"(?= ?(?:[^\w ']|$)| (?:please|now|asap)\b)"
_ME_OR_OURS = r"(?:me|us|him|her|them|(?:my|our|this) \w+(?: \w+)?)"
_A_LIST = (
    r"(?: (?!waiting|wait)\w+){0,3} (?:lists?|contacts|records?|database|mailings?|crm|system|campaign|sequence"
    r"|cadence)\b"
)
_LATER = (  # "until January" is no wish for ever
    r"(?![^.!?,;\n]{0,60} (?:until|till)\b(?! further))(?!(?: (?:to|me|us|him|her|them|it|here|again|any ?more))*"
    r" (?:before|between|during|yet|today|tomorrow)\b)"
)
_INSTEAD = (  # "write me an email" after "no calls" only names another way
    r"(?!.{0,200}(?:[,;:.]|\b(?:but|just|only|so)) ?(?:(?:please|but|just|rather) )*(?:(?:email|mail|write|message|text"
    r"|send|drop)(?: to)? (?:me|us|it|an?|the|your)|(?:call|phone|ring) (?:me|us))\b(?! again| and))"
)
_SOMEBODY_ELSE_S = (  # "unsubscribe from our vendor", "opted out of the old contract"
    r"(?! (?:from|of) (?!you\b|your|us\b|all|any|every|one to one\b|(?:it|this|these)(?= ?(?:[^\w ']|$))"
    r"|(?:\w+ ){0,4}?(?:lists?|e?mails?|mailings?|newsletters?|messages?|communications?|contact|marketing|outreach"
    r"|calls?|campaigns?|sequences?|cadences?)\b))"
)
_MESSAGES = r"(?:e?mails?|messages?|newsletters?|spam|texts)"
_LEGAL = r"(?:lawyers?|attorneys?|legal|police|authorities|regulator|spam|harassment)"
_ENGLISH_LEAVE = (
    rf"{_OTHERS_DO}(?:do not|don'?t) (?:ever )?(?:contact|email|mail|write|message|text|disturb|approach|bother|spam)"
    rf"{_LATER}(?= (?:to )?(?:me|us|him|her|them|it|here)\b| again| any ?more| any longer| back|[^\w ']| ?$"
    r"| (?:to )?this (?:\w+ )?(?:address|person|mailbox|inbox|account|contact|lead|company)(?= again| any ?more"
    r"| any longer| ?(?:[.!;\n]|$)))",
    rf"{_OTHERS_DO}(?:do not|don'?t) (?:ever )?(?:call|phone|ring|reach out)(?: to)?"
    r"(?= (?:me|us|him|her|them)\b(?! (?:before|after|until|till|on|between|during|today|tomorrow|this|yet|by|unless))"
    r"| again| any ?more| back|[^\w ']| ?$)(?!.{0,200}\b(?:email|write|message|text|send)\b)",
    r"(?:do not|don'?t) (?:ever )?(?:send|forward) (?:me|us|him|her|them) (?:any|an? ?more|more|anything|this|these"
    r"|your)",
    r"(?:it|great|grateful|better|nice|appreciated) if you (?:did not|didn't|would not|wouldn't) (?:ever )?(?:contact"
    rf"|email|mail|write(?: to)?|message|text) (?:me|us)\b{_LATER}",
    rf"{_OTHERS_DO}(?:do not|don'?t) (?:ever )?send (?:(?:me|us|him|her|them) )?{_MESSAGES}\b{_LATER}{_INSTEAD}"
    r"(?! to (?!me|us|this|here))",
    rf"(?:(?:please|pls|just) |(?<![\w',] ))never (?:ever )?(?:contact|email|mail|write to|message|text) (?:me|us)"
    rf"{_END_OF_IT}",
    r"never (?:ever )?(?:contact|email|mail|write(?: to)?|call|message|text) (?:(?:me|us|him|her|them) )?(?:again"
    r"|any ?more"
    r"|directly)",
    r"(?:do not|don'?t|doesn'?t|no longer|not) (?:want|wish|like|care) (?:to (?:be (?:contacted|called|emailed"
    r"|on your)|receive"
    r"|hear from|get (?:any|more|your|these|emails?|messages?))|(?:any |you |your )*(?:more |further )?(?:emails?"
    r"|mails?"
    rf"|messages?|calls?|newsletters?|contact{_END_OF_IT})\b"
    rf"{_INSTEAD})",
    r"(?:prefer|rather|like) not to (?:be (?:contacted|called|emailed)|receive|hear)",
    r"(?:ask|asks|asked|told) (?:\w+ ){0,4}?(?:do not|don'?t|not to) (?:contact|email|mail|write|call|message)"
    r"(?= (?:me|us|him|her|them|again|any ?more|back)\b| ?(?:[^\w ']|$))",
    r"(?:must|should|wants?|asked|asks) not (?:to )?be (?:contacted|called|emailed|written to)",
    r"(?<!do not )(?<!don't )(?<!dont )(?<!never )(?<!not )stop (?:emailing|mailing|writing|calling|contacting"
    r"|messaging|texting|spamming|bothering|harassing|pestering)\b(?! (?:it|this|that|them)\b)",
    r"(?<!do not )(?<!don't )(?<!dont )stop sending (?:me|us|these|this|your|any|out|spam|emails?|messages?)\b",
    rf"{_OTHERS_DO}(?<!non )(?<!one )stop (?:all |the |these |your |this )*(?:emails?|mails?|messages?|calls?|outreach"
    r"|contact)\b",
    r"(?:(?:please|pls|just|and) |(?<![\w'] ))stop (?:all |the |your |this )*spam\b",
    r"no (?:more|further) (?:marketing |sales )?(?:emails?|mails?|messages?|calls?|contact|spam|newsletters?)"
    r"(?! (?:needed|necessary|support))\b",
    rf"no {_MESSAGES},? (?:please|pls|plz)(?= ?(?:[^\w ']|$)){_INSTEAD}",
    rf"(?:take (?:me|us) (?:off|out)|remove (?:me|us)){_END_OF_IT}|(?:remove|strike) (?:\w+ )?from{_A_LIST}",
    rf"take {_ME_OR_OURS} (?:off|out)(?: of)?{_A_LIST}|remove {_ME_OR_OURS} from{_A_LIST}",
    r"(?:remove|delete|erase) (?:all )?(?:my|our) (?:email|address|data|details|contact|info\w*|personal|records?"
    r"|number)|(?:delete|erase|remove) (?:everything|all|any (?:data|information)|whatever|the data|all data)"
    r" (?:that )?you (?:hold|have|keep|store|know|saved)|(?:article|art\.?) (?:17|21)\b"
    r"|object to (?:the |any |your )*(?:processing|use) of (?:my|our)",
    r"(?:wants?|wish(?:es)?) no (?:more |further )?(?:marketing |sales |advertising )?(?:e?mails?|mailings?|messages?"
    r"|newsletters?|contact)\b|(?:revoked?|revokes|withdr[ae]ws?|withdrew|withdrawn) (?:my|our|his|her|their|the|all)"
    r" consent\b"
    r"|(?:i|he|she|they) (?:hereby |now |has |have )*(?:revoked?|revokes|withdr[ae]ws?|withdrew|withdrawn) consent\b",
    r"(?:please|pls|plz|kindly|just) unsubscribe|unsubscribe (?:me|us|him|her|them|my|our)\b"
    rf"|(?:wants?|wish(?:es)?|like|asked|asks|need|trying) to (?:(?:unsubscribe|opt out)\b{_SOMEBODY_ELSE_S}"
    r"|be (?:removed|taken off|left alone))"
    rf"|(?<!n't )(?<!not )(?<!never )\b(?:unsubscribed|opted out)\b{_SOMEBODY_ELSE_S}"
    r"|opt (?:me|us) out",
    rf"request\w* (?:removal|deletion|to be (?:removed|deleted|left alone)|no (?:more |further )?contact)"
    rf"(?:(?= from\b)|{_END_OF_IT})|wants? off (?:the|our|your|this|all) (?:\w+ )?(?:lists?|mailings?|database)\b",
    r"leave (?:me|us|him|her|them) (?:alone|in peace)|(?:asks?|asked|wants?) to be left (?:alone|in peace)"
    r"|give it a rest\b|lose (?:my|our|this) (?:number|email)",
    r"(?:on|to) (?:the|our|your) (?:dnc|do not (?:call|contact|email)|suppression|black) ?list"
    r"|(?<!not )(?<!longer )(?<!never )(?:black|block) ?listed by (?:legal|compliance|management|us|the boss)"
    r"|^(?:black|block) ?listed$"
    r"|(?:put|added|(?:he|she) is|they are) (?:him |her |them )?(?:on|to) (?:the |our |your )?block ?list\b",
    r"dnc|gdpr (?:erasure|deletion|removal)|right to be forgotten|cease and desist"
    r"|cease (?:all |any )?(?:communications?|contact|emails?)|(?:asked|told) (?:you|us|me) (?:\w+ ){0,3}to stop"
    r"(?! (?:by|in|over|at)\b)",
    r"(?:report|reported|reporting|mark|marked|marking|flagged) (?:you|this|it|them|your \w+) (?:as |for |to )?"
    r"(?:spam|abuse)\b|(?:this|that|it)(?: is|'s) (?:just |pure |unwanted )?(?:spam|harassment)\b(?! (?:filter|folder))"
    r"|(?:any|all|every) (?:further|more|other|future) (?:\w+ ){1,2}(?:will|shall) (?:\w+ ){1,4}"
    rf"{_LEGAL}\b"
    r"|you(?: a|'?)re (?:all )?(?:a )?(?:spamm\w+|scamm\w+)",
    r"(?:piss|fuck|bugger|sod) (?:the \w+ )?(?:off|you)|go (?:to hell|fuck yourself)|told (?:me|us) to get lost"
    r"|hung up on (?:me|us)|hat aufgelegt|(?:please|just) (?:go away"
    r"|get lost)"
    r"|screw you|drop dead|shut up|get the (?:hell|fuck) out|assholes?|bastards|morons?",
)
_ENGLISH_NO = (
    r"(?<!if )not (?:(?:at all|really|currently|all that|that|very|remotely|in the least|even) )*interested"
    r"(?! (?:yet|only|just)\b)",
    r"(?:isn't|aren't|wasn't|isnt|arent|weren't) (?:(?:really|currently|at all) )?interested(?! (?:yet|only|just)\b)",
    r"no longer interested|uninterested|(?:no|zero|lost"
    r"|(?<!no )(?<!not a )(?<!n't a )(?<!not for )lack of) (?:\w+ )?interest(?! (?:rates?|charges?|payments?"
    r"|free)\b)",
    r"not of interest|of no (?:use|interest|relevance)|not relevant (?:to|for) (?:me|us)",
    r"no,? ?(?:but )?(?:thanks|thank you|thank u|thx|ty)(?! (?:needed|necessary|required|to)\b)",
    r"not (?:really )?for (?:me|us|our (?:company|team|business|firm))(?! to\b)",
    r"not (?:a |the )?(?:good |right )?(?:fit|match)(?= ?(?:[^\w ']|$)| (?:for|at|right)\b)",
    r"not (?:something|anything|what) (?:i|we)(?: a|')?(?:m|re)? ?(?:need|want|looking for|look for|interested)",
    r"(?:i|we|he|she|they)(?:'ll| will|'d rather| would rather| have to| must) (?:have to )?pass"
    r"(?= on (?:this|that|it)\b(?! to)| for now| this time| thank| ?(?:[^\w ']|$))|hard pass",
    r"(?:do not|don'?t|does not|doesn'?t) (?:need|want|require) (?:it|this|that|you|us|one|any|anything|any of"
    r" (?:it|this))(?= ?(?:[^\w ']|$)| (?:thank|at all|from you|any ?more|now|right)\b)",
    r"(?:do not|don'?t|does not|doesn'?t) (?:need|want|require) (?:your|such|another|a new) \w+",
    rf"(?:does not|doesn'?t) (?:need|want|require) our \w+{_END_OF_IT}",
    r"(?:have|has|got|see|sees|is) no (?:need|use)\b(?= for (?:it|this|that|your|such|a )| ?(?:[^\w ']|$))",
    r"(?:have |has |'ve )?(?:decided|chose|chosen) (?:against|not to (?:go|proceed|move|continue|buy|use|pursue))",
    r"(?:will not|won't|not going to|not gonna|cannot|can't) (?:be )?(?:proceed|proceeding|buy|buying|moving forward"
    r"|going ahead|going forward|pursu\w+)\b",
    r"(?:i|we)(?:'ll| will| must| have to| would like to| respectfully| politely| kindly)* decline\b"
    rf"|(?:he|she|they) (?:has |have )?(?:declined|refused){_END_OF_IT}"
    r"|declined (?:our|the|your|my) (?:offer|proposal|invitation)|(?:respectfully|politely) declin\w+",
    r"(?:i|we)(?:'d| would) rather not(?= ?(?:[^\w ']|$))|(?:thanks?|thank you|sorry),? (?:but )?no(?= ?(?:[^\w ',]"
    r"|$))",
    r"no,? (?:thanks,? )?(?:i|we)(?: a|')(?:m|re) (?:happy|fine|good|all set|satisfied|covered|ok)\b|no means no",
    r"(?:said|says|told (?:me|us|you)|answered|answer is|it'?s a|is a) (?:a )?(?:clear |firm |hard |definite "
    r"|definitive )?no"
    r"(?= ?(?:[^\w ']|$))",
)
_OTHER_LEAVE = (
    # German
    rf"lass(?:en|t)? ?(?:sie )?(?:mich|uns) (?:bitte )?in (?:ruhe|frieden){_END_OF_IT}|verpiss\w*|arschloch"
    r"|(?:will|mochte|wollen) (?:nichts mehr von|keinen kontakt)|hat sich abgemeldet"
    r"|nicht (?:mehr )?(?:kontaktiert|angeschrieben|angerufen) werden|nicht (?:mehr )?(?:anschreiben"
    r"|kontaktieren|anmailen)\b|leck(?:t|en)? mich|haut? ab|newsletter abbestellen|(?:mich"
    r"|uns) (?:bitte )?(?:abmelden|austragen)",
    r"(?:streich\w*|entfern\w*|losch\w*) (?:sie )?(?:bitte )?(?:mich|uns|meine|unsere)\b"
    r"|(?:meld\w*|trag\w*) (?:sie )?(?:mich|uns) (?:bitte )?(?:ab|aus)\b",
    r"(?:aus|von) (?:der|dem|ihrer|ihrem|eurer|eurem|deiner|deinem) (?:mail\w* ?)?(?:liste|verteiler|datenbank)\b",
    r"(?:bitte keine (?:weiteren? |werbe ?)*|keine weiteren? )(?:emails?|mails?|nachrichten|anrufe|werbung)\b"
    r"|keine (?:werbe ?)?(?:emails?|mails?|nachrichten|anrufe|werbung) mehr|keine kontaktaufnahme",
    r"(?:nicht (?:mehr|wieder|weiter)|nie (?:mehr|wieder)) (?:kontaktier\w+|anschreib\w+|anruf\w+|schreib\w+|belast\w+)"
    r"|(?:kontaktier\w+|schreib\w*|ruf\w*) (?:sie )?(?:mich|uns|mir) (?:bitte )?(?:nicht|nie) (?:mehr|wieder|an)\b",
    r"(?:von|auf) (?:\w+ ){0,2}(?:zusendung|zuschrift|mail|email|nachricht|anschreiben)\w* (?:\w+ )?(?:ab(?:zu)?sehen"
    r"|(?:zu )?verzichten)|sehen sie (?:\w+ ){0,3}von (?:\w+ ){0,2}(?:zusendung|zuschrift|mail|email|nachricht)\w*"
    r" ab\b",
    # French
    r"(?:desabonne\w*|desinscri\w+|retire[zr]?|supprime[zr]?|enleve[zr]?) (?:moi|nous|mon|ma|mes|nos|notre)\b"
    r"|(?:me|nous) (?:desabonner|desinscrire|retirer de)|laisse[zr]? (?:moi|nous) tranquilles?",
    r"ne (?:(?:plus )?(?:me|nous) |m')(?:re)?(?:contacte[rz]|ecri(?:vez|re)|appele[rz]|envoye[rz]|sollicite[rz]"
    r"|lance[rz]|demarche[rz])\b"
    r"|plus (?:jamais )?de "
    r"(?:vos )?(?:mails|emails|messages|courriels)\b|arret(?:ez|er|e) (?:de |d')(?:me |nous |m')?(?:envoy|ecri|spam)\w+"
    r"|va te faire|foutez|fous moi|connards?|allez au diable",
    # Spanish
    r"(?:denme|deme|denos|dame|darme|darnos) de baja|(?:elimin|borr|quit|saqu|retir)\w*(?:me|nos) de\b"
    r"|(?:borr|elimin)\w* (?:mis|nuestros|mi|nuestro) (?:datos|correo|email|numero)",
    r"no (?:me|nos) (?:vuelvan? a (?:contactar|escribir|llamar)|(?:contacte|escriba|llame|moleste)[ns]?\b"
    r"|(?:envie|mande)n? (?:mas|nada)\b)",
    r"dej(?:a|e|en|ad) de (?:escribir|llamar|contactar|enviar|mandar|molestar)\w*|dej(?:a|e|en)(?:me|nos) en paz"
    r"|vete a la|vayanse a la|gilipollas",
    # Dutch
    r"schrijf (?:mij|me|ons) (?:aub )?uit|meld (?:mij|me|ons) (?:aub )?af|(?:graag|wil) (?:me |mij )?(?:uitschrijven"
    r"|afmelden)"
    r"|haal (?:mij|me|ons|mijn \w+) (?:aub )?(?:van|uit|weg)|verwijder (?:mij|me|ons|mijn|onze)\b",
    r"(?:van|uit) (?:de|uw|jullie|je) (?:mail\w*|verzend)? ?(?:lijst|bestand)\b|laat (?:me|mij|ons)"
    r" (?:alsjeblieft |alstublieft |aub )?met rust|rot op"
    r"|val dood|klootzak\w*",
    r"(?:niet|nooit) meer (?:te )?(?:mailen|emailen|bellen|contacteren|benaderen|schrijven)"
    r"|geen (?:e?mails?|berichten|telefoontjes|reclame) meer",
    # Italian
    r"(?:cancell|rimuov|toglie|disiscriv|elimin)\w*(?:mi|ci)\b|(?:cancell|rimuov|elimin)\w+ (?:il mio|i miei|i nostri)",
    r"non (?:mi|ci) (?:contatt(?:ate|i|are)|scriv(?:ete|a|ere)|chiam(?:ate|i|are)|mand(?:ate|i)|invi(?:ate|i)"
    r"|disturb(?:ate|i))\b|smett\w+ di (?:scriver|chiamar|mandar|inviar|contattar)\w+",
    r"basta (?:email|mail|messaggi)|lasci(?:ate|a|)(?:mi|ci) in pace|vaffanculo|stronz[oi]",
    # Portuguese
    r"descadastr\w+|(?:remova|remover|retire|tire|exclua)m? (?:me|nos|(?:o )?(?:meu|nosso) (?:email|contato|nome"
    r"|numero))\b"
    r"|me (?:remova|retire|tire|exclua)m?\b|cancelar (?:a )?(?:minha |nossa )?(?:inscricao|subscricao)",
    r"nao (?:me|nos) (?:contat[ea]|contact[ea]|escreva|ligue|incomode|envie|mande)m?\b|(?:me|nos) deixe?m? em paz"
    r"|parem? de (?:me |nos )?(?:envi|escrev|lig|mand|contat|contact|incomod)\w+",
    r"vai se foder|vao se foder|va a merda|vai a merda",
    # Swedish, Turkish, Russian, Polish
    r"(?<![a-z] )hor (?:inte|ej|aldrig) av (?:er|dig)\b(?= igen| mer|[.!,;\n]|$)"
    r"|(?<![a-z] )(?:kontakta|skriv|ring) (?:inte|ej|aldrig) (?:till )?(?:mig|oss) (?:mer|igen)\b"
    r"(?! (?:an|fore|innan)\b)|ta bort (?:mig|oss)\b"
    r"|(?:kontakta|mejla|maila|ring) (?:mig|oss) (?:inte|ej|aldrig)\b(?! (?:fore|innan|an)\b)"
    r"|sluta (?:mejla|maila|kontakta|ringa|skicka"
    r"|skriva)",
    r"bir daha (?:yazma|arama|mail atma|mesaj atma|rahatsiz etme)y[i\u0131]n",
    r"(?:\u0431\u043e\u043b\u044c\u0448\u0435 )?\u043d\u0435 (?:\u043f\u0438\u0448\u0438\u0442\u0435"
    r"|\u0437\u0432\u043e\u043d\u0438\u0442\u0435"
    r"|\u0431\u0435\u0441\u043f\u043e\u043a\u043e\u0438\u0442\u0435)(?: (?:\u043c\u043d\u0435"
    r"|\u043d\u0430\u043c))? \u0431\u043e\u043b\u044c\u0448\u0435"
    r"|\u0431\u043e\u043b\u044c\u0448\u0435 \u043d\u0435 (?:\u043f\u0438\u0448\u0438\u0442\u0435"
    r"|\u0437\u0432\u043e\u043d\u0438\u0442\u0435|\u0431\u0435\u0441\u043f\u043e\u043a\u043e\u0438\u0442\u0435)",
    r"(?:wiecej nie|nie) (?:pisac|pisz|piszcie|dzwonic|kontaktowac) wiecej|wiecej nie (?:pisac|pisz|dzwonic"
    r"|kontaktowac)",
)
_OTHER_NO = (
    r"kein(?:e|en|erlei)? (?:weiteren? |weiteres |aktuellen )?(?:interesse|bedarf)|(?<!wenn )nicht (?:mehr "
    r"|weiter )?interessiert"
    r"|ohne interesse|hat (?:uns |mir |leider )*abgesagt(?= ?(?:[^\w ']|$))|nein,? ?(?:danke|vielen dank)",
    r"(?:brauchen|benotigen|wollen|mochten) (?:wir |ich )?(?:das |es |so etwas )?nicht(?= ?(?:[^\w ']|$))"
    r"|interessiert (?:mich|uns) nicht(?= ?(?:[^\w ']|$))"
    r"|(?:passt|ist) (?:leider )?nichts? fur (?:uns|mich)(?= ?(?:[^\w ']|$))",
    r"pas (?:du tout |vraiment )?(?:interess(?:e|ee|es|ees|ant)|d'interet)\b|aucun interet|non,? ?merci|sans interet",
    r"(?:n'en avons|n'en ai) pas besoin|(?:n'avons|n'ai) pas besoin de (?:vos|votre|ce|cela)|ne (?:m'"
    r"|nous )?interesse(?:nt)? pas|ca ne (?:m'|nous )interesse",
    r"no (?:me|nos|le|les) interesa\w*|no (?:estoy|estamos|esta|estan) interesad\w+|no,? ?(?:muchas )?gracias"
    r"|sin interes",
    r"no (?:tengo|tenemos|hay|tiene|tienen) (?:ningun )?interes|no lo (?:necesito|necesitamos|queremos|quiero)",
    r"geen (?:enkele )?(?:interesse|behoefte|belangstelling)|niet (?:meer )?geinteresseerd|nee,? ?(?:dank|bedankt)",
    r"non (?:mi|ci|gli|le) interessa\w*|non (?:sono|siamo|e) (?:piu )?interessat\w|nessun interesse|no,? ?grazie",
    r"non (?:ne )?(?:abbiamo|ho) bisogno(?= ?(?:[^\w ']|$))",
    r"(?:nao|sem) (?:tenho |temos |ha |tem )?interesse|nao (?:estou|estamos|esta) interessad\w"
    r"|nao,? ?(?:muito )?obrigad\w",
    r"(?:vi|jag) (?:behover (?:det |detta )?(?:inte|ej)(?: det| detta)?|vill (?:inte|ej) ha(?: det| detta)?)"
    r"(?= ?(?:[^\w ']|$))|inget behov(?= ?(?:[^\w ]|$))"
    r"|nej,? ?tack(?! vare)|(?:inte|ej) intresserad\w*|inget intresse|ilgilenmiyor\w*|ilgimi[sz]?i? cekmiyor",
    r"\u043d\u0435 \u0438\u043d\u0442\u0435\u0440\u0435\u0441\u043d\u043e"
    r"|\u043d\u0435 \u0438\u043d\u0442\u0435\u0440\u0435\u0441\u0443\u0435\u0442|nie (?:jestem"
    r"|jestesmy) zainteresowan\w+",
    r"nao (?:me|nos) interessa|nao (?:preciso|precisamos|queremos|quero)(?= ?(?:[^\w ']|$))",
)
_OTHER_BARE_NO = r"nein|auf keinen fall|niemals|non|jamais|pas du tout|nunca|nee|nooit|mai|nao"
_BARE_NO = (  # a whole message
    r"no|nope|nah|nay|no no|no way|never|never ever|not a chance|no chance|absolutely not|definitely not|certainly not"
    rf"|pass|{_OTHER_BARE_NO}|not for me|not for us|forget it"
    r"|sorry,? no|no,? sorry|no[.,]? never|(?:has )?(?:declined|refused)|(?:will|has) pass(?:ed)?"
    r"|(?:it'?s )?(?:an? )?hard no"
)
_BARE_LEAVE = (
    r"(?:please |pls )?(?:stop|stop it|stop this|unsubscribe|opt out|remove|remove me|remove us)"
    r"(?: (?:now|immediately|asap|at once))?"
    r"|abmelden|austragen|desinscription|baja"
    r"|uitschrijven|cancellami|dnc|spam|go away|get lost|leave|keine werbung"
)

_LEAVE = re.compile("|".join(rf"\b(?:{each})" for each in (*_ENGLISH_LEAVE, *_OTHER_LEAVE)))
_NO = re.compile("|".join(rf"\b(?:{each})" for each in (*_ENGLISH_NO, *_OTHER_NO)))
_NOT_ENGLISH = re.compile("|".join(rf"\b(?:{each})" for each in _OTHER_NO))
_WHOLE = {LEAVE_ALONE: re.compile(_BARE_LEAVE), NO: re.compile(_BARE_NO)}
_ONE_THING = re.compile(  # a no that names what it is to, up to the next mark or joint
    r"(?:(?:\bnot|n't) (?:(?:really|at all|so|very) )?interested in|\bno interest in|\bno need for"
    r"|\b(?:do not|don'?t|does not|doesn'?t) (?:need|want)) (?!(?:it|this|that|these|you|us|me|to|any\w*|what\w*"
    r"|(?:your|the|our|such an?|an?) (?:product|offer|service|solution|tool|company|software)s?)\b)"
    r"[^.,;:!?\n]{2,50}?(?=[.,;:!?\n]| but | and |$)"
)
_WISH = re.compile(
    r"(?<!not )(?<!n't )\b(?:wants?|needs?|would like|'d like|prefers?|(?:is|are|am|'m|'re) looking for"
    r"|ask(?:s|ed)? for|interested in|go for|please send|send us|send me)\b"
    r"(?! (?:no|nothing|none|not|you|us|me|to (?!see|have|get|try|buy|know|discuss|talk about)|it (?:gone|off)))"
    r"|(?<!not )(?<!n't )\b(?:may|might|could|would) (?:work|fit|suit)\b"
)
_TAKEN_BACK = re.compile(  # "not interested in the slides, but send the quote"
    r"\bbut\b(?! (?:thank|good luck|all the best|i appreciate|we appreciate|i wish|we wish|keep up|no)|[^\w ])"
)
_CASE = re.compile(  # in front of a no, in its sentence: it puts a case, or denies the no
    r"\b(?:if|in case|in the event|should you|whether(?! or not)|unless|wenn|falls|sofern|en caso|indien|caso|mocht)\b"
    r"|^(?:si|se|als) |[,;] (?:si|se|als) |\b(?:not that|not because"
    r"|(?:not|never) (?:say|said|saying|mean|think|thought)|not true)\b|n't (?:say|saying|mean|think)\b"
)
_MAY = re.compile(  # in front of a wish to be left alone: what somebody may do, says the sender
    r"\b(?:if (?:you|they|he|she)(?: ever)? ?(?:(?:do not|don't|would|'d|no longer) )?(?:want|wish|prefer|like"
    r"|rather)|if you"
    r" no longer|in case|should you|unless|not the (?:[\w'.]+ ){1,4}who (?:has |had )?"
    r"(?:opted|unsubscribed|asked|wants?)|wenn sie|falls|si vous|se non|indien u|caso nao)\b"
)
_ASKED_THEM = re.compile(  # "asked if they need help, not interested" puts no case
    r"\b(?:asked|checked|called|rang|phoned|followed up)\b[^.!?\n,:;]{0,40}? (?:if|whether) (?!you\b)[^.!?\n,:;]*[,:;]"
)
_WRAPPED = re.compile(r"(?<!\n)\n(?!\n)")  # within a paragraph
_END = re.compile(r"[.!?\n]")
_GREETING = re.compile(
    r"^(?:(?:hi|hello|hey|dear|hallo|bonjour|hola|ciao|ola|sehr geehrter?|guten tag|good (?:morning|afternoon))"
    r"(?: [\w'.]+){0,3}?[,.!\n]\s*)"
)
_SIGN_OFF = re.compile(
    r"[\s,.!-]*\b(?:best|best regards|kind regards|regards|cheers|thanks|thank you|sincerely|thx|br|sent from my \w+"
    r"|mit freundlichen grussen|viele grusse|lg|mfg|cordialement|merci|danke|saludos|gracias|groeten|bedankt|saluti"
    r"|grazie"
    r"|obrigad[oa]|please|bitte)\b[,.!]*(?:\n[\w' .\n]{1,60})?$"
)
_NAMES = re.compile(r"(?:\n[A-Z][\w'-]*(?: [A-Z][\w'-]*){0,2})+\s*$")  # who signs without a word of parting


@lru_cache(maxsize=50_000)
def refusal(text: str) -> str:
    """LEAVE_ALONE, NO, or "" for a text that plainly says neither."""
    said = folded(text)
    whole = folded(_less(_NAMES, text.strip()))
    if _says(_LEAVE, said, _MAY) or _is(LEAVE_ALONE, whole):
        return LEAVE_ALONE
    if wants_another(text):
        return ""
    return NO if _says(_NO, said, _CASE, asked=False) or _is(NO, whole) else ""


@lru_cache(maxsize=50_000)
def is_foreign(text: str) -> bool:
    """Whether a text says no in another tongue than English."""
    said = folded(_less(_NAMES, text.strip()))
    return bool(_NOT_ENGLISH.search(said) or re.fullmatch(_OTHER_BARE_NO, _bare(said)))


@lru_cache(maxsize=50_000)
def wants_another(text: str) -> bool:
    """Whether a text turns one thing down and wishes for another: "not interested in the free plan, wants enterprise".

    What is left of it without the no must hold the wish, and no other no.
    """
    said = folded(text)
    rest = _ONE_THING.sub(" ", said)
    return rest != said and bool(_WISH.search(rest)) and not (_LEAVE.search(rest) or _NO.search(rest))


@lru_cache(maxsize=50_000)
def takes_back(text: str) -> bool:
    """Whether a text with a no in it goes on with "but ...", so that what it means is for a person to read."""
    return bool(_TAKEN_BACK.search(folded(text)))


def _says(pattern: re.Pattern[str], said: str, case: re.Pattern[str], *, asked: bool = True) -> bool:
    """Whether a sentence has the pattern and doesn't only put a case; asked: questions count, too."""
    for whole in {said, _WRAPPED.sub(" ", said)}:
        for found in pattern.finditer(whole):
            near = max(0, found.start() - 300)  # a longer sentence is looked at no further, nor behind its no
            start = max(near, *(whole.rfind(mark, near, found.start()) + 1 for mark in ".!?\n"))
            end = _END.search(whole, found.end(), found.end() + 300)
            case_end = found.end() if asked else found.start()  # "no longer wish" may itself follow "if you"
            before = _ASKED_THEM.sub("", whole[start:case_end]).lstrip()
            if not case.search(before) and (asked or not end or end.group() != "?"):
                return True
    return False


def _is(what: str, said: str) -> bool:
    """Whether the whole message, without greeting and parting, is nothing but such a word."""
    return bool(_WHOLE[what].fullmatch(_bare(said)))


def _bare(said: str) -> str:
    """A message without greeting and parting."""
    return _less(_SIGN_OFF, _GREETING.sub("", said)).strip(" .,;!\n()\"'")


def _less(parting: re.Pattern[str], said: str) -> str:
    """The text without its parting, sought in its last 300 characters: all of a long text takes quadratic time."""
    return said[:-300] + parting.sub("", said[-300:])
