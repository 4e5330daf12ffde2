"""The small change of the comment grammar: quotes, numbers, amounts, and the phrases that people point at."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.common.number_words import NUMBER_WORDS
from services.tracker.domain.normalise import number_value

_QUOTES = re.compile(
    r"\"([^\"]{1,400})\"|“([^”]{1,400})”|„([^“”\"]{1,400})[“”\"]|«([^»]{1,400})»|「([^」]{1,400})」"
    r"|(?<!\w)'((?:[^'\n]|(?<=\w)'(?=\w)){1,400}?)'(?!\w)|(?<!\w)‘([^’]{1,400})’(?!\w)|`([^`]{1,400})`"
)
MARK = r"⟦\d+⟧"
"""Stands for a quoted text while the rules run."""

_word = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_NUMBERS = (
    rf"(?:{_word}|(?:an?|half an?)(?= (?:hundred|thousand|dozen)\b)|hundred|thousand)(?:[- ](?:{_word}|hundred"
    rf"|thousand|dozen)\b"
    rf"|(?:(?<=hundred)|(?<=thousand)) and (?:{_word})\b)*"
)
NUMBER = (
    rf"(?:\b\d{{1,3}}(?:[,.'’ \u00a0\u202f]\d{{3}})+\b|\b\d{{1,6}}\b(?![.,]\d)|\b(?:{_NUMBERS})\b|\ban?(?= (?:single "
    rf"|couple |few )?(?:of )?\w))"
)
"""A number as people write it in full: "1,000", "one hundred and fifty", "two dozen"."""
COUNT = (
    rf"(?:\d[\d,]*|(?:{_NUMBERS})|an?(?= (?:single|couple|few|dozen|"
    r"hundred))[^,.;]*?|a|an)"
)
"""A number in digits or words, or an article that counts as one."""

_AMOUNTS = (
    (rf"between (?P<low>{COUNT}) (?:and|to) (?P<high>{COUNT})", "range"),
    (r"(?:from )?(?P<low>\d[\d,]*) ?(?:-|–|to) ?(?P<high>\d[\d,]*)", "range"),
    (
        rf"(?:at least|no (?:fewer|less) than|not (?:fewer|less) than|a minimum of|minimum(?: of)?) (?P<n>{COUNT})",
        "min",
    ),
    (rf"(?:more than|over|above) (?P<n>{COUNT})", "above"),
    (r"(?P<n>\d[\d,]*) ?\+", "min"),
    (
        rf"(?:at most|no more than|not more than|up to|a maximum of|maximum(?: of)?|max\.?|within|no longer than"
        r"|not (?:exceed|longer than|exceeding)|not to exceed|limited? (?:it )?to|(?:keep|stay|cap)(?:ped)? "
        rf"(?:it )?(?:to|at|within)) (?P<n>{COUNT})",
        "max",
    ),
    (rf"(?:less than|fewer than|under|below|shorter than) (?P<n>{COUNT})", "below"),
    (rf"(?:around|about|approximately|roughly|some|circa|ca\.|~) ?(?P<n>{COUNT})", "about"),
    (rf"(?:exactly|precisely|just|only|in|of|with|as|to)? ?(?P<n>{COUNT})", "exact"),
)
_BEHIND = (
    (r"^ ?(?:or (?:less|fewer)|at (?:the )?most|max(?:imum)?\b|tops|or under|or shorter)", "max"),
    (r"^ ?(?:or more|at (?:the )?least|min(?:imum)?\b|or longer)", "min"),
)
AMOUNT = re.compile("|".join(f"(?:{re.sub(r'[?]P<(low|high|n)>', '?:', p)})" for p, _ in _AMOUNTS), re.I)
"""Matches any amount; `amount` says what it means."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Bounds of a count; both may be given."""

    min: int | None
    max: int | None


def number(text: str) -> int | None:
    """The number that COUNT or NUMBER matched."""
    text = re.sub(r"(?<=\d)[,.'’ \u00a0\u202f](?=\d{3}\b)", "", text.strip().lower()).replace(",", "")
    if re.match(r"(?:a|an)(?: single)?$", text) or text == "single":
        return 1
    for word, value in (("couple", 2), ("few", 3)):
        if re.match(rf"an? {word}", text):
            return value
    if text.startswith("half a"):
        rest = number(text.removeprefix("half").strip())
        return rest // 2 if rest else None
    if "dozen" in text:
        times = number(text.replace("dozen", "").strip() or "one")
        return 12 * times if times else None
    value_text = number_value(re.sub(r"^an? (?=hundred|thousand)", "one ", text))
    return int(value_text) if value_text and value_text.isdigit() else None


def amount(text: str, behind: str = "") -> Amount | None:
    """The bounds that a phrase such as "at most fifty" means; `behind` is what follows the unit ("or less")."""
    text = text.strip()
    for pattern, kind in _AMOUNTS:
        match = re.fullmatch(pattern, text, re.I)
        if not match:
            continue
        groups = match.groupdict()
        if kind == "range":
            low, high = number(groups["low"]), number(groups["high"])
            return Amount(min(low, high), max(low, high)) if low is not None and high is not None else None
        n = number(groups["n"])
        if n is None:
            return None
        for after, other in _BEHIND:
            if re.match(after, behind, re.I):
                kind = other
        return {
            "min": Amount(n, None),
            "above": Amount(n + 1, None),
            "max": Amount(None, n),
            "below": Amount(None, max(1, n - 1)),
            "about": Amount(max(1, round(n * 0.8)), max(1, round(n * 1.2))),
            "exact": Amount(n, n),
        }[kind]
    return None


