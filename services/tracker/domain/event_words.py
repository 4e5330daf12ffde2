"""The words by which people tell of something else than what they wish, as patterns for `standing`: what has happened,
what others have or want, their other affairs."""

from __future__ import annotations

import re

from services.tracker.domain.standing_words import WEEKDAY

LAST = re.compile(
    rf"\blast (?:{WEEKDAY}|week(?:end)?|month|year|night)\b"
    r"|上上?个?(?:周|星期|礼拜)[一二三四五六日天末]?|上个月|昨[天晚]|前天",
    re.I,
)
"""What is past whatever the clause wishes ("send what I ordered last Friday")."""

_IRREGULAR = (
    r"(?:was|were|came|went|bought|broke|began|stopped|lost|sent|told|did|had|took|gave|saw|paid|rang|fell|met|wrote"
    r"|heard"
    r"|spoke|woke|flew|drove|used to|died|kept|ran|sold|brought|caught|left|got|made|found|stood|froze|burst|blew)"
)
_DONE_HAN = "(?<=[\u4e00-\u9fff])(?<![通超不经路难错穿度点])过(?![来去几两期敏年节夜户分程于多高大一后天点零])"
DONE_HAN = re.compile(rf"[\u4e00-\u9fff]{_DONE_HAN}")
"""A Chinese verb with the particle of what was once done: no wish, whatever the verb."""
PAST = re.compile(
    r"\b(?:should|would|could|might|must)(?:n['’]?t)? have \w{1,30}"
    r"|\b(?:has|have|had|['’]ve)(?: (?:just|already|only|now|never|also|always|recently))? (?:been|\w{2,30}ed|gone"
    r"|come|broken|lost"
    r"|sent|bought|left|stopped|begun|happened|spoken|written|paid)\b"
    r"|['’]ve been\b|\b(?:yesterday|ago|born|previously)\b"
    r"|\blast (?:week|month|year|night|time|mon|tue|wed|thu|fri|sat|sun|january|february|march|april|may|june|july"
    r"|august"
    r"|september|october|november|december)"
    rf"|(?<!have )(?<!['’]ve )(?<!^)\b{_IRREGULAR}\b"
    r"|昨天|昨晚|前天|上周|上个?星期|上个?月|上次|去年|已经|之前|以前|刚才|出生|生日|[到坏来收买寄打断停丢考交付签搬退送]"
    r"(?:出去|过去|回来|过来|回去|进去|出|走|好|完[^，。！？]{0,4}|掉|给[^，。！？]{1,6})?(?:过了?(?![来去])|了"
    rf"|的)|{_DONE_HAN}",
    re.I,
)
"""A clause with one of these tells what has happened."""

PAST_HEARSAY = re.compile(
    r"\b(?:should|would|could|might|must)(?:n['’]?t)? have \w{1,30}"
    r"|\b(?:you|he|she|they|somebody|someone|(?:the|your) \w{1,20})(?: had| have|['’]d)? (?:promised|told|assured"
    r"|said|wrote)\b"
    r"[^,.;!?]{0,40}\b(?:would|was going to|were going to)\b"
    r"|(?:师傅|客服|你们|他们?|她|快递员?|店员|店里|人家|司机)[^，。！？]{0,6}(?:说好?|告诉|答应|通知|承诺)"
    r"(?![^，。！？]{0,12}(?:可以|行|没问题|好的))"
    r"|\b(?:first|originally|initially) (?:wanted|thought|planned|chose|considered|asked)\b",
    re.I,
)
"""What should have happened: past, though it sounds like a wish."""

ENDED = re.compile(
    r"(?<![\w'’])(?P<before>[\w'’]{1,30})\s+(?:(?:just|already|only|also|never|finally|then"
    r"|recently)\s+)?(?P<verb>\w{2,30}ed)\b",
    re.I,
)
"""A word in -ed and the one before it."""

NO_SUBJECT = frozenset(
    "a an the my your our any some with for in on of to be is are am been being get very too so and or no two three"
    " fully"
    " well not more most as at by from like need want".split()
)
"""Words before a word in -ed that make it no verb ("a furnished room", "to be delivered")."""

NO_VERB = frozenset(
    "need speed feed bed red seed weed shed wed exceed proceed indeed hundred embed breed united limited unlimited"
    " interested supposed".split()
)

_GOES = (
    r"(?:leaves?|departs?|goes|takes? off|lands?|arrives?|gets? in|comes? (?:back|home|in)|sails?|returns?|is leaving"
    r"|are (?:coming|leaving|arriving))"
)
_JOURNEY = (
    rf"\b(?:flight|plane|train|bus|ferry|ship|boat|coach|cruise)\s+{_GOES}\b"
    r"|\b(?:i|we) (?:fly|leave|travel|depart) (?:out |off |away |to \w{1,20} |for \w{1,20} )?on\b"
)

