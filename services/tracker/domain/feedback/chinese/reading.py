"""Reads a Chinese comment clause by clause."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from services.common.constraints import Constraint
from services.common.text_measures import count_phrase
from services.tracker.domain.feedback.chinese.clause import ENDING, Clause
from services.tracker.domain.feedback.chinese.rules import RULES, WHOLE_RULES
from services.tracker.domain.feedback.chinese.words import NO_REFUSAL, REFUSAL
from services.tracker.domain.feedback.comments import Parsed

_QUOTED = re.compile(r"[“\"「『‘']([^”\"」』’'\n]{1,200})[”\"」』’']|《([^》\n]{1,100})》")
_CLAUSE = re.compile(
    r"[。！!？?；;\n]+|[，,](?!\d{3})|(?<!\d)\.(?!\d)|、(?=(?:不|别|要|请|用))"
    r"|(?:并且|而且|然后|同时|另外|还有就是|但是|不过|顺便|此外)|(?<=[^，。\s别要不能请以勿])(?:再|还)(?=(?:加|补|写|说|提|短|长"
    r"|把|简|详))|但(?=[^是])|(?<=点)并(?=[^不])"
)
_LAST_CLAUSE = re.compile(r"[^，。！？；\n]+$")
_POLITE = re.compile(
    r"^(?:(?:麻烦|请|劳驾|拜托|能不能|可不可以|可以|能否|希望|我希望|最好|记得|还是|那|就|你|您|咱们|我想|我要"
    r"|我想要|得|再|也|还|都|给我|帮我|尽量|稍微"
    r"|务必|一定|应该|需要|这次|回复|回答|答复|内容|整个|全文|文字|的话|请你|请您|换成?|改成?)(?=.))+"
)


def read_chinese(comment: str, draft: str, prompt: str = "") -> Parsed:
    """All that a Chinese comment asks of the draft."""
    quotes: list[str] = []

    def hide(match: re.Match[str]) -> str:
        quotes.append((match[1] or match[2]).strip())
        return f"⟦{len(quotes) - 1}⟧"

    text = _QUOTED.sub(hide, comment.translate({ord("⟦"): "[", ord("⟧"): "]"}))
    reading = Parsed()
    text = _taken_whole(text, quotes, draft, reading)
    for piece in _CLAUSE.split(text):
        _read_clause(piece, quotes, draft, reading)
    reading.constraints = _joined(dict.fromkeys(reading.constraints))
    return reading


def _joined(constraints: Iterable[Constraint]) -> list[Constraint]:
    """The constraints, a least and a most of one unit as one ("至少三句，最多五句")."""
    joined: list[Constraint] = []
    for one in constraints:
        for place, other in enumerate(joined):
            same = one.kind == other.kind == "length" and one.unit == other.unit and not one.value and not other.value
            if same and one.min is other.max is None and (other.min or 0) <= (one.max or 0):
                joined[place] = replace(other, max=one.max)
                break
            if same and one.max is other.min is None and (one.min or 0) <= (other.max or 0):
                joined[place] = replace(other, min=one.min)
                break
        else:
            joined.append(one)
    return joined


def _taken_whole(text: str, quotes: list[str], draft: str, reading: Parsed) -> str:
    """Reads what goes over a comma ("不是周一，是周二") and takes it out."""
    for pattern, build in WHOLE_RULES:
        for match in list(pattern.finditer(text)):
            clause = Clause(match[0], quotes, draft)
            constraints = build(match, clause)
            before = _LAST_CLAUSE.search(text, max(0, match.start() - _MOST_CLAUSE), match.start())
            if constraints and before and REFUSAL.search(NO_REFUSAL.sub("", before[0])):
                reading.unparsed.append(clause.plain(before[0] + match[0]))
                text = text[: before.start()] + "。" * (match.end() - before.start()) + text[match.end() :]
            elif constraints is not None:
                reading.constraints += constraints
                reading.topics += [constraint.value for constraint in constraints if constraint.kind == "replace"]
                text = text[: match.start()] + "。" * len(match[0]) + text[match.end() :]
    return text


def _read_clause(piece: str, quotes: list[str], draft: str, reading: Parsed) -> None:
    whole = piece.strip(" ，,：:、")
    if len(whole) > _MOST_CLAUSE:
        reading.unparsed.append(whole[:200])
        return
    stripped = ENDING.sub("", whole)
    asked = (whole,) if whole.endswith("呢") else ()
    for text in dict.fromkeys((*asked, stripped, _POLITE.sub("", stripped))):
        clause = Clause(text, quotes, draft)
        for pattern, build in RULES:
            match = pattern.search(text)
            if match and (constraints := build(match, clause)) is not None:
                constraints = _undenied(constraints, text[: match.start()] + "，" + text[match.end() :], clause)
                reading.constraints += constraints
                if not constraints:
                    reading.unparsed.append(clause.plain(whole))
                reading.topics += [
                    c.value for c in constraints if c.kind == "must_include" and not count_phrase(c.value, draft)
                ]
                return
    if re.search(r"\w", stripped) and not _CHAT.fullmatch(stripped):
        reading.unparsed.append(clause.plain(whole))


def _undenied(constraints: list[Constraint], left: str, clause: Clause) -> list[Constraint]:
    """The constraints of a clause whose other words, `left`, deny none of them; what was not to go is kept."""
    if not REFUSAL.search(NO_REFUSAL.sub("", left)):
        return constraints
    kept = []
    for one in constraints:
        if one.kind == "must_not_include" and count_phrase(one.value, clause.draft):
            kept.append(replace(one, kind="keep"))
        elif one.kind in ("keep", "must_include") or (one.kind == "length" and not one.value):
            kept.append(one)
    return kept


_MOST_CLAUSE = 120
"""Characters of a clause; a longer one tells a story."""
_CHAT = re.compile(
    r"(?:你好|您好|好的?|嗯+|谢谢.*|多谢|不错|很好|挺好的?|可以|行|ok|OK|哈+|麻烦|辛苦了?|写得?不错|总体不错"
    r"|其他的?(?:都)?(?:不变|可以|很好"
    r"|没问题)?)"
)
