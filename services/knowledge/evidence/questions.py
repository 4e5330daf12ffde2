"""What a message asks: its language, its questions, what kind of answer each wants."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.common.evidence.records import Kind
from services.common.text_measures import HAN_CHARACTER, sentence_ends
from services.knowledge.evidence.words import stands

MAX_READ = 600
"""Characters of a question that are read; what a longer one says at its end counts, and how it begins."""
MAX_QUESTIONS = 4
_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the a an is are of for to you your how what when where who which do does can i my it much",
        "de": "der die das ein eine ist sind wie was wann wo wer welche kann ich mein und für nicht bei gibt es kostet",
        "fr": "le la les un une est sont quel quelle combien où quand qui je mon pour avec vous puis comment",
        "es": "el la los un una es son qué cuánto cuándo dónde quién cómo puedo mi para con hay cuesta",
    }.items()
}
_ASKS = re.compile(
    r"(?:what|whats|what's|how|when|where|who|whom|whose|which|why|can|could|may|might|do|does|did|is|are|am|"
    r"was|were|will|"
    r"would|must|should|shall|have|has|hw|hou|wat|wats|wen|wich|wer|"
    r"until|till|from when|at what|in which|on which|by when|for how|how's|where's|"
    r"wie|was|wann|wo|wer|wen|welche\w*|kann|können|darf|ist|sind|gibt|muss|habt|haben|bis wann|ab wann|"
    r"combien|quand|où|qui|quel\w*|est-ce|puis-je|cu[aá]nto\w*|cu[aá]ndo|d[oó]nde|qui[eé]n|qu[eé]|puedo|hay)\b",
    re.IGNORECASE,
)
_ASKS_LATER = re.compile(r"[:,;] *(?:how|what|when|where|which|who)\b(?! (?:i|we|you)\b)", re.IGNORECASE)
"""A question behind what it is about: "the big tent: how many does it seat"."""
_CHINESE_ASKS = re.compile(r"吗|呢|什么|多少|几|哪|谁|怎么|如何|是否|能不能|可不可以|有没有|可以|多久|多长|多大|为什么")
_OPENING = re.compile(
    r"^(?:(?:hi|hello|hey|good (?:morning|day|evening|afternoon)|dear \w+|excuse me|sorry[^,:]{0,30}|ok|okay|so|"
    r"and|n|also|well|"
    r"quick question|one (?:more|other) (?:thing|question)|just wondering|hallo|guten \w+|und|你好|您好|请问)"
    r"(?: there| team| all)?[\s,.!:;–-]+)+",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"^(?:(?:can|could|would) you (?:please )?(?:tell|explain|say|let)(?: to)?(?: me| us)?(?: know)?|"
    r"(?:please )?(?:tell|explain to) (?:me|us)|i(?:'d| would)? (?:like|want|need)(?: to know)?|"
    r"do you (?:happen to )?know|"
    r"i(?:'m| am| was)? (?:just )?wonder(?:ing)?|any idea|may i ask)\b[\s,:]*(?:if|whether|about)?\s*",
    re.IGNORECASE,
)
_YES_NO = re.compile(
    r"(?:can|could|may|might|do|does|did|is|are|am|was|were|will|would|must|should|shall|have|has|any chance|ok to|"
    r"kann|können|darf|ist|sind|gibt|muss|habt|puis-je|est-ce|puedo|hay)\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:cheaper|dearer|more expensive|less expensive|costs? (?:more|less)|longer|shorter|bigger|larger|"
    r"smaller|faster|slower|"
    r"quicker|heavier|lighter|earlier|later|higher|lower|more|less|fewer|better|cheapest|"
    r"fastest)\b.{0,80}\b(?:than|or)\b|"
    r"\bor\b.{1,60}\b(?:cheaper|longer|shorter|bigger|larger|smaller|faster|slower|quicker|heavier|lighter|"
    r"earlier|later|"
    r"higher|lower|dearer)\b|"
    r"\b(?:which|what)\b.{0,40}\b(?:cheaper|longer|bigger|larger|faster|quicker|heavier|lighter|more|less|"
    r"higher|lower|earlier|later|"
    r"smaller|shorter|slower|dearer|expensive)\b.{0,80}\bor\b|\bdifferen(?:ce|t)\b.{0,60}\bbetween\b|"
    r"\bcompared? (?:to|with)\b|"
    r"比.{1,20}(?:便宜|贵|长|短|大|小|快|慢|多|少|早|晚|高|低|重|轻)|(?:哪个|哪种|谁)更|"
    r"(?:便宜|贵|长|短|大|小|快|慢|多|少|早|晚|高|低|重|轻)还是",
    re.IGNORECASE,
)
_LISTS = re.compile(
    r"\b(?:which|what)\b(?: \w+){0,3} (?:\w+s|people|of your)\b.{0,40}\b(?:are|do|can|have|included|offer|"
    r"accept|there|need)\b|"
    r"\blist\b|\bname (?:the|all|every)\b|\bin (?:which|what) cases\b|\bwh(?:at|ich) (?:kinds?|sorts?|types?) of\b|"
    r"\b(?:which|what) (?:\w+ ){0,2}\w+s\b.{0,12}\b(?:does|may|could|should|will)\b|"
    r"\ball (?:the|your|of)\b|\bwhat (?:is|are|'s) included\b|\bwhat (?:do|must|should) i (?:need|"
    r"bring|pack|take)\b|"
    r"\bhow many (?:different|kinds|types)\b|有哪些|哪些|都有什么|包括",
    re.IGNORECASE,
)
_SHORT = dict(
    pair.split("=")
    for pair in "hw=how hou=how mch=much wat=what wats=what's wot=what wots=what's wen=when wich=which wkend=weekend "
    "wknd=weekend ur=your u=you r=are n=and pls=please plz=please thx=thanks b4=before mth=month mths=months "
    "mnth=month hrs=hours hr=hour yrs=years yr=year wk=week wks=weeks fone=phone nr=number rite=right nite=night "
    "lites=lights w/=with tmrw=tomorrow tmr=tomorrow bc=because cuz=because wd=would cd=could shd=should "
    "m8=mate bcs=because bday=birthday pkg=package "
    "abt=about appt=appointment addr=address mon=Monday tue=Tuesday tues=Tuesday "
    "wed=Wednesday thu=Thursday thurs=Thursday fri=Friday sat=Saturday".split()
)
_SHORTHAND = re.compile(
    rf"(?<![\w'’/.-])(?:{'|'.join(sorted(map(re.escape, _SHORT), key=len, reverse=True))})(?![\w'’.-])", re.IGNORECASE
)
_FOR = re.compile(r"(?<=[a-z]) 4 (?=(?:me|my|us|our|the|a|an|your|kids|children|adults|one|two)\b)")
_TO = re.compile(
    r"(?<=[a-z]) 2 (?=(?:book|pay|cancel|return|send|bring|know|change|get|go|come|see|use|park|call|speak|talk|move|"
    r"stop|start|join|buy|rent|hire|order|pick|collect|renew|be|do|have|make|take|find|ask|register|sign|visit)\b)"
)
"""Figures that stand for words: "how mch 4 the wkend", "i want 2 cancel"."""
_CHAT = re.compile(
    r"(?:(?:hi|hello|hey|hiya|good (?:morning|day|evening|afternoon)|thanks?|thank you|thx|ty|cheers|great|"
    r"perfect|super|wonderful|"
    r"ok|okay|alright|bye|goodbye|see you|have a (?:nice|good) (?:day|one|evening|weekend)|how are you|nice|"
    r"cool|got it|"
    r"understood|no|that'?s (?:all|it|great|fine)|so much|very much|a lot|for (?:your|the) help|again|then|"
    r"there|everyone|"
    r"hallo|guten \w+|danke\w*|vielen dank|tschüss|bonjour|merci|hola|gracias|"
    r"你好|您好|谢谢|多谢|再见|好的|嗯|早上好|晚上好|你们|您|了|啊|呀)[\s,.!?;:，。！？~☺😊🙂👍]*)+",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r"(?:,|;)?\s+(?:and|n|&|und|et|y)\s+(?=(?:how|what|when|where|who|which|can|could|may|do|does|is|are|will|must|"
    r"wie|was|wann|wo|wer|kann|gibt|ist)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a message, at `start` to `end` in it; `text` is what is read of it."""

    text: str
    kind: Kind
    start: int
    end: int


