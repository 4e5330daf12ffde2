"""The words by which people wish, refuse and correct, as patterns for `standing`."""

from __future__ import annotations

import re

from services.tracker.domain.normalise import MONTH

WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"

BREAK = re.compile(
    r"(?<![ap]\.m)[.!?;:](?=\s|$)|(?<=[A-Za-z]{2})[.!?](?=[A-Z][a-z])|\n|[。！？；，]|,(?=\s)|\s[-–—]+(?=\s)"
    r"|\b(?:but|so(?! that)|because|although|though|while|whereas|if|unless|then|which|who)\b"
    r"|(?<=\w )that(?=\s+(?:do|does|did|is|are|was|were|has|have|can|will|would|wo|ca)(?:n['’]t| not)\b)"
    r"|\bthat(?=\s+(?:i|we|you|he|she|it|they|my|the|an?|some\w{2,4}|your|our|there)\b)|\b(?:saying|telling)\b"
    r"|\bsince(?=\s+(?:i|we|he|she|it|they|my|our|the|there|you)\b)"
    r"|\bas(?=\s+(?:i|we|he|she|they|my|our)\b)"
    r"|\band(?=\s+(?:please|don['’]?t|do not|not|i|i['’]\w{1,30}|we|it|he|she|they|my|then|want|would|need|come|send"
    r"|book|was|were|got|am"
    r"|can|could|the|said|told|asked|wrote|promised|claimed"
    r"|(?:have|has|had|do|did|could|would|will|wo|ca|is|are)(?:n['’]t| not))\b)"
    r"|但是|但|不过|所以|因为|如果",
    re.I,
)
"""Where one clause ends and the next begins."""

CAUSES = frozenset(("because", "since", "as", "因为"))
"""Breaks that a reason follows."""

ALL_BUT = re.compile(r"\b(?:any\w{0,30}|every\w{0,30}|all|nothing)(?:\s\w{1,30})?\s$", re.I)
"""What stands before a "but" that excepts ("any day but Friday")."""

HARMLESS = re.compile(
    r"\b(?:(?:don|wouldn|won|doesn)['’]?t|(?:do|does|would|will) not|never) (?:mind|forget|hesitate|worry|matter|care"
    r"|cancel|miss)\b"
    r"|\b(?:(?:didn|haven)['’]?t|(?:did|have) not|forgot to) (?:mention|add)(?:ed)? (?:that )?(?=(?:i|we)\b)"
    r"|(?:\bnot|n['’]?t) (?:really )?(?:an?|any|the) (?:problem|issue|trouble|obstacle|bother)\b"
    r"|(?:\bnot|n['’]?t) (?:really |too |very |at all |currently )?(?:busy|working|away|abroad|occupied|engaged"
    r"|travell?ing|unavailable|on (?:holiday|vacation|duty|call)|out of town|fully booked|booked up|closed)\b"
    r"|(?:\bnot|n['’]?t)\s+(?:only|just|necessarily|until|till|before|later than|earlier than|more than|less than"
    r"|fewer than|bad)\b"
    r"|(?:\b(?:not|never|cannot)|n['’]t)(?: (?!wait)\w{1,20}){1,8}? (?:until|till|before|earlier than|sooner than)\b"
    r"|\b(?:have|has|had)(?: not|n['’]t) (?:had|eaten|tried|seen|done|been)\b(?=[^,.;!?]{1,40} (?:in|for) (?:forever"
    r"|ages|years|months|weeks|a (?:long time|while)))"
    r"|\b(?:an?|something|anything|somewhere|one) not (?:very|too|so|overly|particularly) \w{1,20}"
    r"|\bno (?:later|earlier|more|less|fewer|sooner) than\b|\bno (?:problem|doubt|worries|preference|matter|rush"
    r"|hurry|objections?|issues?|complaints?|qualms|reservations about)\b|\bnothing against\b"
    r"|\bnot (?:opposed to|against|averse to|unhappy with)\b"
    r"|\bwhy (?:not|don['’]?t)\b|\bcan['’]?t wait\b(?! (?:un)?til)|\b(?:if|or) not\b|\bnot a problem\b"
    r"|不错|不好意思|不客气|不知道|不一定|不但|不仅|没问题|不介意|对不起|差不多|不晚于|不早于|不超过|要不|是不是|能不能"
    r"|可不可以|行不行|好不好|有没有|不如|不管|没关系|不着急|不急",
    re.I,
)
"""Negations that refuse nothing."""

