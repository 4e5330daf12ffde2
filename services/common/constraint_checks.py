"""Whether a reply meets a constraint. Pure Python; the evaluations score with code of their own."""

from __future__ import annotations

import json
import re

from services.common import text_measures as measure
from services.common.constraint import Constraint, replacement, unwanted_phrase
from services.common.languages import is_language


def verifiable(constraint: Constraint) -> bool:
    """Whether `check` can tell; for the rest it answers True: nothing waits for what can't be verified."""
    return constraint.kind != "tone" or constraint.value in _TONES


def check(constraint: Constraint, text: str) -> bool:
    """Whether the reply `text` meets the constraint."""
    return _CHECKS[constraint.kind](constraint, text)


def _within(constraint: Constraint, fewest: int, most: int | None = None, default_min: int = 1) -> bool:
    """Whether a count lies in min..max; with two definitions of the count both must agree."""
    most = fewest if most is None else most
    low = constraint.min if constraint.min is not None else (0 if constraint.max is not None else default_min)
    return fewest >= low and (constraint.max is None or most <= constraint.max)


def _include(constraint: Constraint, text: str) -> bool:
    if constraint.unit == "characters":
        return _within(constraint, text.lower().count(constraint.value.lower()))
    return _within(constraint, measure.count_phrase(constraint.value, text))


def _exclude(constraint: Constraint, text: str) -> bool:
    count = measure.count_phrase(constraint.value, text, inflected=True)
    if constraint.unit == "characters":
        count = text.lower().count(constraint.value.lower())
    return count <= (constraint.max or 0)


def _length(constraint: Constraint, text: str) -> bool:
    if constraint.unit == "words":
        return _within(constraint, *measure.count_words(text))
    if constraint.unit == "sentences":
        return _within(constraint, len(measure.sentences(text)))
    if constraint.unit == "characters":
        return _within(constraint, len(text.strip()))
    divider = constraint.value if constraint.value not in ("", "shorter", "longer") else ""
    return _within(constraint, len(measure.paragraphs(text, divider)))


def _format(constraint: Constraint, text: str) -> bool:
    name, _, argument = constraint.value.partition(":")
    text = text.strip()
    if name == "json":
        return _is_json(text)
    if name == "title":
        return _has_title(text, argument)
    if name == "quotation":
        return len(text) > 2 and text[0] in '"“„«「' and text[-1] in '"”“»」'
    if name == "separator":
        parts = [part.strip() for part in text.split(argument or "******")]
        return len([p for p in parts if p]) >= (constraint.min or 2) and len(set(parts)) > 1
    if name == "one_of":
        return any(option.strip() and option.strip() in text for option in argument.split("|"))
    if name == "postscript":
        marker = re.escape(argument or "P.S.").replace(r"\.", r"\.\s?").rstrip("?").removesuffix(r"\s")
        return re.search(rf"(?:^|\n|\s){marker}\s*\S", text, re.I) is not None
    if name == "plain":
        return not re.search(r"^#{1,6} |\*\*|^\s*[-*•] |^\s*\||```", text, re.M)
    if name == "prose":
        return measure.bullets(text) + measure.numbered(text) == 0
    return _within(constraint, _items(name, argument, text))


def _items(name: str, argument: str, text: str) -> int:
    """How many items of that format the text has."""
    if name == "bullets":
        return measure.bullets(text)
    if name == "numbered":
        return measure.numbered(text)
    if name == "list":
        return max(measure.bullets(text), measure.numbered(text))
    if name == "table":
        return measure.table_rows(text)
    if name == "sections":
        return len(re.findall(rf"(?:^|\n)\W*{re.escape(argument or 'Section')}\s+\w+", text, re.I))
    if name == "highlights":
        marked = re.findall(r"\*\*([^\n*]+)\*\*|(?<!\*)\*([^\n*]+)\*(?!\*)", text)
        return sum(1 for strong, weak in marked if (strong or weak).strip())
    if name == "placeholders":
        return len(re.findall(r"\[[^\]\n]+\]", text))
    if name == "heading":
        return len(re.findall(r"^#{1,6} \S", text, re.M))
    return len(re.findall(r"^```", text, re.M)) // 2


def _is_json(text: str) -> bool:
    text = re.sub(r"^```(?:json)?\s*\n?|\n?```$", "", text, flags=re.I).strip()
    try:
        return isinstance(json.loads(text), (dict, list))
    except (ValueError, RecursionError):
        return False