def language_of(text: str) -> str:
    """ISO 639-1 code of the text's language: Chinese by its characters, others by their commonest words."""
    text = text[:MAX_READ]
    if len(HAN_CHARACTER.findall(text)) >= 2:
        return "zh"
    words = re.findall(r"[a-zäöüßéèêàçñóáíú]+", text.casefold())
    votes = {name: sum(word in known for word in words) for name, known in _WORDS.items()}
    best = max(votes, key=lambda name: votes[name])
    return best if votes[best] > votes["en"] else "en"


def is_chat(text: str) -> bool:
    """Whether the message is a greeting, thanks or the like and asks nothing."""
    return len(text) <= 120 and _CHAT.fullmatch(text.strip()) is not None


def kind_of(text: str) -> Kind:
    """What kind of answer a question wants."""
    plain = _POLITE.sub("", _OPENING.sub("", text.strip()))
    if _COMPARES.search(plain):
        return "comparison"
    if _LISTS.search(plain):
        return "list"
    if _YES_NO.match(plain) or re.search(r"吗|能不能|可不可以|有没有|是否", plain):
        return "yes_no"
    return "fact"


def questions_of(message: str) -> list[Question]:
    """The message's questions in their order, MAX_QUESTIONS at most; the whole of it where none stands out."""
    spans = _sentences(message)
    asking = [span for span in spans if _is_question(message[span[0] : span[1]])]
    if len(asking) <= 1:
        text = message.strip()
        if len(text) > MAX_READ:
            at = asking[0] if asking else spans[-1]
            text = message[max(at[0], at[1] - MAX_READ) : at[1]].strip()
        return [Question(text, kind_of(message[slice(*asking[0])] if asking else text), 0, len(message))]
    found, before = [], 0
    for start, end in asking[:MAX_QUESTIONS]:
        told = message[before:start].strip()  # what was told before a question belongs to it
        own = message[start:end].strip()
        text = f"{told} {own}" if told and len(told) < 200 and not is_chat(told) else own
        found.append(Question(text[-MAX_READ:], kind_of(own), start, end))
        before = end
    return found