NOT_TOO = re.compile(
    r"(?:\bnot|n['’]?t) (?:that |all that |over?ly |very |so )?(?:too )?(?:high[ -]priced|high|expensive|pricey|costly"
    r"|dear|far|loud|noisy|crowded|fancy|spicy|steep)\b",
    re.I,
)
"""Denies a quality and refuses nothing else ("on Friday, if it's not too expensive")."""

ASKED_KINDLY = re.compile(
    r"^\W*(?:why )?(?:can|could|would|wo|won|do|don|is|isn|are|aren)['’]?(?:n['’]?)?t (?:you|we|they|it|he|she|there"
    r"|the|i)\b"
    r"|^\W*(?:(?:so|and|but)\W+)?(?:there(?:['’]s| is| are)|(?:is|are) there|(?:do )?(?:you|they) have)"
    r" (?:no|not any|n['’]t any)\b",
    re.I,
)
"""How a question begins that only sounds like a negation ("Can't you come on Friday?", "Are there no rooms?")."""

NEGATED = re.compile(
    r"\b(?:do|does|did|is|are|was|were|ca|can|could|wo|would|should|must|need|have|has|had|ai|sha)(?:n['’]t|nt)\b"
    r"|\bcannot\b|\bno longer\b|\bnever\b"
    r"|\b(?:do|does|did|is|are|am|was|were|can|could|will|would|should|must|may|might|have|has"
    r"|had)\s+(?:\w{1,30}\s+)?not\b"
    r"|['’](?:m|s|re|ll|d|ve)\s+(?:\w{1,30}\s+)?not\b"
    r"|\b(?:nobody|no one|none)\b|\b(?:under|on|in|at) no (?:circumstances?|account|condition|case|event|time)\b"
    r"|\bby no means\b|\b(?:i|we) doubt\b|\b(?:doubtful|unlikely|impossible|undecided)\b"
    r"|\bno (?:need|point|reason|use|sense)\b|\b(?:hates?|detests?|dreads?)\b"
    r"|\bnothing(?:['’]s| is| was| will be) (?:free|available|open|left|possible)\b"
    r"|^\W*+(?:\w[\w:.]{0,19}\W++){1,4}(?:no|neither|not either)\W*$",
    re.I,
)
"""A clause that is negated, by its verb or as a whole ("3 pm no"): what it names is refused."""

DENIES_BEFORE = re.compile(
    r"^\W*(?:no\W+)?(?:that|it|this)(?:['’]s| is| was|['’]s not| is not| isn['’]t) (?:all |quite |completely )?"
    r"(?:wrong|incorrect|false|right|correct|it)\b(?=\W+(?:i|we|it|please|make|the|my)\b)",
    re.I,
)
"""How a clause that goes on with a wish refuses what was said before it ("that's wrong I want Monday")."""

DECLINES = re.compile(r"^\W*(?:no|nope|nah|never|not|impossible|out of the question)\b", re.I)
"""How an answer to one's own short question refuses what was asked ("The Pro plan? No thanks.")."""

NOT_ME = re.compile(r"^\W*(?:not (?:me|us|i)|(?:i|we) do(?:n['’]?t| not)|nobody|no one)\b", re.I)
"""How one refuses what one's own "who wants …?" names."""

NO_FOR_ME = re.compile(r"\s(?:for (?:me|us)|thanks|thank you|at all|ever|any ?more)\b|,\s*(?:thanks|thank you)\b", re.I)
"""Behind a first "No X": that refuses X, and answers no question."""

