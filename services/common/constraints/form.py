"""`format`: the shape of a reply, such as a list, a title, parts with names, or JSON."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable

from services.common import text_measures as measure
from services.common.constraints.case import with_chosen_words
from services.common.constraints.constraint import Constraint
from services.common.constraints.kind import Kind, value_missing, within

FORMATS = (
    "bullets",
    "numbered",
    "list",
    "json",
    "title",
    "table",
    "quotation",
    "sections",
    "highlights",
    "placeholders",
    "postscript",
    "separator",
    "one_of",
    "code",
    "heading",
    "plain",
    "prose",
)
_ORDERS = {
    "bullets": "Answer as a bulleted list.",
    "numbered": "Answer as a numbered list.",
    "list": "Answer as a list.",
    "json": "Answer in JSON only.",
    "title": "Begin with a title in double angle brackets, such as <<title>>.",
    "table": "Answer as a table.",
    "quotation": 'Put the whole answer in double quotation marks ("…").',
    "plain": "Answer in plain text without any formatting.",
    "prose": "Answer in running prose, not as a list.",
}
_LISTS = ("bullets", "numbered", "list")
_RANKS = {
    "bullets": 0,
    "numbered": 0,
    "list": 0,
    "prose": 0,
    "sections": 1,
    "highlights": 1,
    "title": 2,
    "postscript": 2,
    "quotation": 6,
    "json": 7,
}
_TITLE_WORDS = 12
_ENUMERATED = re.compile(
    r",\s+(?:and|or|und|oder|et|ou|y|o)\s+|,\s+|;\s+|\s+(?:and|or|und|oder|et|ou|y)\s+|、|；|，"
    r"|(?<=[\u4e00-\u9fff])[和与及](?=[\u4e00-\u9fff])"
)
"""Between the things that a sentence enumerates."""
_ITEM = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")


def name_and_argument(constraint: Constraint) -> tuple[str, str]:
    """The format's name and what stands behind its colon."""
    name, _, argument = constraint.value.partition(":")
    return name, argument


def _check(constraint: Constraint, text: str) -> bool:
    name, argument = name_and_argument(constraint)
    text = text.strip()
    match name:
        case "json":
            return _is_json(text)
        case "title":
            return _has_title(text, argument)
        case "quotation":
            return len(text) > 2 and text[0] in '"“„«「' and text[-1] in '"”“»」'
        case "separator":
            parts = [part.strip() for part in text.split(argument or "******")]
            return len([p for p in parts if p]) >= (constraint.min or 2) and len(set(parts)) > 1
        case "one_of":
            return any(option.strip() and option.strip() in text for option in argument.split("|"))
        case "postscript":
            marker = re.escape(argument or "P.S.").replace(r"\.", r"\.\s?").rstrip("?").removesuffix(r"\s")
            return re.search(rf"(?:^|\n|\s){marker}\s*\S", text, re.I) is not None
        case "plain":
            return not re.search(r"^#{1,6} |\*\*|^\s*[-*•] |^\s*\||```", text, re.M)
        case "prose":
            return measure.bullets(text) + measure.numbered(text) == 0
    return within(constraint, _items(name, argument, text))


def _items(name: str, argument: str, text: str) -> int:
    """How many items of that format the text has."""
    match name:
        case "bullets":
            return measure.bullets(text)
        case "numbered":
            return measure.numbered(text)
        case "list":
            return max(measure.bullets(text), measure.numbered(text))
        case "table":
            return measure.table_rows(text)
        case "sections":
            return len(re.findall(rf"(?:^|\n)\W*{re.escape(argument or 'Section')}\s+\w+", text, re.I))
        case "highlights":
            marked = re.findall(r"\*\*([^\n*]+)\*\*|(?<!\*)\*([^\n*]+)\*(?!\*)", text)
            return sum(1 for strong, weak in marked if (strong or weak).strip())
        case "placeholders":
            return len(re.findall(r"\[[^\]\n]+\]", text))
        case "heading":
            return len(re.findall(r"^#{1,6} \S", text, re.M))
        case _:
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