class Quotes:
    """Takes quoted texts out of a comment, so that no rule reads into them, and gives them back."""

    def __init__(self, comment: str) -> None:
        self._texts: list[str] = []
        self.text = _QUOTES.sub(self._take, comment.translate({ord("⟦"): "[", ord("⟧"): "]"}))

    def _take(self, match: re.Match[str]) -> str:
        quoted = next(g for g in match.groups() if g is not None)
        self._texts.append(quoted.strip())
        return f"⟦{len(self._texts) - 1}⟧"

    def marked(self, text: str) -> list[str]:
        """The quoted texts whose marks stand in `text`."""
        found = [self._texts[int(i)] for i in re.findall(r"⟦(\d+)⟧", text)]
        return [re.sub(r"[,;]$", "", t).strip() for t in found if t.strip()]

    def plain(self, text: str) -> str:
        """`text` with its quotes put back."""
        return re.sub(r"⟦(\d+)⟧", lambda m: f'"{self._texts[int(m[1])]}"', text)


_INTRO = re.compile(
    r"^(?:(?:also|at least|both|only|even|again|either|anything about|any(?:thing)? (?:of|like)|(?:any )?"
    r"(?:mention|use|"
    r"reference|talk|discussion)s? (?:of|to|about)"
    r"|the (?:use|mention|usage) of|the fact|something about|a (?:mention|note|sentence|line|word|bit|paragraph|"
    r"section) (?:about|on|of)"
    r"|(?:some )?(?:information|info|details?|more) (?:about|on)|about|of|to|on|with)\s+)*"
    r"(?:(?:the|these|those|this|that|a|an|any|all|following|my|our|your|its|both|such)\s+)*"
    r"(?:(?:exact|single|specific|following|actual|very)\s+)*"
    r"(?:(?P<plural>words|keywords|key words|terms|phrases|names|expressions|topics)|word|keyword|key word|term|"
    r"phrase|name|expression|topic)?"
    r"\s*[:\-]?\s*(?:(?:the|a|an|any|of|like|such as)\s+)*",
    re.I,
)
_OUTRO = re.compile(
    r"(?:\s+(?:please|anywhere|at all|again|too|as well|somewhere|instead|at some point|in there|thanks|this time"
    r"|explicitly|once|a bit"
    r"|(?:somewhere |anywhere )?(?:in|from|into|throughout|within) (?:your|the|this|that|its) (?:\w+ )?(?:answer|"
    r"reply|response|output|text|message|draft|next (?:answer|reply)|version|email|letter|essay|story|poem|"
    r"summary|explanation)"
    r"|in it|from it|to it))+$",
    re.I,
)
_EMPTY = frozenset(
    "it that this them these those anything something everything more less one ones him her so too me us you "
    "what which stuff things thing"
    " word words rest others else information details answer reply response text the a an any all".split()
)
_SPLIT = re.compile(r"\s*(?:,\s*(?:and|or)\s+|,\s*|\s+and\s+|\s+or\s+|\s*&\s*|\s+nor\s+)\s*", re.I)


def _listed(quoted: str) -> list[str]:
    """The words of a list that stands in one pair of quotation marks ("salt, sea air"); a sentence is one phrase, and
    so is a name with what it lies in ("Paris, France")."""
    parts = re.split(r"\s*,\s*(?:(?:and|or)\s+)?|\s+(?:and|or)\s+", quoted) if "," in quoted else [quoted]
    short = len(parts) > 1 and all(0 < len(part.split()) <= 3 and not re.search(r"[.!?;:]", part) for part in parts)
    return parts if short and not (len(parts) == 2 and all(part.istitle() for part in parts)) else [quoted]


def phrases(text: str, quotes: Quotes, limit: int = 5) -> tuple[list[str], list[str]]:
    """(phrases, long ones) that a captured stretch names: the quoted ones if any, else its words without frills.

    A phrase of more than `limit` words is a description and not something to be found word for word.
    """
    quoted = quotes.marked(text)
    if quoted:
        return [word for one in quoted for word in _listed(one)], []
    intro = _INTRO.match(text.strip())
    described = re.match(r"\s*(?:about\s+)?(?:that|how|why|when|where|whether|if|what)\s+\w+\s+\w", text, re.I)
    rest = text.strip()[intro.end() :] if intro else text.strip()
    rest = _OUTRO.sub("", rest.strip(" \t.,;:!?\"'“”")).strip(" \t.,;:!?\"'“”")
    if described:
        return [], [re.sub(r"^(?:that|how|why|when|where|whether|if|what)\s+", "", rest, flags=re.I)]
    short: list[str] = []
    long: list[str] = []
    for piece in _SPLIT.split(rest):
        piece = re.sub(r"^(?:the|a|an|any|your|its|our|word|phrase|about)\s+", "", piece.strip(), flags=re.I)
        piece = piece.strip(" .,;:!?\"'")
        if not piece or piece.lower() in _EMPTY:
            continue
        (short if len(piece.split()) <= limit else long).append(piece)
    return short, long
