"""Pieces of patterns that several rules share: how people name words, replies, and what should be done to them."""

from __future__ import annotations

from services.tracker.domain.feedback.phrases import MARK

END = (
    r"(?=\s*(?:$|[.;!?\n]|,\s*(?:but|and|please|then|also|so)\b|\b(?:but|and then|and also|so that|because|since|as "
    r"it)\b|\band (?:(?:please )?(?:do not|don'?t|make|keep|use|write|mention|include|avoid|add|remove|exclude|start|"
    r"end|finish|be|put|give|say|it|the (?:answer|reply|response))\b)))"
)
TARGET = rf"(?P<target>{MARK}(?:\s*(?:,\s*and|,\s*or|,|and|or|nor|&)\s*{MARK})*|[^.;!?\n]+?)"
WORDING = (
    r"(?:(?:the|this|that|these|those|a|any)\s+)?(?:(?:exact|following|specific)\s+)?(?:words?|keywords?|key ?words?|"
    r"terms?|phrases?|names?|expressions?)?\s*[:\-]?\s*"
)
USE = (
    r"\b(?:include|mention|use|contain|say|write|incorporate|feature|work in|bring up|refer to|talk about|speak about|"
    r"discuss|reference|name|cover|address|add|insert|put in|have|employ|state|display|touch on|weave in|squeeze "
    r"in|throw in|slip in|sneak in|"
    r"fit in|get in)"
)
USING = (
    r"(?:including|mentioning|using|containing|saying|writing|incorporating|featuring|referring to|talking about|"
    r"speaking about|discussing|referencing|naming|bringing up|adding|employing|the use of|use of|any use of|any "
    r"mention of|mention of|any reference to|reference to)"
)
USED = (
    r"(?:included|mentioned|used|contained|present|incorporated|featured|written|named|referenced|found|seen|part of "
    r"(?:it|the \w+|your \w+)|there)"
)
REPLY = (
    r"(?:(?:your|the|this|that|its?)\s+(?:(?:whole|entire|next|new|final)\s+)?(?:answer|reply|response|output|text|"
    r"message|draft|version|result|essay|story|poem|email|summary|explanation|description|paragraph|it)|it|you|the "
    r"assistant|there)"
)
MODAL = r"(?:must|should|shall|needs? to|has to|have to|ought to|is to|are to|can|may|will|would|do|does)"
DONT = (
    r"(?:do(?:es)? not|do(?:es)?n['’]?t|never|must not|mustn['’]?t|should not|shouldn['’]?t|may not|cannot|can not|"
    r"can['’]?t|could not|need not|not to|is not to|are not to|won['’]?t|will not|to not|not)"
)
LETTER = r"the letter\s+[\"'“⟦]?(?P<letter>[A-Za-z#!?])\b[\"'”]?"
