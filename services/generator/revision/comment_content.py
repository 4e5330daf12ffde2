"""What a comment itself says that a reply is to say: "mention that X isn't accepted"."""

from __future__ import annotations

import re

from services.common.text_measures import pieces, words

_LEAD = re.compile(
    r"\b(?:mention(?:ing)?|add(?:ing)?|point(?:ing)? out|note|stat(?:e|ing)|offer(?:ing)?|"
    r"includ(?:e|ing)|say(?:ing)?|tell(?:ing)? (?:them|him|her|people|(?:the |our )?"
    r"(?:customers?|guests?|users?|readers?|clients?|callers?)))"
    r"\s+(?:also\s+|please\s+)?(?P<that>that\s+)?(?:the\s+fact\s+that\s+)?(?P<rest>[^\n]{3,200})",
    re.I,
)
_ORDER = (
    r"(?:keep|make|put|say|write|use|start|begin|end|finish|be|leave|drop|remove|mention|add|do(?:n['’]t| not)?|please|"
    r"stay|shorten|cut)\b"
)
_NEXT = re.compile(rf"[,;]?\s+(?:and|but|then)\s+(?:also\s+|please\s+)?(?={_ORDER})|[;!?]\s|,\s+(?={_ORDER})", re.I)
_VERB = re.compile(
    r"\b(?:is|are|was|were|isn['’]t|aren['’]t|can|can['’]t|cannot|could|will|won['’]t|must|may|might|should|has|have|"
    r"had|does|do|doesn['’]t|don['’]t|need|needs|want|wants|gets?|pays?|[a-z]{2,}(?:es|s))\b"
)
_LABELLED = re.compile(r"(?:the\s+|our\s+)?(?P<name>[\w -]{2,40}):\s*(?P<value>\S.*)", re.I)
_PERSON = re.compile(r"^(?:they|he|she|customers|guests)\b", re.I)
_QUOTED = re.compile(r"^[\"'“‘„«]|\b(?:who|what|when|where|how|why|which)\b", re.I)
_WHAT_MENTION = re.compile(r"\b(?:do(?:n['’]t| not)|never|without|stop|avoid)\s+(?:\w+\s+)?$", re.I)
_LEAST = 3
"""Words of a statement."""


def statements(comment: str) -> list[str]:
    """The statements that the comment wants said, each as a whole sentence; none where it only names what about."""
    sentences = []
    for piece in pieces(comment):
        lead = _LEAD.search(piece)
        if lead is None or _WHAT_MENTION.search(piece[: lead.start()]):
            continue
        rest = _NEXT.split(lead["rest"].strip(), maxsplit=1)[0].strip(" .!,;")
        if _QUOTED.search(rest) and not lead["that"]:
            continue
        labelled = _LABELLED.fullmatch(rest)
        if labelled is not None and re.search(r"\d", labelled["value"]):
            rest = f"the {labelled['name'].strip()} is {labelled['value']}"
        elif len(words(rest)) < _LEAST or not (lead["that"] or _VERB.search(rest)):
            continue
        rest = _PERSON.sub("you", rest)
        sentences.append(f"{rest[:1].upper()}{rest[1:]}.")
    return list(dict.fromkeys(sentences))