JOURNEY = re.compile(_JOURNEY, re.I)
"""A clause with one of these tells when a journey is: another affair of the user's, unless a slot asks for that."""

JOURNEY_SLOT = re.compile(
    r"\b(?:depart\w*|leav\w+|flights?|fly\w*|trains?|bus(?:es)?|coach|ferry|travel\w*|trips?|journeys?|outbound|inbound"
    r"|return|check(?:ing)?[ -]?out)\b",
    re.I,
)
"""A slot described so holds when a journey is."""

HABIT = re.compile(
    r"\b(?<!\bdo )(?<!\bif )(?<!\bdoes )(?<!\bwhether )(?:i|we|he|she|they|my (?:\w{1,30} )?\w{1,30}|our \w{1,30}"
    r"|the (?:kids|children))(?:['’](?:m|re|s)| am| is|"
    r" are)?\s+"
    r"(?:(?:usually|always|normally|only|often|still|all)\s+)?(?:work(?:s|ing)?|stud(?:y|ies|ying)|finish(?:es)?"
    r"|gets? (?:home|back|off|up|out)|leaves? (?:for|work|home|the)|sleeps?|teach(?:es)?|starts? (?:work"
    r"|school)\w{0,30}"
    r"|(?:have|has|got) (?:a|an|my|our|another) (?!free|gap|slot|window|opening|vacancy|spot|place|question|problem"
    r"|request)\w{1,30})\b"
    r"|\b(?:birthday|shift|contract|lease|warranty|subscription|exam|meeting|class|lesson|wedding|party|funeral"
    r"|rent|bill|payment|deadline|anniversary|concert|match|course|holidays?"
    r"|vacation|school|kindergarten|office|shop|store|lecture|interview)\b.{0,20}?\b(?:is|are|starts?|ends?|begins?"
    r"|expires?"
    r"|runs?|opens?|closes?|finish\w{0,30})\b"
    rf"|{_JOURNEY}"
    rf"|\b(?:guests?|visitors?|parents|in-laws|movers|furniture|kids|children)\s+{_GOES}\b"
    r"|\b(?:i|we) move (?:out|in) (?:to \w{1,20} |for \w{1,20} )?on\b"
    r"|\b(?:you|your (?:\w{1,20} )?\w{1,20})\s+(?:opens?|closes?)\b|\baccording to\b"
    r"|\b(?:sms|text|message|letter|e?-?mail|website|site|app|voicemail|note|you|he|she|they)\s+(?:said|says?|told"
    r"|wrote"
    r"|promised)\b"
    r"|\bit(?:['’]s| is| was) (?:my|our|his|her|the|\w{1,20}['’]s) (?:\w{1,20}['’]?s? )?(?:birthday|anniversary|wedding"
    r"|funeral|party|exam)\b"
    r"|\b(?:is|are) (?:only |still )?(?:valid|good|on|running|closed) (?:until|till|through|from|since)\b"
    r"|\b(?:offer|sale|discount|promotion|voucher|coupon|campaign|deal|guarantee|trial|ticket|passport"
    r"|permit)s?\b.{0,20}?"
    r"\b(?:is|are|starts?|ends?|begins?|expires?|runs?|lasts?)\b"
    r"|\b(?:is|are|was|were) due\b|\b(?:every|each) (?:single )?(?:day|morning|afternoon|evening|night|week|month"
    r"|\w{3,6}day)s?\b"
    rf"|^\W*(?:(?:today|tomorrow)(?:['’]s| is) (?:already |only |now )?|it(?:['’]s| is) (?:already|only|now) )"
    rf"(?:the \d|{WEEKDAY})"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day is (?:my|our|his|her|the (?:kids|children))\b"
    r"(?! (?:choice|preferred|favou?rite|best|first|only|day off|free))"
    r"|上班|下班|开会|上课|下课|放学|过生日|加班|值班|出差|到家|起床|有课|有会",
    re.I,
)
"""A clause with one of these tells of the user's other affairs."""

DUTY_HAN = re.compile(
    r"(?:要|得|需要|必须)(?:(?:[这下]个?)?(?:周|星期|礼拜)[一二三四五六日天末]|今天|明天|后天)?(?:[早晚]上|[上下]午)?(?:去|到)?"
    r"(?:加班|值班|上班|下班|开会|上课|出差|接孩子|送孩子|赶(?:飞机|火车|高铁)|带孩子|陪)"
)
"""What the user has to do otherwise, though it is said by a word of wishing."""