def _problem(constraint: Constraint) -> tuple[str, str] | None:
    if problem := value_missing(constraint):
        return problem
    if name_and_argument(constraint)[0] not in FORMATS:
        return "value", f"{constraint.value!r} is no format; known: {', '.join(FORMATS)}"
    return None


def _conflict(earlier: Constraint, later: Constraint) -> str:
    one_is_prose = (earlier.value == "prose") != (later.value == "prose")
    list_and_prose = one_is_prose and {earlier.value, later.value} & set(_LISTS)
    return f"asks for {earlier.value} and for {later.value}" if list_and_prose else ""


def _rewrite(constraint: Constraint, text: str, message: str) -> str | None:
    name, argument = name_and_argument(constraint)
    if name not in ("title", "json") and _check(constraint, text):
        return text
    match name:
        case "quotation":
            return f'"{text.strip(chr(34))}"'
        case "title":
            return _titled(text, message)
        case "postscript":
            return _with_postscript(text, argument or "P.S.")
        case "bullets" | "list":
            return _listed(text, constraint, lambda number: "* ")
        case "numbered":
            return _listed(text, constraint, lambda number: f"{number}. ")
        case "prose":
            return _as_prose(text)
        case "json":
            return json.dumps({"answer": text}, ensure_ascii=False)
        case "sections":
            return _divided(text, argument or "Section", constraint.min or constraint.max or 2)
        case "highlights":
            return with_chosen_words(text.replace("*", ""), constraint.min or 1, lambda word: f"*{word}*")
        case _:
            return None


def _with_postscript(text: str, marker: str) -> str | None:
    *others, last = measure.pieces(text)
    return f"{''.join(others).rstrip()}\n\n{marker} {_ITEM.sub('', last).strip()}" if others else None


def _titled(text: str, message: str) -> str | None:
    first = next((line for line in message.splitlines() if line.strip()), "")
    title = " ".join(first.split()[:_TITLE_WORDS]).strip("<>?.!:, ")
    return f"<<{title}>>\n\n{text}" if title else None


def _listed(text: str, constraint: Constraint, marker: Callable[[int], str]) -> str | None:
    """The items of a list, else the sentences, else what a sentence enumerates, each behind its marker.

    Nothing that the text says is left out: where fewer items are wanted than there are, the last one holds the rest.
    """
    least, most = constraint.min or 1, constraint.max
    items = [_ITEM.sub("", line) for line in text.splitlines() if _ITEM.match(line)]
    intro = "\n".join(line for line in text.splitlines() if not _ITEM.match(line)).strip() if items else ""
    if len(items) < max(2, least) or intro:
        parts = measure.pieces(text)
        items, intro = [(_ITEM.sub("", part) if items else part).strip() for part in parts], ""
    if len(items) < max(2, least):
        items = [part.strip() for item in items for part in _ENUMERATED.split(item) if part.strip()]
    if most is not None and len(items) > most:
        items = [*items[: most - 1], " ".join(items[most - 1 :])]
    if len(items) < max(least, 2 if most is None or most > 1 else 1):
        return None
    return "\n".join(f"{marker(number)}{item.strip()}" for number, item in enumerate(items, 1))


def _as_prose(text: str) -> str | None:
    """The items of a list as sentences one after the other."""
    lines = [_ITEM.sub("", line).strip() for line in text.splitlines() if line.strip()]
    ended = [line if measure.sentence_ended(line) or line.endswith(":") else f"{line}." for line in lines]
    return " ".join(ended) or None


def _divided(text: str, name: str, count: int) -> str | None:
    """The text in `count` parts of about as many sentences, each under its name and number."""
    parts = measure.pieces(text)
    if len(parts) < count:
        return None
    cuts = [round(at * len(parts) / count) for at in range(count + 1)]
    sections = ["".join(parts[start:end]).strip() for start, end in itertools.pairwise(cuts)]
    return "\n\n".join(f"{name} {number}\n{section}" for number, section in enumerate(sections, 1))


FORMAT = Kind(
    "format",
    _check,
    description=lambda constraint: _ORDERS.get(name_and_argument(constraint)[0], ""),
    problem=_problem,
    conflict=_conflict,
    rewrite=_rewrite,
    rank=lambda constraint: _RANKS.get(name_and_argument(constraint)[0], 1),
)
