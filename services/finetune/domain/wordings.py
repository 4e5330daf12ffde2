"""Made-up messages around a corrected one: other wordings of it, and neighbours that ask something else.

Rules alone, so that they are the same in every run. What a model writes beside them is judged before it is used.
"""

from __future__ import annotations

import re

from services.common.function_words import FUNCTION_WORDS

MOST_CHARACTERS = 600
_COMPLETE = re.compile(
    r"^\s*(?:please )?(?:complete|finish|continue)(?: the| this)? (?:sentence|text|line)s?\s*[:.]\s*", re.I
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_QUESTION_WORDS = frozenset(
    "how what where which who whom whose when why is are do does can could may will would".split()
)
_OPENING_WORDS = _QUESTION_WORDS | frozenset(FUNCTION_WORDS["en"].split())
_CONTRASTS = {
    "small": "large", "large": "small", "big": "small", "single": "double", "double": "single", "new": "used",
    "child": "adult", "children": "adults", "adult": "child", "adults": "children", "summer": "winter",
    "winter": "summer", "morning": "evening", "evening": "morning", "monthly": "yearly", "yearly": "monthly",
    "first": "second", "second": "third", "weekday": "weekend", "weekend": "weekday", "express": "standard",
    "standard": "express", "basic": "premium", "premium": "basic", "monday": "thursday", "tuesday": "friday",
    "wednesday": "saturday", "thursday": "monday", "friday": "tuesday", "saturday": "wednesday", "sunday": "tuesday",
    "today": "next week", "tomorrow": "next month", "day": "night", "month": "year", "year": "week",
}  # fmt: skip
_STRANGERS = ("Alder Grove", "Merrow", "Tamsin Oakes", "Castellane", "Norbury", "Irena Vasko", "Halden", "Quince")
_THINGS = ("lamp", "ferry", "garden", "printer", "orchestra", "bakery", "passport", "helmet")


def other_wordings(message: str) -> list[str]:
    """Other wordings of a message, the surest first; none of them is the message itself."""
    message = " ".join(message[:MOST_CHARACTERS].split())
    match = _COMPLETE.match(message)
    said = _completions(message[match.end() :]) if match else _questions(message)
    return [text for text in dict.fromkeys(said) if text.casefold() != message.casefold()]


def core(message: str) -> tuple[str, str]:
    """(what only says what to do, what is asked) of a message."""
    match = _COMPLETE.match(message)
    return (message[: match.end()], message[match.end() :]) if match else ("", message)


def _completions(sentence: str) -> list[str]:
    return [
        f"Finish this sentence: {sentence}",
        f"{sentence} ...",
        f"Continue: {sentence}",
        sentence,
        f"What comes next? {sentence}",
        f"Fill in the rest. {sentence}",
    ]


def _questions(message: str) -> list[str]:
    bare = message.rstrip(" ?.!")
    lower = bare if bare[:2].isupper() else bare[:1].lower() + bare[1:]
    return [
        *_turned(bare),
        f"Hello, {lower}?",
        f"Can you tell me: {lower}?",
        lower,
        f"{bare}? Thanks!",
        f"I have a question. {bare}?",
        f"One more thing: {lower}, please?",
    ]


_TURNS = (
    (re.compile(r"how much (?:is|are) (.+)", re.I), ("What is the price of {0}?", "What do I pay for {0}?")),
    (re.compile(r"how much (?:does|do) (.+?) cost(.*)", re.I), ("How much is {0}{1}?", "What is the price of {0}{1}?")),
    (re.compile(r"what (?:does|do) (.+?) cost(.*)", re.I), ("How much is {0}{1}?", "What is the price of {0}{1}?")),
    (re.compile(r"what is the price (?:of|for) (.+)", re.I), ("How much is {0}?", "What does {0} cost?")),
    (re.compile(r"(?:can|may|could) i (.+)", re.I), ("Is it possible to {0}?", "Am I allowed to {0}?")),
    (re.compile(r"do you (?:have|offer|sell) (.+)", re.I), ("Is there {0}?", "Can I get {0} from you?")),
    (re.compile(r"is there (.+)", re.I), ("Do you have {0}?", "Does {0} exist?")),
    (re.compile(r"where (?:is|are) (.+)", re.I), ("Where can I find {0}?", "In what place is {0}?")),
    (re.compile(r"when (?:does|do|is|are) (.+)", re.I), ("I need the time: {0}?", "Tell me the time when {0}.")),
    (re.compile(r"what time (?:does|do) (.+)", re.I), ("When does {0}?", "At what hour does {0}?")),
    (re.compile(r"how long (?:does|do|is|are) (.+)", re.I), ("For how much time is {0}?", "Tell me how long {0}.")),
    (re.compile(r"what is the (.+?) of (.+)", re.I), ("Tell me the {0} of {1}.", "Which {0} has {1}?")),
    (re.compile(r"who (?:is|are) (.+)", re.I), ("What is the name of {0}?", "Tell me who {0} is.")),
)  # fmt: skip


def _turned(bare: str) -> list[str]:
    for pattern, others in _TURNS:
        match = pattern.fullmatch(bare)
        if match:
            return [other.format(*match.groups()) for other in others]
    return []


def neighbours(message: str) -> list[str]:
    """Messages that sound like it and ask something else: another name, another number, another condition, or another
    thing. The other names are of nobody, since those of other corrections might ask what was corrected there."""
    opening, asked = core(" ".join(message[:MOST_CHARACTERS].split()))
    made: list[str] = []
    names = _names(asked)
    if names:
        number = sum(message.encode())
        strangers = [_STRANGERS[(number + at) % len(_STRANGERS)] for at in (0, 3)]
        made += [opening + asked.replace(names[0], stranger) for stranger in strangers]
    for match in _WORD.finditer(asked):
        word = match.group()
        instead = _contrast(word)
        if instead is None and word.isdigit():
            instead = str(int(word[:6]) + 7)
        if instead is not None:
            made.append(opening + asked[: match.start()] + instead + asked[match.end() :])
    if not made:
        every = list(_WORD.finditer(asked))
        telling = [m for m in every if len(m.group()) > 3 and m.group().lower() not in _QUESTION_WORDS]
        words = telling or every
        if words:
            longest = max(words, key=lambda m: len(m.group()))
            thing = _THINGS[sum(message.encode()) % len(_THINGS)]
            made.append(opening + asked[: longest.start()] + thing + asked[longest.end() :])
    return [text for text in dict.fromkeys(made) if text.casefold() != message.casefold()]


def _contrast(word: str) -> str | None:
    """What excludes the word, in the singular or in the plural; None where nothing is known to."""
    lower = word.lower()
    if lower in _CONTRASTS or not lower.endswith("s"):
        return _CONTRASTS.get(lower)
    return f"{_CONTRASTS[lower[:-1]]}s" if lower[:-1] in _CONTRASTS else None


def _names(text: str) -> list[str]:
    """Runs of capitalised words, the longest first; a capital that only opens a question is no name, nor is a day."""
    runs: list[str] = []
    run: list[str] = []
    for at, word in enumerate(text.split()):
        plain = word.strip(",.?!:;\"'()")
        joins = bool(run) and plain.lower() in ("of", "the", "de", "la", "and", "for", "in")
        telling = not _contrast(plain) and not (at == 0 and plain.lower() in _OPENING_WORDS)
        if (plain[:1].isupper() and telling) or joins:
            run.append(plain)
        elif run:
            runs.append(" ".join(run))
            run = []
        if word and word[-1] in ",.?!:;" and run:
            runs.append(" ".join(run))
            run = []
    if run:
        runs.append(" ".join(run))
    cut = [re.sub(r"(?: (?:of|the|de|la|and|for|in))+$", "", name) for name in runs]
    return sorted((name for name in cut if len(name) > 1 and name in text), key=len, reverse=True)
