"""Whether a sentence states what it says, denies it, or does neither: conditions, hearsay, thoughts and questions.

A denial is rewritten into the statement that it denies ("does not cost 19 euros" into "costs 19 euros"), so that one
reader of statements serves for both. Rules over the shape of English sentences, each linear in the sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_SAYER = (
    r"(?:i|we|they|people|some(?:one|body)?|everyone|everybody|he|she|you|it|rumou?r|"
    r"(?:my|our|a|an|the|your|his|her) [\w'’-]+(?: [\w'’-]+)?)"
)
_SAYING = (
    r"(?:heard?|read|(?:was|were|am|been) told|thought|think|believed?|guess(?:ed)?|supposed?|assumed?|hoped?|"
    r"wish(?:ed)?|wonder(?:ed)?|doubt(?:ed)?|imagined?|expect(?:ed)?|fear(?:ed)?|suspect(?:ed)?|figured?|"
    r"reckon(?:ed)?|dream(?:ed|t)?|want(?:ed)?|would like|says?|said|tells?|told|claim(?:s|ed)?|mentioned|"
    r"suggest(?:s|ed)?|keeps? saying|has it|report(?:s|ed)?|seems?|asks?|asked|mean(?:t)? to (?:say|ask)|"
    r"(?:was|were|am|are|is) (?:not |un|pretty |quite |fairly |almost |very )?(?:sure|certain|afraid|positive)|"
    r"(?:don['’]?t|didn['’]?t|do not|did not) (?:know|think|believe))"
)
_REPORTED = re.compile(
    rf"^{_SAYER} (?:(?:once|just|also|always|often|have|has|had|ve|only|really|recently) )*{_SAYING}\b", re.IGNORECASE
)
_SIGNS_OF_DOUBT = re.compile(
    r"\b(?:apparently|allegedly|reportedly|supposedly|rumou?r(?:ed|s)?|presumably|perhaps|maybe|possibly|probably|"
    r"hopefully|might|could|would|should|if|unless|whether|provided|providing|assuming|suppose|supposing|in case|"
    r"as long as|even when|whenever|otherwise|wherever|according to|it is said|they say|people say|so they say|i guess|"
    r"told (?:me|us)|under the impression|in the belief|(?:says?|said|claims?|claimed"
    r"|reckons?|insists?|swears?) (?:that )?(?:the|it|they)\b|"
    r"i think|i believe|i heard|i hope|i assume|i suppose|not sure|"
    r"imagine|pretend|let['’]s say|for example|e\.g|seems?|looks like|in my (?:opinion|view|experience)"
    r"|only (?:with|for|if|when)|i['’]d (?:say|guess|think)|"
    r"i['’]m (?:\w+ )?(?:sure|certain|positive)|may (?:cost|also|well|soon|still)|as far as i know|to my knowledge)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"^(?:when|once|until|while|after|before|in the event|on condition|should|were|had|as soon as|every time|"
    r"the moment|given|depending|for (?:anyone|those|customers|people)|with(?:out)?)\b.+?,|"
    r"^(?:for|as an?|among|between|during|in case of) (?!the \w+ (?:is|are|was|costs?)\b)(?:[a-z]\w+ ){1,4}(?:the|a"
    r"|an|our|your)\b|"
    r"\bwhen (?:you|they|we|it|he|she|i)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"^(?:what|how|why|who|whom|whose|which|where|when|is|are|was|were|do|does|did|has|have|isn['’]t|aren['’]t|"
    r"doesn['’]t|don['’]t|didn['’]t|wasn['’]t|won['’]t|can['’]t|"
    r"(?:can|may|will|shall|must) (?:i|you|we|they|he|she|it|the|a))\b",
    re.IGNORECASE,
)
_FALSE = (
    r"(?:(?:not|no longer) (?:true|right|correct|the case|so|accurate|valid|any ?more true)|"
    r"untrue|false|wrong|incorrect|nonsense|a (?:lie|mistake|myth)|outdated|out of date)"
)
_FALSE_THAT = re.compile(
    rf"^it(?:(?:['’]s| is| was) (?:simply |just |also |quite )?{_FALSE}"
    r"|(?:\s+is|\s+was)n['’]t (?:true|right|correct|the case|so)) (?:any ?more )?(?:to say )?that (.+)$",
    re.IGNORECASE,
)
_THAT_FALSE = re.compile(
    rf"^(?:that|the claim that|saying that) (.+) (?:is|was) (?:simply |just )?{_FALSE}$", re.IGNORECASE
)
_BE = r"(?P<be>is|are|was|were|has|have|had|can|may|must|will|shall)"
_NEVER = r"(?:not|n['’]t|never|no longer|not any ?more|not any longer)"
_BE_NOT = re.compile(
    rf"\b{_BE}(?:(?:n['’]?t|not)\b|\s+{_NEVER}\b)(?!\s+(?:only|just|more|less|later|earlier|even))", re.IGNORECASE
)
_WONT = re.compile(r"\b(?:won['’]t|can['’]t|cannot|shan['’]t)\b(?!\s+(?:only|just|more|less))", re.IGNORECASE)
_NOT_BE = re.compile(r"\b(?P<be>is|are|was|were)n['’]t\b", re.IGNORECASE)
_INVERTED = re.compile(
    r"^(?:no way|in no way|by no means|under no circumstances|never|at no time"
    r"|no longer) (?P<do>does|do|did|is|are|was|were|can|will|may"
    r"|has|have) (?P<subject>.{2,80}?) (?P<rest>(?:[a-z]+ )?(?:[\d€$£].*|(?:a|an|the|on|at|in|for|until) .+|[a-z]+))$",
    re.IGNORECASE,
)
_STOPPED = re.compile(
    r"\b(?:(?:has|have|had) )?(?:recently |now |already )?(?:stopped|ceased|quit|given up"
    r"|discontinued) (?P<verb>[a-z]{3,}ing)\b",
    re.IGNORECASE,
)
_FULL = {"won": "will", "can": "can", "sha": "shall"}
_DO_NOT = re.compile(
    r"\b(?P<do>does|do|did)(?:n['’]t|\s+not|\s+no longer)\s+(?:any ?longer\s+|actually\s+|even\s+)?(?P<verb>[a-z]+)\b",
    re.IGNORECASE,
)
_NO_LONGER = re.compile(r"\b(?:no longer|never)\s+(?P<verb>[a-z]+)\b", re.IGNORECASE)
_USED_TO = re.compile(r"\bused to (?P<verb>[a-z]+)\b", re.IGNORECASE)
_HAS_NO = re.compile(r"\b(?P<verb>has|have|had|offers?|contains?|includes?) no (?!longer\b)", re.IGNORECASE)
_ANY_MORE = re.compile(r",?\s+(?:any ?more|any longer|at all|now|these days|ever)$", re.IGNORECASE)
_NEW_CLAUSE = r"\s*[,;:–—]\s*(?:it|they)(?:['’]s| is| are|['’]re| costs?)\s+(?:now |actually )?"
_RATHER = rf"(?:\s*[,;:–—-]?\s+but(?: rather| instead| now)?\s+|{_NEW_CLAUSE})"
_BUT = re.compile(
    rf"\s(?:not|no longer)\s+(?P<denied>[^,;:–—]{{1,120}}?)(?:\s+any ?more)?{_RATHER}(?P<value>.+)$", re.IGNORECASE
)
_INSTEAD = re.compile(
    r"(?:\s*[,;(–—-]\s*|\s+)(?:(?:and|but)\s+)?(?:not|no longer|instead of|rather than|in place of)\s+"
    r"(?P<denied>[^,;]{1,120}?)\)?$",
    re.IGNORECASE,
)
_MOVED = re.compile(
    r"\s(?P<be>has |have )?(?:rose|risen|fell|fallen|went up|gone up|went down|gone down|dropped|increased"
    r"|decreased|changed|climbed"
    r"|sank|moved|was (?:raised|lowered|cut|changed|increased|reduced)|been (?:raised|lowered|cut|changed|increased"
    r"|reduced))"
    r" from (?P<denied>[^,;:]{1,60}?) to (?P<value>[^,;:]{1,60})$",
    re.IGNORECASE,
)
_FIRST_NOT = re.compile(r"^not (?P<denied>[^,;:–—]{1,60}?)(?:\s*[;:–—-]\s*|,\s*(?:but )?)(?P<rest>.+)$", re.IGNORECASE)
_ENDS_IN_BE = re.compile(rf"\b{_BE}\s*$", re.IGNORECASE)
_ENDS_IN_VERB = re.compile(rf"\b(?:{_BE}|do|does|did|costs?)\s*$", re.IGNORECASE)
_UNREAD_NEGATION = re.compile(
    r"\b(?:not|never|no longer|nor|neither|none|nobody|nothing|nowhere|hardly|barely|without)\b|n['’]t\b", re.IGNORECASE
)
_BE_FORMS = {"be": "is", "been": "is"}
_ES = ("s", "sh", "ch", "x", "z", "o")


@dataclass(frozen=True)
class Polarity:
    """``statement``: the sentence in its positive form; ``negative``: it is denied; ``denied``: what a statement says
    that its value stands in place of, empty where it says nothing of it."""

    statement: str
    negative: bool = False
    denied: str = ""


def polarity(sentence: str) -> Polarity | None:
    """What a sentence, without a lead such as "Actually,", does with what it says; None: it does not state it."""
    text = sentence.strip().rstrip(" .!").strip()
    if sentence.rstrip(" .!\"'”’").endswith("?") or _QUESTION.match(text):
        return None
    false = _FALSE_THAT.match(text) or _THAT_FALSE.match(text)
    if false:
        inner = polarity(false[1])
        return None if inner is None or inner.denied else Polarity(inner.statement, not inner.negative)
    if _REPORTED.match(text) or _CONDITION.search(text) or _SIGNS_OF_DOUBT.search(text):
        return None
    text = _NOT_BE.sub(lambda match: f"{match['be']} not", text)
    if inverted := _INVERTED.match(text):
        text = f"{inverted['subject']} {inverted['do'].lower()} not {inverted['rest']}"
    said = _contrast(text) or _denial(text)
    return None if _UNREAD_NEGATION.search(said.statement) else said


def _contrast(text: str) -> Polarity | None:
    """ "costs 21 euros, not 19 euros", "does not cost 19 euros but 21 euros", …: the new value alone is stated."""
    if first := _FIRST_NOT.match(text):
        stated = polarity(first["rest"])
        return None if stated is None or stated.negative or stated.denied else replace(stated, denied=first["denied"])
    if moved := _MOVED.search(text):
        return Polarity(f"{text[: moved.start()]} is {moved['value']}", denied=moved["denied"].strip())
    instead = _INSTEAD.search(text)
    if instead and _states(text[: instead.start()]) and not _ENDS_IN_VERB.search(text[: instead.start()]):
        return Polarity(text[: instead.start()].rstrip(" ,;("), denied=instead["denied"].strip())
    but = _BUT.search(text)
    if but is None:
        return _contrast_by_do(text)
    subject = text[: but.start()]
    if not _ENDS_IN_BE.search(subject):
        return _contrast_by_do(text)
    return Polarity(f"{subject} {but['value']}", denied=but["denied"].strip())


def _contrast_by_do(text: str) -> Polarity | None:
    """ "does not cost 19 euros but 21 euros", "isn't 19 euros but 21 euros"."""
    negative = _denial(text)
    if not negative.negative:
        return None
    parts = re.split(_RATHER, negative.statement, maxsplit=1, flags=re.IGNORECASE)
    if len(parts) != 2 or not parts[1]:
        return None
    match = re.match(r"^(?P<head>.*\s)(?P<denied>(?:[A-Z0-9€$£\"“][^ ]*)(?: .*)?)$", parts[0])
    if match is None or _states(parts[1]):
        return None
    return Polarity(f"{match['head']}{parts[1]}", denied=_ANY_MORE.sub("", match["denied"]))


def _states(text: str) -> bool:
    """Whether something that may relate stands in the text: then what follows a "not" is another value."""
    return bool(_VERB_INSIDE.search(text))


_VERB_INSIDE = re.compile(
    r"\s(?:is|are|was|were|has|have|had|can|may|must|will|shall|[a-z]+s|opened|closed|cost|held|moved|started)\s+\S",
    re.IGNORECASE,
)


def _denial(text: str) -> Polarity:
    """The sentence, rewritten without its negation where it has one."""
    shorter = _ANY_MORE.sub("", text)
    for pattern, rewrite in _REWRITES:
        match = pattern.search(shorter)
        if match and match.start():
            statement = f"{shorter[: match.start()]}{rewrite(match)}{shorter[match.end() :]}"
            return Polarity(" ".join(statement.split()), negative=True)
    return Polarity(text)


def _finite(verb: str, do: str = "does") -> str:
    """The third person of a verb after "does not" ("did not": its base form serves)."""
    verb = verb.lower()
    if verb in _BE_FORMS:
        return _BE_FORMS[verb]
    if verb.endswith(("s", "ed")) or verb in ("is", "has"):
        return verb
    if verb == "have":
        return "has"
    if verb.endswith(_ES):
        return f"{verb}es"
    if verb.endswith("y") and verb[-2:-1] not in ("a", "e", "o", "u"):
        return f"{verb[:-1]}ies"
    return f"{verb}s"


def _finite_of(gerund: str) -> str:
    """The third person of "including"."""
    base = gerund.lower()[:-3]
    return f"{base}es" if re.search(r"(?:[szcvgux]|[^aeiou][aiu][dkt])$", base) else f"{base}s"


_REWRITES = (
    (_STOPPED, lambda match: _finite_of(match["verb"])),
    (_DO_NOT, lambda match: _finite(match["verb"])),
    (_WONT, lambda match: _FULL[match[0].lower()[:3]]),
    (_BE_NOT, lambda match: match["be"]),
    (_USED_TO, lambda match: _finite(match["verb"])),
    (_NO_LONGER, lambda match: _finite(match["verb"])),
    (_HAS_NO, lambda match: f"{match['verb']} "),
)