def _has_title(text: str, argument: str) -> bool:
    if any(m.strip() for m in re.findall(r"<<([^\n]+?)>>", text)):
        return True
    if argument:
        return False
    first, _, rest = text.partition("\n")
    if not rest.strip():
        return False
    heading = re.fullmatch(r"\s*(?:#{1,6} .+|\*\*.+\*\*|Title:.+)\s*", first) is not None
    return heading or (0 < measure.count_words(first)[0] <= 12 and first.rstrip()[-1:] not in ".!?,;:。！？")


def _case(constraint: Constraint, text: str) -> bool:
    letters = [c for c in text if c.isalpha() and c.lower() != c.upper()]
    if not letters:
        return constraint.value != "capital_words" or not constraint.min
    if constraint.value == "lower":
        return not any(c.isupper() for c in letters)
    if constraint.value == "upper":
        return not any(c.islower() for c in letters)
    tokens = measure.words(text)
    if constraint.value == "capital_words":
        return _within(constraint, sum(1 for token in tokens if token.isupper()))
    if constraint.value == "title":
        return all(t[0].isupper() or not t[0].isalpha() or len(t) <= 3 for t in tokens)
    starts = [s for s in measure.sentences(text) if s[:1].isalpha()]
    shouted = sum(1 for token in tokens if len(token) > 3 and token.isupper())
    return all(s[0].isupper() for s in starts) and shouted <= len(tokens) // 4


def _punctuation(constraint: Constraint, text: str) -> bool:
    if constraint.value == "emoji":
        return _within(constraint, sum(1 for c in text if measure.is_emoji(c)))
    marks = {",": ",，、", "!": "!！", "?": "?？", ".": ".。", ";": ";；", ":": ":：", '"': '"“”„'}
    wanted = marks.get(constraint.value, constraint.value)
    if len(constraint.value) > 1:
        return _within(constraint, text.count(constraint.value))
    return _within(constraint, sum(1 for c in text if c in wanted))


def _start(constraint: Constraint, text: str) -> bool:
    if constraint.unit == "paragraphs":
        parts = measure.paragraphs(text)
        k = constraint.min or 1
        return len(parts) >= k and _begins(parts[k - 1], constraint.value)
    return _begins(text, constraint.value)


def _plain(text: str) -> str:
    return " ".join(text.replace("’", "'").split()).casefold()


def _begins(text: str, phrase: str) -> bool:
    text, phrase = _plain(text).lstrip("\"'“*#_ "), _plain(phrase)
    follows = text[len(phrase) : len(phrase) + 1]
    return text.startswith(phrase) and not (phrase[-1:].isalnum() and phrase[-1:].isascii() and follows.isalnum())


def _end(constraint: Constraint, text: str) -> bool:
    text, phrase = _plain(text).rstrip("\"'”*_ "), _plain(constraint.value)
    return text.endswith(phrase.rstrip("\"'”*_ ")) or text.rstrip(".!?…").endswith(phrase.rstrip(".!?…"))


def _replace(constraint: Constraint, text: str) -> bool:
    old, new = unwanted_phrase(constraint), replacement(constraint)[1]
    return measure.count_phrase(new, text) > 0 and not (old and measure.count_phrase(old, text))


_CONTRACTION = re.compile(
    r"\b\w+(?:n['’]t|['’](?:re|ve|ll|m|d))\b|\b(?:it|that|there|here|what|let|he|she)['’]s\b", re.I
)
_SLANG = re.compile(r"\b(?:gonna|wanna|gotta|kinda|yeah|yep|nope|hey|cool|awesome|lol|btw|stuff|guys|folks)\b", re.I)


def _formal(text: str) -> bool:
    marks = "!" in text or any(measure.is_emoji(c) for c in text)
    return not (_CONTRACTION.search(text) or _SLANG.search(text) or marks)


def _casual(text: str) -> bool:
    return bool(_CONTRACTION.search(text) or _SLANG.search(text) or "!" in text)


def _simple(text: str) -> bool:
    tokens, count = measure.words(text), max(1, len(measure.sentences(text)))
    return not tokens or (sum(map(len, tokens)) / len(tokens) <= 5.2 and len(tokens) / count <= 20)


_TONES = {"formal": _formal, "casual": _casual, "simple": _simple}


def _tone(constraint: Constraint, text: str) -> bool:
    return constraint.value not in _TONES or _TONES[constraint.value](text)


_CHECKS = {
    "must_include": _include,
    "must_not_include": _exclude,
    "keep": _include,
    "replace": _replace,
    "length": _length,
    "format": _format,
    "case": _case,
    "punctuation": _punctuation,
    "language": lambda constraint, text: is_language(text, constraint.value),
    "tone": _tone,
    "start": _start,
    "end": _end,
}
