"""Whether a reply says that it does not know, and nothing beside that."""

from __future__ import annotations

import re

_NOT_KNOWING = re.compile(
    r"(?i)\b(?:(?:do|does|did|could|can|am|are|is|was|would)(?: not|n['’]t)|cannot|can['’]t|unable to|not able to)\b"
    r"[^.!?]{0,40}?\b(?:know|say|tell|find|sure|answer|certain|have (?:any |that |this |the |enough )*information"
    r"|have (?:any |an )?(?:answer|details|record)|aware)\b"
    r"|\bno (?:information|details|answer|mention)\b|\bnot (?:in|mentioned in|covered by|part of) (?:our|the|my) "
    r"(?:documents|notes|information|records)\b|\b(?:don['’]t|do not) (?:mention|say|cover)\b"
    r"|\b(?:documents|notes|pages) (?:say|have) nothing\b"
    r"|不知道|不清楚|不确定|无法(?:回答|确认|告知|提供)|没有找到|找不到|没有(?:相关|这方面的|这个|该|任何)?(?:的)?(?:信息|资料|记录|说明|内容)"
    r"|未(?:提及|提到|说明|找到)|没有提(?:到|及)"
)
_OFFER = re.compile(
    r"(?i)\b(?:sorry|apolog\w+|colleague|agent|human|person|team|staff|somebody|someone|pass (?:you|this|it) on"
    r"|connect you|put you through|forward|anything else|happy to help|help you (?:with|further)"
    r"|please (?:contact|ask|call)|get in touch|reach out|look (?:it|that|this) up|check (?:that|this|it))\b"
    r"|抱歉|对不起|人工|客服|同事|转接|其他(?:问题|可以)|帮您|联系"
)
_PART = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_]+")
_FEW = 4
"""So many words left over state nothing ("As for your question:")."""


def says_unknown(reply: str) -> bool:
    """Whether some part of the reply says that the answer is not known."""
    return _NOT_KNOWING.search(reply) is not None


def declines(reply: str, question: str) -> bool:
    """Whether the reply says that it does not know, and beside that only asks or offers help.

    What it states beside makes it no decline: a sentence of its own, or a number that the question does not have in the
    sentence that says so ("I'm not sure, about 40 litres").
    """
    if not says_unknown(reply):
        return False
    stated = 0
    for part in _PART.findall(re.sub(r"(?<=\d)\.(?=\d)", ",", reply)):
        if says_unknown(part):
            if any(number not in question for number in re.findall(r"\d+", part)):
                return False
        elif not (part.rstrip().endswith(("?", "？")) or _OFFER.search(part)):
            stated += len(_WORD.findall(part))
    return stated < _FEW
