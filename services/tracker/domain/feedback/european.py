"""Comments in German, French and Spanish about length, words, lists, language and tone.

A clause is read only where a rule explains all of it; any other is reported as not understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import regex

from services.common.constraints import Constraint
from services.common.text_measures import count_phrase, count_words
from services.tracker.domain.feedback.comments import Parsed
from services.tracker.domain.feedback.grammar import SOURCE

_QUOTED = re.compile(
    r"\"([^\"\n]{1,200})\"|“([^”\n]{1,200})”|„([^“”\n]{1,200})[“”]|«\s?([^»\n]{1,200}?)\s?»"
    r"|(?<!\w)'([^'\n]{1,200})'(?!\w)"
)
_MARK = r"⟦\d+⟧"
_TARGET = (
    rf"(?P<target>(?:(?:{{word_of}})\s+)?{_MARK}(?:\s*(?:,|{{and_}})\s*{_MARK})*|[^\s⟦⟧]+(?:\s[^\s⟦⟧]+){{{{0,3}}}}?)"
)
_MOST_CLAUSE = 200
_GOVERNS = re.compile(
    r"\b(vergiss(?: bitte)? nicht|vergessen sie(?: bitte)? nicht|denk(?:e|en sie)? daran|(?:mir|uns) gefällt(?: es"
    r"| das)? nicht),\s+",
    re.I,
)
"""What a comma follows although it governs the rest of its clause."""
_TEN, _HUNDRED = 10, 100
_NO_NAME = re.compile(
    r"\b(?:nicht|nie|niemals|kein(?:e[nrms]?)?|pas|jamais|nunca|jamás|als|como|sous forme|en forma)\b", re.I
)
"""No phrase that is to be said, or not to be said, holds one of these."""


@dataclass(frozen=True)
class Grammar:
    """The words of one language. Values are patterns without groups, but for those that say what a group holds."""

    code: str
    and_: str
    splits: str
    """Where a clause ends beside marks: words that join wishes."""
    polite: str
    fillers: str
    """What may stand around a wish without changing it."""
    articles: str
    word_of: str
    """What stands before a quoted word ("the word")."""
    shorter: tuple[str, ...]
    longer: tuple[str, ...]
    much: str
    little: str
    include: tuple[str, ...]
    """Each with `{t}` where the words stand."""
    exclude: tuple[str, ...]
    keep: tuple[str, ...]
    replace: tuple[str, ...]
    """With `{old}` and `{new}`."""
    start: tuple[str, ...]
    end: tuple[str, ...]
    """Each with `{q}` where a quoted text stands."""
    no_exclamation: tuple[str, ...]
    no_emoji: tuple[str, ...]
    bullets: tuple[str, ...]
    numbered: tuple[str, ...]
    prose: tuple[str, ...]
    language: tuple[str, ...]
    """Each with `{l}` where the language stands."""
    languages: dict[str, str]
    tone: tuple[str, ...]
    """Each with `{w}` where a tone stands; `too` has those that turn it round."""
    too: tuple[str, ...]
    tones: dict[str, str]
    opposites: dict[str, str]
    amount: tuple[str, ...]
    """What may stand before and behind a count, with `{n}` for the count with its unit."""
    most: str
    below: str
    least: str
    above: str
    exact: str
    about: str
    behind_most: str
    behind_least: str
    between: str
    numbers: dict[str, int]
    units: dict[str, str]
    chat: str
    nothing: tuple[str, ...] = field(default=())
    """Whole clauses that ask for nothing and need no report."""
    never_words: str = r"$^"
    """What no phrase begins with: words that show that a clause means something else."""


class EuropeanReader:
    """Reads comments in one language; made once, for compiling its rules takes a while."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._clause = re.compile(
            rf"(?<!\d)[.](?!\d)|(?<=\d)[.](?=\s*$)|[;!?¡¿\n]+|,\s*(?:{grammar.splits})?\b"
            rf"|\s+(?:{grammar.splits})\s+(?!⟦)",
            re.I,
        )
        self._both = self._two_bounds()
        self._polite = re.compile(rf"\b(?:{grammar.polite})\b[,\s]*|^\s+|\s+$", re.I)
        self._rules = list(self._made())

    def read(self, comment: str, draft: str) -> Parsed:
        """All that the comment asks of the draft."""
        quotes: list[str] = []

        def hide(match: re.Match[str]) -> str:
            quotes.append(next(group for group in match.groups() if group is not None).strip())
            return f"⟦{len(quotes) - 1}⟧"

        text = _QUOTED.sub(hide, comment.replace("’", "'").translate({ord("⟦"): "[", ord("⟧"): "]"}))
        text = _GOVERNS.sub(r"\1 ", text)
        parsed = Parsed()
        if both := self._both.search(text):
            parsed.constraints.append(self._bounded(both))
            text = f"{text[: both.start()]}. {text[both.end() :]}"
        for whole in self._clauses(text):
            clause = " ".join(self._polite.sub(" ", whole).split()).strip(" ,:")
            if not re.search(r"\w", clause) or re.fullmatch(self._grammar.chat, clause, re.I):
                continue
            constraints = self._constraints(clause, quotes, draft) if len(clause) <= _MOST_CLAUSE else None
            if constraints is None:
                parsed.unparsed.append(
                    re.sub(r"⟦(\d+)⟧", lambda match: f'"{quotes[int(match[1])]}"', whole.strip())[:200]
                )
            else:
                parsed.constraints += [one for one in constraints if one not in parsed.constraints]
        parsed.topics = [one.value for one in parsed.constraints if one.kind == "must_include"]
        return parsed

    def _two_bounds(self) -> regex.Pattern[str]:
        """ "At least 20 words, at most 30", in either order; the unit stands beside one of the two."""
        grammar = self._grammar
        number, unit = self._number_pattern(), self._unit_pattern()
        joint = rf"\s*,?\s*(?:(?:{grammar.and_}|{grammar.splits})\s+)?"
        first, second = (
            rf"(?:{grammar.least})\s+(?P<low>{number})(?:\s+(?P<low_unit>{unit}))?",
            rf"(?:{grammar.most})\s+(?P<high>{number})(?:\s+(?P<high_unit>{unit}))?",
        )
        return regex.compile(rf"\b(?|{first}{joint}{second}|{second}{joint}{first})\b", regex.I)

    def _bounded(self, match: regex.Match[str]) -> Constraint:
        unit = match["low_unit"] or match["high_unit"] or ""
        name = self._grammar.units.get(unit.lower(), "words")
        low, high = sorted((self._number(match["low"]), self._number(match["high"])))
        return Constraint("length", "", name, low, high, SOURCE)

    def _unit_pattern(self) -> str:
        return "|".join(sorted(map(re.escape, self._grammar.units), key=len, reverse=True))

    def _number_pattern(self) -> str:
        """Digits, or words of numbers, which may be composed ("hundertfünfzig", "cent cinquante")."""
        word = "|".join(sorted(self._grammar.numbers, key=len, reverse=True))
        return rf"(?:\d{{1,3}}(?:[.,]\d{{3}})+|\d+|(?:{word})(?:[\s-]?(?:(?:und|et|y)[\s-]?)?(?:{word})){{0,4}})"

    def _clauses(self, text: str) -> Iterator[str]:
        start = 0
        for match in self._clause.finditer(text):
            yield text[start : match.start()]
            start = match.end()
        yield text[start:]

    def _constraints(self, clause: str, quotes: list[str], draft: str) -> list[Constraint] | None:
        for kind, pattern in self._rules:
            match = pattern.fullmatch(clause)
            if match is not None and (constraints := self._built(kind, match, quotes, draft)) is not None:
                return constraints
        return None

    def _made(self) -> Iterator[tuple[str, regex.Pattern[str]]]:
        grammar = self._grammar
        unit, number = self._unit_pattern(), self._number_pattern()
        sign = "|".join(
            rf"(?P<{name}>{pattern})"
            for name, pattern in (
                ("most", grammar.most), ("below", grammar.below), ("least", grammar.least), ("above", grammar.above),
                ("exact", grammar.exact), ("about", grammar.about),
            )
        )  # fmt: skip
        behind = rf"(?:\s+(?:(?P<behind_most>{grammar.behind_most})|(?P<behind_least>{grammar.behind_least})))?"
        bounds = grammar.between.format(n=number)
        count = rf"(?:(?:{sign})\s+)?(?:{bounds}|(?P<n>{number}))\s+(?P<unit>{unit}){behind}"
        languages = "|".join(sorted(grammar.languages, key=len, reverse=True))
        tones = "|".join(sorted(grammar.tones, key=len, reverse=True))
        opposites = "|".join(sorted({*grammar.opposites, *grammar.tones}, key=len, reverse=True))
        target = _TARGET.format(and_=grammar.and_, word_of=grammar.word_of)
        old, new = (rf"(?P<{name}>{_MARK}|[^\s⟦⟧]+(?:\s[^\s⟦⟧]+){{0,3}}?)" for name in ("old", "new"))
        groups: tuple[tuple[str, tuple[str, ...], dict[str, str]], ...] = (
            ("nothing", grammar.nothing, {}),
            ("amount", grammar.amount, {"n": count}),
            ("shorter", grammar.shorter, {}),
            ("longer", grammar.longer, {}),
            ("exclamation", grammar.no_exclamation, {}),
            ("emoji", grammar.no_emoji, {}),
            ("prose", grammar.prose, {}),
            ("bullets", grammar.bullets, {}),
            ("numbered", grammar.numbered, {}),
            ("language", grammar.language, {"l": rf"(?P<language>{languages})"}),
            ("tone", grammar.tone, {"w": rf"(?P<tone>{tones})"}),
            ("too", grammar.too, {"w": rf"(?P<tone>{opposites})"}),
            ("start", grammar.start, {"q": rf"(?P<target>{_MARK})"}),
            ("end", grammar.end, {"q": rf"(?P<target>{_MARK})"}),
            ("replace", grammar.replace, {"old": old, "new": new}),
            ("keep", grammar.keep, {"t": target}),
            ("exclude", grammar.exclude, {"t": target}),
            ("include", grammar.include, {"t": target}),
        )
        filler = rf"(?:(?:{grammar.fillers})\s+)*"
        for kind, patterns, values in groups:
            for pattern in patterns:
                for name, value in values.items():
                    pattern = pattern.replace("{" + name + "}", value)
                yield kind, regex.compile(rf"{filler}(?:{pattern})", regex.I)

    def _built(self, kind: str, match: regex.Match[str], quotes: list[str], draft: str) -> list[Constraint] | None:
        grammar = self._grammar
        match kind:
            case "amount":
                return self._amount(match)
            case "shorter" | "longer":
                return [self._relative(kind, match[0], draft)]
            case "exclamation":
                return [Constraint("punctuation", "!", "", None, 0, SOURCE)]
            case "emoji":
                return [Constraint("punctuation", "emoji", "", None, 0, SOURCE)]
            case "bullets" | "numbered" | "prose":
                return [Constraint("format", kind, source=SOURCE)]
            case "language":
                return [Constraint("language", grammar.languages[match["language"].lower()], source=SOURCE)]
            case "tone":
                return [Constraint("tone", grammar.tones[match["tone"].lower()], source=SOURCE)]
            case "too":
                opposite = grammar.opposites.get(match["tone"].lower())
                return [Constraint("tone", opposite, source=SOURCE)] if opposite else None
            case "start" | "end":
                return [Constraint(kind, self._phrases(match["target"], quotes)[0], source=SOURCE)]
            case "replace":
                old, new = (self._phrases(match[name], quotes) for name in ("old", "new"))
                known = bool(old) and (count_phrase(old[0], draft) > 0 or "⟦" in match["old"])
                return [Constraint("replace", f"{old[0]} => {new[0]}", source=SOURCE)] if known and new else None
            case "keep":
                kept = [one for one in self._phrases(match["target"], quotes) if count_phrase(one, draft)]
                return [Constraint("keep", phrase, source=SOURCE) for phrase in kept] or None
            case "include" | "exclude":
                name = "must_include" if kind == "include" else "must_not_include"
                return [Constraint(name, one, source=SOURCE) for one in self._phrases(match["target"], quotes)] or None
            case _:
                return None

    def _phrases(self, text: str, quotes: list[str]) -> list[str]:
        quoted = [quotes[int(number)] for number in re.findall(r"⟦(\d+)⟧", text)]
        if quoted:
            return quoted
        phrases = []
        for part in re.split(rf"\s+(?:{self._grammar.and_})\s+|\s*,\s*", text):
            phrase = re.sub(rf"^(?:(?:{self._grammar.articles})\s+|l'|d'|all')+", "", part.strip(), flags=re.I)
            if not phrase or re.match(self._grammar.never_words, phrase, re.I) or _NO_NAME.search(phrase):
                return []
            phrases.append(phrase)
        return phrases

    def _relative(self, direction: str, clause: str, draft: str) -> Constraint:
        words = count_words(draft)[1]
        much, little = (re.search(pattern, clause, re.I) for pattern in (self._grammar.much, self._grammar.little))
        if direction == "shorter":
            share = 0.5 if much else 0.85 if little else 0.65
            return Constraint("length", "shorter", "words", None, max(1, round(words * share)) if words else 60, SOURCE)
        share = 1.6 if much else 1.15 if little else 1.3
        return Constraint("length", "longer", "words", max(1, round(words * share)) if words else 80, None, SOURCE)

    def _amount(self, match: regex.Match[str]) -> list[Constraint] | None:
        groups = match.groupdict()
        unit = self._grammar.units[groups["unit"].lower()]
        if groups.get("low"):
            low, high = self._number(groups["low"]), self._number(groups["high"])
            return [Constraint("length", "", unit, min(low, high), max(low, high), SOURCE)]
        n = self._number(groups["n"])
        if groups.get("most") or groups.get("behind_most"):
            bounds: tuple[int | None, int | None] = (None, n)
        elif groups.get("below"):
            bounds = (None, max(1, n - 1))
        elif groups.get("least") or groups.get("behind_least"):
            bounds = (n, None)
        elif groups.get("above"):
            bounds = (n + 1, None)
        elif groups.get("about"):
            bounds = (max(1, round(n * 0.8)), round(n * 1.2))
        else:
            bounds = (n, n)
        return [Constraint("length", "", unit, bounds[0], bounds[1], SOURCE)]

    def _number(self, text: str) -> int:
        digits = re.sub(r"[.,]", "", text)
        if digits.isdigit():
            return int(digits)
        known = sorted(self._grammar.numbers, key=len, reverse=True)
        total = 0
        for word in re.findall("|".join(map(re.escape, known)), text.lower()):
            value = self._grammar.numbers[word]
            total = total * value if value == _HUNDRED and 0 < total < _TEN else total + value
        return total