OTHER_NEEDS = re.compile(
    r"^\W*(?:(?:the|my|our|his|her|their|a|an)\s)(?:[\w'’-]{1,20}\s){1,3}?(?:(?:only|already|also|still)\s)?(?:wants?"
    r"|needs?|expects?|requires?|demands?|insists? on|asks? for|asked for|wanted|needed)\b"
    r"|^\W*(?:i|we|my \w{1,20}|he|she|they)(?:['’]ll| will| shall) (?:only |just )?(?:be|get|come|return|arrive)"
    r" (?:back|home|in town|away|abroad|on holiday)\b",
    re.I,
)
"""What something or somebody else needs; beside a wish of the user's own it is but the reason."""

OTHERS = re.compile(
    r"\b(?:my (?:\w{1,15} )?(?:neighbou?rs?|friends?|colleagues?|brother|sister|husband|wife|partner|mother|father"
    r"|mum|mom|dad|cousin|boss"
    r"|aunt|uncle|parents|flatmate|roommate)|(?<!\bdo )(?<!\bif )(?<!\bdoes )(?<!\bwhether )(?:he|she|they)"
    r"|everyone|someone else)\s+(?:already |always |usually |only |just )?"
    r"(?:(?:has|have|had)(?! to\b)|uses?|used|owns?|got|took|chose|ordered|booked|bought|is on|pays?|went (?:for"
    r"|with))\b"
    r"|(?:(?:朋友|同事|邻居|同学|亲戚|老板|哥哥|姐姐|弟弟|妹妹|老公|老婆|先生|太太|爸爸|妈妈|儿子|女儿|别人"
    r"|人家)[\u4e00-\u9fff]{0,8}?|[他她](?:们"
    r"|家)?(?:已经|都|之前)?)"
    r"(?:用|买|订|选|有|装|报|是|住|做|看|拿|办|点)(?:的|了|过)?",
    re.I,
)
"""A clause with one of these tells what somebody else has."""

OTHERS_DID = re.compile(
    r"^\W*(?:我们?的?)?(?:朋友|同事|邻居|同学|亲戚|老板|哥哥|姐姐|弟弟|妹妹|老公|老婆|先生|太太|爸爸|妈妈|儿子|女儿"
    r"|别人|人家)[\u4e00-\u9fff]{0,8}?(?:用|买|订|选|有|装|报|住|做|看|拿|办|点)(?:的|了|过)"
)
"""The same where a verb of wishing tells what somebody did ("我朋友订的是…")."""

OPENING = re.compile(
    r"\b(?:are|is|do|does|will)\b(?! there\b)(?!\W+(?:\d|noon|midday|midnight|(?:(?:this|next) )?\w{3,6}day\b))"
    r".{1,40}\b(?:open(?! (?:slot|space|spot|seat|place|table|time|appointment|position))|close|closed|deliver"
    r"|(?<!an )(?<!any )(?<!the )opening)\b|\bopening (?:hours|times)\b|营业"
    r"|开门|关门|上班",
    re.I,
)
"""A question with one of these asks about the business, not for a day or a time."""

OF_OTHERS = re.compile(
    r"\b(?:since|until now from|(?:invoice|bill|letter|e?-?mail|call|message|order|delivery|payment|receipt"
    r"|statement|booking"
    r"|conversation|contract|complaint)s? (?:from|of|dated|placed on|made on|sent on))\s+(?:the )?(?=\S)"
    r"|\blast\s+(?=(?:mon|tues|wednes|thurs|fri|satur|sun)day)",
    re.I,
)
"""What makes the date behind it that of another thing ("my order from May 3rd")."""

REPORTS = re.compile(
    r"\b(?:told|said|promised|assured|wrote|written|informed|heard|saying|telling|claimed|agreed|sms|message)\b", re.I
)
WAS_TO_BE = re.compile(
    r"\b\w{1,30} (?:would|had|was going to|were going to)\b(?! (?:like|prefer|love|suit|work|help|do|be (?:good|great"
    r"|fine|nice|perfect|ideal|better|best))\b)",
    re.I,
)
"""What somebody reported ("I was told that someone would come"): past, though it sounds like a wish."""

PERSON_WANTS = re.compile(
    r"^\W*(?:my|our) (?:\w{1,15} )?\w{1,20}\s+(?:wants?|likes?|prefers?|needs?|would (?:like|prefer|rather))\b", re.I
)
"""What somebody else wishes; it counts for nothing beside "but I want …"."""

OWN = re.compile(r"^\W*(?:i|we|for me|mine)\b", re.I)

PAST_SLOT = re.compile(
    r"\b(?:was|were|did|has|had|born|birth|purchase|incident|accident|damage|outage|loss|theft|complaint|defect"
    r"|failure|invoice"
    r"|payment|last|previous|since|bought|happened|broke"
    r"|(?<!is )(?<!are )(?<!be )(?!wanted|requested|preferred|needed|desired|required|planned|scheduled|expected|booked"
    r"|reserved|offered)\w{3,30}ed)\b|购买|出生|发生|发现|故障|事故|丢失|上次|收到",
    re.I,
)
"""A slot described so holds what has happened."""