UNSUITABLE = re.compile(
    r"(?:\b(?:is|are|was|(?<!to )be|seems|sounds)|['’]s)\s+(?:(?!\w{1,27}ing\s)\w{1,30}\s+)?(?:impossible|bad"
    r"|(?<!ed )(?:out|off(?! (?:work|duty|school|shift)\b))|no good|inconvenient"
    r"|unsuitable|wrong|gone|booked up|fully booked|sold out|unavailable"
    r"|(?:an? |the )?(?:(?:public|bank|national) )?holiday|the worst|more than (?:i|we) (?:need|want)"
    r"|incorrect|full|closed|taken|awkward|terrible|difficult|useless|cancelled|too \w{1,30}"
    r"|a problem|out of the question)\b"
    r"|\b(?:i['’]?m|i am|we['’]?re|we are|is|are|(?:i|we)(?:['’]ll| will) be)\s+(?:\w{1,30}\s+)?(?:busy|away|abroad"
    r"|out of town|on holiday|on"
    r" vacation"
    r"|at work|unavailable|occupied)\b",
    re.I,
)
"""A predicate that refuses its clause without a negation ("Friday is impossible", "I'm away on Friday")."""

EXCEPTS = re.compile(
    r"\b(?:(?:do not|don['’]?t|didn['’]?t|never) (?:want|need|like|prefer|take|choose|use)|not|except(?:ing)?(?:"
    r" for)?|excluding|other than|apart from|besides|instead of|rather than|without|avoid(?:ing)?"
    r"|(?:cancel|forget|ignore|disregard|drop|scrap|delete|withdraw) (?:what|everything|all|anything) (?:i|we)(?:['’]ve"
    r"| have| had)? (?:\w{1,20} ){1,3}(?:about|of|on|for)"
    r"|neither|nor|scratch|strike|scrap|forget|skip(?:ping)?|rul(?:e|ing) out|(?:decided?|(?:i['’]?m|am|are"
    r"|be)) against"
    r"|leave(?=\s[\w ]{1,30}\sout\b)|cancel(?=\s+(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"\b(?!['’])))\b"
    r"|\b(?:any\w{0,30}|every\w{0,30}|all|nothing)(?:\s\w{1,30})? but\b"
    r"|(?<!\w)no(?=\s+[^\W\d])(?!\s+(?:for|check|make|let|book|use|change|find|look|try|please|i|we|it|that|just"
    r"|search|get|set|the|my|an?|and|he|she|they|on|at|in|to|how|what|which|who|when|where|can|could|would|do|does|did"
    r"|will|is|are|am|this|thanks?|but|sorry|maybe|perhaps|rather|something|anything|somewhere|sometime|again|then|instead|as"
    r"|because|since|if|(?!(?:early|daily|weekly|monthly|yearly|family|friendly|elderly|only)\b)\w{2,20}ly)\b)"
    r"|等不[到及]|来不及|不要|不是|(?<![特分级区类性个告差识辨离送临])别(?![人家的墅处称克])|不想|不用|不需要|不选|除了|除",
    re.I,
)
"""A word that refuses what follows it, up to the clause's next verb."""

EXCEPTS_LIST = re.compile(r"^(?:except|excluding|other|apart|besides|any|every|all|nothing|除)", re.I)
"""Those of `EXCEPTS` that refuse a whole list ("except Friday, Saturday and Sunday")."""

RESUMES = re.compile(
    r"\b(?:i|we|you|please|let|make|book|come|send|take|could|can|would|should|want|give|put|choose|use|is|are"
    r"|works?|(?:and|but|just) (?:prefer|search|look|find|play|show|add|get|go))\b"
    r"|(?<=.)(?:是|要|改|都|以外|之外|其他|哪|请|可以|能)",
    re.I,
)
"""Where what an `EXCEPTS` refuses ends inside its clause."""

CIRCUMSTANCE = re.compile(
    r"(?<=\w )(?:on|at|in|to|from|by|near|around|for|this|next|tomorrow|today|tonight)\b"
    r"(?! (?:advance|all|least|once))",
    re.I,
)
"""Leads to the day, time or place of the whole, behind what it is to be without."""

REFUSED_HAN = re.compile(
    r"不行|不确定|没想好|没决定|说不准|拿不准|不可以|不能|不方便|不合适|没空|没时间|没有空|没有时间|不在|不来|不去|不太行|无法|没法|不了|太早|太晚|不喜欢"
    r"|(?<=[\u4e00-\u9fffA-Za-z0-9])没(?:事|坏)"
)
"""Chinese predicates that refuse their clause."""

WAS_MEANT = re.compile(
    rf"^\W*(?:(?:and|no|oh|but|actually|well|sorry)\W+){{0,2}}(?:it|that) was (?:meant to be |supposed to be )?"
    rf"(?:on )?(?:the )?(?=\d|{MONTH}\b|{WEEKDAY})",
    re.I,
)
"""How a clause says what was meant, as though it had been."""
REGRETS = re.compile(r"\b(?:sorry|my mistake|my bad|i meant|oops|apologies|misspoke|got (?:it|that) wrong)\b", re.I)

DOUBTS_HAN = re.compile("不能|不可以|不行|不给|不送|不收|没有")
"""A question with one of these and without a particle asks back what cannot be."""

BOUNDED_HAN = re.compile(
    r"(?P<moment>[^，。！？；]{1,16}?)(?:之前|以前|之后|以后|(?<=[一二三四五六日天末号点半])[前后])(?:都"
    r"|先|请|可|千万|我们?|麻烦|暂时|你们|也){0,3}"
    r"(?:不要|不许|不能|不用|不可以|别|勿|不在|没人|不方便)"
)
"""A moment before or behind which nothing is to be ("周三之前不要送"): it is none that is wished."""

LACKING_HAN = re.compile(
    r"(?:没有?|缺)(?P<named>[^，。！？没]{1,10}?)(?:的话|了)?，?(?:就|那)|(?:要是|万一|假如|^)(?:没有?|缺)(?P<if>[^，。！？]{1,10})"
)
"""What may not be there ("没有白色的话就黑色")."""

COMPARED_HAN = re.compile(r"(?<!对)比(?![较如方例赛划分之])(?P<named>[^，。！？]{1,12}?)(?=[我更还再要]|$)")
"""What another is measured by ("比白色深一点的")."""

CHANGES = re.compile(
    r"\b(?:chang(?:e|ing)|mov(?:e|ing)|switch(?:ing)?|shift(?:ing)?|reschedul(?:e|ing)|postpon(?:e|ing)|swap(?:ping)?"
    r"|push(?:ing)?|replac(?:e|ing)|upgrad(?:e|ing)|downgrad(?:e|ing))\b(?P<old>(?!\s(?:in)?to\s)[^.;!?]{1,80}?)\s(?:to|for|with"
    r"|into|by)\s"
    r"|[把从将](?P<han>[^，。！？]{1,20}?)(?:改|换|挪|推|调)(?:成|为|到|至)",
    re.I,
)
"""The old value of a change ("move it from Friday to Monday")."""

THAN = re.compile(
    r"\b(?:rather|prefer\w{0,30}|better|sooner)\b[^.;!?]{0,40}?\s(?:than|over)\s"
    r"|\b(?:cheaper|dearer|bigger|smaller|larger|faster|slower|lighter|darker|brighter|nicer|quieter|stronger|simpler"
    r"|newer|older|warmer|softer|harder|closer|nearer|(?:more|less) \w{3,20})\s+than\s",
    re.I,
)
"""What stands before the value that another is preferred to or measured by."""

CORRECTS = re.compile(
    r"\b(?:no|nope|nah|not|wait|sorry|actually|rather|i mean|i meant|meant|correction|make (?:it|that)|scratch that"
    r"|oops|hang on"
    r"|hold on|hmm+|(?:scrap|cancel) (?:that|it)|instead|ideally|preferably|second thoughts?"
    r"|change (?:it|that)|better|my mistake"
    r"|excuse me|pardon|forget that|strike that"
    r"|or maybe|i['’]?d rather)\b"
    r"|最好|但是?我们?(?:还是|更|就)?(?:想|要|希望)|不对|不是|改成|改为|改到|换成|换到|还是|应该是|说错|错了|更正|等等|等一下|算了|哦不|(?:^"
    r"|[，。！？])不(?=[，。！？])",
    re.I,
)
"""What stands between a value and the one that corrects it."""

FEWER_HAN = re.compile(
    r"(?:不用|不要|不需要|用不了|要不了)(?:[这那]么多"
    r"|(?:\d{1,3}|[一二两三四五六七八九十]{1,3}) ?[\u4e00-\u9fff]{0,2})[，。,]"
)
"""The same, where it refuses the number before ("两个人。不用两个，一个就行")."""

CORRECTS_BEHIND = re.compile(
    r"^[^.;!?,]{0,30}?\b(?:(?:is|would be|['’]s|works) (?:\w{1,30} )?(?:better|best|preferable)|instead|rather)\b"
    r"|^[^，。！？]{0,8}(?:[更最]好|[更最]合适|[更最]方便)",
    re.I,
)
"""What stands behind the value that corrects an earlier one ("3 pm is better")."""

WISHES = re.compile(
    r"\b(?:want(?:s|ed)?|need(?:s|ed)?|would|could|can|please|should|shall|will|prefer\w{0,30}|wish|hop(?:e|ing)"
    r"|wondering|looking"
    r"|(?:was|were|['’]m|['’]re|am|are|been) thinking(?! back)|thinking of"
    r"|(?:have|has|had|got) to (?:have|get) (?:it|this|that|one|an?|the|my)\b"
    r"|(?:changed|moved|switched) (?:it|that|this|(?:my|the) \w{1,20}(?: of (?:my|the) \w{1,20})?)"
    r" to|meant|let['’]?s|going to|must|how about"
    r"|what about|asked for|chose|choose|picked|decided|plan(?:ned|ning)? (?:my|our) (?:trip|travel|journey|stay|visit)"
    r"|make"
    r" (?:it|that)"
    r"|gladly|thanks|suits?|works|available|free|ready)\b|['’](?:d|ll)\b"
    r"|\b(?:have|get|having|getting) (?:it|them|this|that|him|her|one|the \w{1,30}|my \w{1,30}) \w{1,30}ed\b"
    r"|^\W*(?:book|schedule|send|come|order|make|set|arrange|reserve|deliver|put|change|move|use|take|give|cancel"
    r"|add)\b"
    r"|想|要|请|希望|可以|预约|预订|订|麻烦|安排|需要|改|帮我|换",
    re.I,
)
"""A clause with one of these tells a wish, not what has happened."""

ASKS_WHY = re.compile(r"^\W*(?:(?:and|but|so|hm+)\W+)?why\b(?! (?:not|do\s?n['’]?t|do not)\b)", re.I)
"""A question for a reason wishes nothing that it names ("Why cable?")."""

MOMENTS = (
    re.compile(
        r"\b\d{1,2}(?:[:.]\d{2})?\s?(?:[ap]\.?m\b|o['’]?\s?clock)|\b\d{1,2}:\d{2}\b|\b(?:noon|midnight|midday)\b", re.I
    ),
    re.compile(
        rf"\b{WEEKDAY}\b|\b(?:today|tomorrow)\b|\b\d{{1,2}}(?:st|nd|rd|th)\b"
        rf"|\b\d{{1,2}} {MONTH}\b|\b{MONTH} \d{{1,2}}\b"
        r"|(?:周|星期|礼拜)[一二三四五六日天]|今天|明天|后天|\d[号日]",
        re.I,
    ),
)
"""Times, and days: what one clause says of them may make that of another its reason."""

AVAILABLE = re.compile(
    r"\b(?:i|we)(?:['’](?:ll|m|re)| will| am| are)?\s+(?:be\s+)?(?:at\s+)?(?:home|back|there|in|up|free"
    r"|available|around)\s+(?:from|until|till|after|before|by)\b"
    r"|(?:\bnot|n['’]t)\s+(?:before|until|till|after|later than|earlier than)\b|\bno (?:later|earlier|sooner) than\b",
    re.I,
)
"""A clause with one of these bounds when something may be; a moment named behind it is the wish."""

GOOD = re.compile(r"\b(?:good|fine|best|better|perfect|ideal|great|okay|ok|possible|convenient)\b", re.I)
"""A predicate by which a plain statement accepts what it names."""

REASON_SLOT = re.compile("原因|为什么|为何|理由")
"""A slot described so holds a reason ("去不了了" is one)."""