def _is_question(sentence: str) -> bool:
    text = _OPENING.sub("", sentence.strip())
    if text.endswith(("?", "？")):
        return True
    return bool(_ASKS.match(_POLITE.sub("", text)) or _ASKS_LATER.search(text) or _CHINESE_ASKS.search(text))


def _sentences(message: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    at = 0
    for line in message.splitlines(keepends=True):
        begin = 0
        for end in [*sentence_ends(line), len(line)]:
            part = line[begin:end]
            places = [begin, *(begin + match.start() for match in _SPLIT.finditer(part)), end]
            spans += [(at + a, at + b) for a, b in pairwise(places) if line[a:b].strip()]
            begin = end
        at += len(line)
    return spans or [(0, len(message))]


def strip_opening(text: str) -> str:
    """The question without its greeting and its "could you tell me"."""
    return _POLITE.sub("", _OPENING.sub("", text.strip())) or text


def spelled_out(text: str) -> str:
    """An English question with its shorthand written out: "hw mch 4 the wkend" is "how much for the weekend"."""
    if language_of(text) != "en":
        return text
    text = _SHORTHAND.sub(lambda match: _SHORT[match[0].casefold()], text)
    return _TO.sub(" to ", _FOR.sub(" for ", text))


_WHAT_ABOUT = re.compile(r"^\s*(?:(?:and )?(?:what|how) about\b|(?:und )?was ist mit\b|那么?|还有)", re.IGNORECASE)
_ELLIPSIS = re.compile(
    r"^\s*(?:(?:and what about|and how about|what about|how about|and for|and|also|und für|und|was ist mit|et|"
    r"y)\b|那么|那|还有)\s*",
    re.IGNORECASE,
)


def leans_on_before(text: str) -> bool:
    """Whether the message cannot be understood without the one before: "and express?", "how much is it?"."""
    words = re.findall(r"\w+", text)
    if len(words) > 12:
        return False
    if len(words) <= 8 and _WHAT_ABOUT.match(text):
        return True
    begins = _ELLIPSIS.match(text)
    short = len(words) <= 4 and begins is not None and begins.end() > 0 and not _ASKS.match(text[begins.end() :])
    points = re.search(
        r"\b(?:it|its|they|them|that one|this one|there|same|those|er|sie|es|dafür|davon)\b|[它那这]", text, re.I
    )
    return short or bool(points)


def completed(text: str, before: Sequence[str], names: Sequence[str]) -> str:
    """The question with what it leaves out, taken from the last question before.

    `names` are what the documents call things, longest first. A name in place of a name: the question before is asked
    of the new one; anything else is asked of what the question before was about.
    """
    if not before or not leans_on_before(text):
        return text
    last = before[0][-MAX_READ:]
    rest = _ELLIPSIS.sub("", text).strip(" ?.!,;:？。！")
    old = next((name for name in names if len(name) > 1 and stands(name, last)), "")
    new = next((name for name in names if len(name) > 1 and stands(name, rest)), "")
    if old and new and old.casefold() != new.casefold():
        at = re.search(re.escape(old), last, re.IGNORECASE)
        return f"{last[: at.start()]}{new}{last[at.end() :]}" if at else f"{last} {rest}"
    if old:
        return f"{text.strip()} {old}" if not stands(old, text) else text
    return f"{last} {text}"
