"""Reads a fact out of a plain sentence: who or what it is about, which property, which value.

Rules over the shape of English sentences, no lexicon of relations: a subject in the form of a name, the words that
relate, and what the sentence ends with. What does not fit is not read, and nothing is read without its words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from services.common.number_words import TO_HUNDRED
from services.common.text_measures import HAN_CHARACTER
from services.knowledge.domain.han_statements import read_han
from services.knowledge.domain.polarity import polarity

_LEAD = re.compile(
    r"^(?:(?:actually|no(?! way\b| longer\b)|nope|nah|wrong|not true|that(?:['’]s| is) (?:wrong"
    r"|false|incorrect|not (?:right|true"
    r"|correct))|well|sorry|please note|note|by the way|correction|update|fyi|it is true|"
    r"remember|in fact|as of (?:now|today)|now|from now on)\b[,:.;!]?\s*(?:that\s+)?)+",
    re.IGNORECASE,
)
_CORRECTING = re.compile(
    r"\b(?:actually|no|sorry|correction|update|in fact|as of (?:now|today)|from now on|now|no longer)\b", re.IGNORECASE
)
_COPULA = r"(?:is|are|was|were)"
_PLACED = r"(?: (?:located|based|situated|found|set))?(?: (?:in|at|on|by|to))?"
_OF = re.compile(
    rf"^[Tt]he (?P<slot>[a-z][a-z\s-]{{1,60}}?) (?:of|for) (?P<entity>.+?)"
    rf" (?P<copula>{_COPULA}(?: now| currently)?{_PLACED}) (?P<value>.+)$"
)
_OF_NAMED = re.compile(_OF.pattern.replace("(?P<entity>.+?)", "(?P<entity>(?:the )?[A-Z0-9].*?)"))
_AT_NAMED = re.compile(
    rf"^[Tt]he (?P<slot>[a-z][a-z\s-]{{1,40}}?) (?:of|for|at|in|on) (?P<entity>(?:the )?[A-Z0-9][^,;]{{1,60}}?)"
    rf" (?P<copula>{_COPULA}(?: now| currently)?{_PLACED}|costs?|begins|starts|ends|opens|closes) (?P<value>.+)$"
)
_POSSESSIVE = re.compile(r"^(?P<entity>[^,]+?)(?:['’]s|(?<=s)['’]) (?P<rest>[a-z].*)$")
_CLAUSE = re.compile(r"^(?P<entity>.+?), +(?P<rest>(?:which|who|that|whose|from|a|an|[a-z]+ed|[a-z]+n) .+)$")
_VERBS = (
    "is are was were has have had can may must will shall does did costs cost takes took opens opened closes closed "
    "works worked lives lived died holds held owns owned runs ran uses used belongs plays played shares borders "
    "maintains ties originates originated comes came specializes specialises lost passed succumbed expired found "
    "weighs lasts ships arrives starts begins ends contains includes offers sells charges supports seats measures "
    "moved started reports employs leads manages teaches speaks wrote directed stars lies stands sits expires renews"
)
_VERB = re.compile(rf"^(?P<entity>.+?) (?P<rest>(?:{'|'.join(_VERBS.split(' '))})\b.*)$")
_LINK = (
    "in of by for to as at with from on after into is are was were costs cost takes borders capital city about until "
    "within that be includes contains offers sells supports provides covers accepts"
)
_LINK_WORDS = frozenset(_LINK.split(" "))
_STOP_WORDS_OF_A_RELATION = frozenset(["which", "who", "that", "now", "currently", "also", "the", "a", "an"])


_TAIL = re.compile(
    r"(?:,? (?:now|nowadays|these days|at present|at the moment|currently|any ?more|any longer"
    r"|sorry|thanks|though|as of today))+$",
    re.I,
)
"""What may stand behind a value and is none of it."""
_NO_ENTITY = frozenset(["", "it", "he", "she", "they", "we", "i", "you", "this", "that", "there", "these", "those"])


@dataclass(frozen=True)
class Reading:
    """A sentence read as a fact; `relation` are the words that relate, the form in which slots are compared.

    `corrects`: the sentence says by its words ("Actually, …", "… is now …") that something else was held before.
    `negative`: it denies the fact; `denied`: the value that it names as wrong beside the right one.
    """

    entity: str
    relation: str
    value: str
    span: str
    corrects: bool = False
    negative: bool = False
    denied: str = ""

    @property
    def slot(self) -> str:
        """A name for the property, from the words that relate."""
        words = [word for word in self.relation.split() if word not in _STOP_WORDS_OF_A_RELATION]
        while len(words) > 1 and words[0] in ("is", "are", "was", "were", "has", "have", "had"):
            words = words[1:]
        while len(words) > 1 and words[-1] in ("is", "are", "was", "were"):
            words = words[:-1]
        return " ".join(words)


def read_statement(sentence: str) -> Reading | None:
    """The fact that a sentence states or denies, or None: questions, wishes, conditions, hearsay, thoughts and
    sentences about no name state none."""
    span = sentence.strip()
    if not span or span.endswith("?") or len(span) > 400:
        return None
    if HAN_CHARACTER.search(span):
        return _read_han(span)
    said = polarity(_LEAD.sub("", span))
    if said is None:
        return None
    reading = _read(said.statement, span)
    if reading is None or not (said.negative or said.denied):
        return reading
    return replace(reading, negative=said.negative, denied=said.denied, corrects=True)


def _read_han(span: str) -> Reading | None:
    said = read_han(span)
    if said is None:
        return None
    return Reading(said.entity, said.relation, said.value, span, said.corrects, said.negative, said.denied)


def _read(text: str, span: str) -> Reading | None:
    text = text.rstrip(" .!").strip()
    match = _OF_NAMED.match(text) or _OF.match(text) or _AT_NAMED.match(text)
    if match:
        relation = f"{match['slot']} {match['copula']}"
        return _reading(match["entity"], relation, match["value"], span)
    for pattern in (_CLAUSE, _POSSESSIVE, _VERB):
        match = pattern.match(text)
        split = _split(match["rest"]) if match else None
        if match and split:
            return _reading(match["entity"], *split, span)
    return None


def _split(rest: str) -> tuple[str, str] | None:
    """(relation, value) of what follows the subject: the value is the name or number it ends with, else what follows
    the last linking word."""
    words = rest.split()
    for place, word in enumerate(words):
        if place and (word[0].isupper() or word[0].isdigit() or word[0] in "\"“'€$£" or word.lower() in TO_HUNDRED):
            relation = words[:place]
            while relation and relation[-1] in ("the", "a", "an"):
                relation.pop()
            return (" ".join(relation), " ".join(words[place:])) if relation else None
    links = [place for place, word in enumerate(words[:-1]) if word in _LINK_WORDS]
    if not links:
        return None
    place = links[-1] + 1
    value = words[place:]
    return " ".join(words[:place]), " ".join(value[1:] if value[0] in ("the", "a", "an") and value[1:] else value)


def _reading(entity: str, relation: str, value: str, span: str) -> Reading | None:
    entity = re.sub(r"^(?:[Tt]he|[Oo]ur|[Aa]n?) | (?:now|currently)$", "", entity).strip(" ,")
    value = _TAIL.sub("", value.strip(" .,!"))
    relation = re.sub(r"\b(?:which|who|that|whose|now|currently)\b", " ", relation)
    relation = " ".join(relation.replace(",", " ").split())
    if not value or not relation or value not in span or entity.casefold() in _NO_ENTITY:
        return None
    return Reading(entity, relation, value, span, _corrects(span, entity, value))


def _corrects(span: str, entity: str, value: str) -> bool:
    """True when a word of correction stands outside the names."""
    lead = _LEAD.match(span)
    rest = span[lead.end() :] if lead else span
    beside = rest.replace(entity, " ").replace(value, " ")
    return bool(_CORRECTING.search(f"{lead[0] if lead else ''} {beside}"))
