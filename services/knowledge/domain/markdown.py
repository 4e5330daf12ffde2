"""Markdown (CommonMark with tables, front matter, footnotes and details) becomes blocks."""

from __future__ import annotations

import html
import json
import re
import tomllib
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from services.knowledge.domain import pages
from services.knowledge.domain.blocks import Answer, Heading, Listing, Note, Paragraph, Reading, joined
from services.knowledge.domain.prose import ANSWERS, ASKS
from services.knowledge.domain.tables import Cell, table_of

MAX_FRONT_MATTER = 20_000
_PARSER = MarkdownIt("commonmark", {"maxNesting": 20}).enable("table").disable(["inline", "reference"])
_FIELD = re.compile(r"^(?:[\w-]{1,60}[ \t]{0,4}[:=].*|[ \t]+\S.*|-[ \t].*|#.*|[ \t]*)$")
_NOTE = re.compile(r"^ {0,3}\[\^([^\]\s]{1,60})\]:[ \t]*(.*)$")
_EMPHASIS = re.compile(r"(\*\*|__|~~|`)(?=\S)([^*_~`\n]{1,400}?)(?<=\S)\1")
_LIGHT = re.compile(
    r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,400}?)(?<=[^\s*])\*(?![\w*])|(?<![\w_])_(?=[^\s_])([^_\n]{1,400}?)_(?![\w_])"
)
_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\]\(<?([^()\s<>]{0,500})>?(?:\s{1,4}\"[^\"\n]{0,200}\")?\)")
_BREAK = re.compile(r"(?:(?<! ) {2,}|\\)\n|<br[ ]{0,4}/?>\n?", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:b|strong|i|em|u|sub|sup|span|small|mark|kbd|code|a)(?:\s[^<>]{0,300})?>|<!--[^<>]{0,2000}-->", re.IGNORECASE
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_RULED = re.compile(r"^[ \t]{0,3}\|?[ \t]*:?-+:?[ \t]*\|[\s|:-]*$", re.MULTILINE)
_HEADED = re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.MULTILINE)
_ANCHOR = re.compile(r"[ \t]{0,8}\{#[\w-]{1,80}\}[ \t]{0,8}$")
_NEXT_LINE = re.compile(rf"\n(?=[ \t]{{0,3}}(?:{ASKS.pattern}|{ANSWERS.pattern}))", re.IGNORECASE)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_STRONG_LEAD = re.compile(r"^(?:\*\*|__)(?=\S)([^*_\n]{1,400}?)(?:\*\*|__)[ \t:]{0,3}(.*)$", re.DOTALL)
_PIPE = re.compile(r"(?<!\\)\|")
_QUOTE_MARK = re.compile("(?:^|(?<=[\u2028\u2029\x85])) {0,3}> ?", re.MULTILINE)
_SEPARATOR = re.compile("[\u2028\u2029\x85]")
_LEADING_SEPARATORS = re.compile("^[\u2028\u2029\x85]+", re.MULTILINE)
_BEFORE_HEADING = re.compile("(?:\u2029|(?<=[\u2028\u2029\x85])[\u2028\x85])(?=#{1,6}[ \t])")
_BEHIND_HEADING = re.compile("^(#{1,6}[ \t][^\n\u2028\u2029\x85]{1,500})[\u2028\u2029\x85]{2,}", re.MULTILINE)
_DEEPEST = 6
_INNER_BLOCKS = frozenset(["heading_open", "table_open"])
_ITEM_MARK = re.compile(r"^([ \t]{0,12})([-*+]|\d{1,9}[.)])([ \t]{1,4})")
_SUMMARY = re.compile(r"<summary[^<>]{0,300}>(.{0,2000}?)</summary>", re.IGNORECASE | re.DOTALL)


def read_markdown(text: str, depth: int = 0) -> Reading:
    """The blocks of a Markdown text. Its lines end at line feeds alone, as CommonMark counts them, and at Unicode's
    separators where it has no others; a separator that stands before a line, as pasted texts have it, does not hide
    what the line is. `depth`: in how many quotes and items it stands."""
    reading = Reading()
    lines = _front_matter(_lined(text).split("\n"), reading)
    tokens = _PARSER.parse("\n".join(lines))
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.level == 0 and token.map is not None and token.nesting >= 0:
            place = _block(tokens, place, lines, reading, depth)
        else:
            place += 1
    return reading


def _lined(text: str) -> str:
    """The text with line feeds where a heading begins or ends a paragraph between separators."""
    if "\n" not in text.strip():
        text = _SEPARATOR.sub("\n", text)
    elif not _SEPARATOR.search(text):
        return text
    text = _LEADING_SEPARATORS.sub("", _BEFORE_HEADING.sub("\n\n", text))
    return _BEHIND_HEADING.sub(r"\1\n\n", text)


def _block(tokens: Sequence[Token], place: int, lines: Sequence[str], reading: Reading, depth: int) -> int:
    """Takes the top-level block that opens at `place`; returns the place after it."""
    token = tokens[place]
    first, last = token.map or [0, 0]
    source = "\n".join(lines[first:last]).strip("\n")
    blocks = reading.blocks
    if token.type == "heading_open":
        blocks.append(Heading(int(token.tag[1:]), inline(_ANCHOR.sub("", tokens[place + 1].content), " ")))
    elif token.type == "paragraph_open":
        _paragraph(tokens[place + 1].content, reading)
    elif token.type in ("bullet_list_open", "ordered_list_open"):
        _list(tokens, place, lines, reading, depth)
    elif token.type == "table_open":
        _table(lines[first:last], reading, first)
    elif token.type == "blockquote_open":
        quote = _QUOTE_MARK.sub("", source)
        if depth < _DEEPEST and (_RULED.search(quote) or _HEADED.search(quote)):  # a table that is quoted is a table
            _take_inner(quote, reading, depth)
            return place + 1
        for part in re.split(r"\n[ \t]*\n", quote):
            if part.strip():
                _paragraph(part.strip(), reading)
    elif token.type == "html_block":
        return _raw_html(tokens, place, lines, reading)
    elif token.type in ("fence", "code_block"):
        blocks.append(Paragraph(source))
    return place + 1


def _paragraph(content: str, reading: Reading) -> None:
    """A paragraph; one that begins with a question in bold is the question and what follows it."""
    notes = [_NOTE.match(line) for line in content.split("\n")]
    if notes and notes[0]:
        _notes(content, reading)
        return
    lead = _STRONG_LEAD.match(content.strip())
    if lead and (not lead[2].strip() or lead[1].rstrip().endswith(("?", "？"))):
        reading.blocks.append(Paragraph(inline(lead[1], " "), strong=True))
        content = lead[2]
    text = inline(_NEXT_LINE.sub(r"\\\n", content))
    if text:
        reading.blocks.append(Paragraph(text))


def _notes(content: str, reading: Reading) -> None:
    """Footnotes, one after the other; a line without a mark goes on with the note before."""
    mark, text = "", ""
    for line in [*content.split("\n"), "[^]:"]:
        match = _NOTE.match(line)
        if match or line == "[^]:":
            if mark:
                reading.blocks.append(Note(f"[^{mark}]", inline(text, " ")))
            mark, text = (match[1], match[2]) if match else ("", "")
        else:
            text = f"{text} {line.strip()}"


def _list(tokens: Sequence[Token], place: int, lines: Sequence[str], reading: Reading, depth: int) -> None:
    """A list; an item that holds a heading or a table is read as a text of its own."""
    opened = tokens[place]
    first, last = opened.map or [0, 0]
    end = next(at for at in range(place + 1, len(tokens)) if tokens[at].level == 0 and tokens[at].nesting < 0)
    inner = [token.map[0] for token in tokens[place:end] if token.type in _INNER_BLOCKS and token.map is not None]
    inner = inner if depth < _DEEPEST else []
    plain: list[str] = []
    for item in tokens[place:end]:
        if item.type != "list_item_open" or item.level != 1 or item.map is None:
            continue
        source = lines[item.map[0] : item.map[1]]
        if bisect_left(inner, item.map[0]) < bisect_left(inner, item.map[1]):
            reading.blocks += [Listing(_items("\n".join(plain)))] if plain else []
            plain = []
            _take_inner(_dedented(source), reading, depth)
        else:
            plain += source
    if not inner:
        plain = list(lines[first:last])
    reading.blocks += [Listing(_items("\n".join(plain).strip("\n")))] if plain else []


def _dedented(source: Sequence[str]) -> str:
    """An item's text without its mark and indent."""
    mark = _ITEM_MARK.match(source[0])
    width = len(mark[0]) if mark else 0
    return "\n".join([source[0][width:], *(line[min(width, len(line) - len(line.lstrip())) :] for line in source[1:])])


def _take_inner(source: str, reading: Reading, depth: int) -> None:
    """The blocks of a text within a quote or an item; its headings stand above nothing outside of it."""
    part = read_markdown(source, depth + 1)
    reading.warnings += part.warnings
    for block in part.blocks:
        reading.blocks.append(Paragraph(block.text) if isinstance(block, Heading) else block)


def _items(source: str) -> tuple[str, ...]:
    """The lines of a list: what a line goes on with stands on the line; items keep marks and indents."""
    items: list[str] = []
    for line in source.split("\n"):
        marked = re.match(r"^\s{0,24}(?:[-*+]|\d{1,9}[.)])\s", line)
        if not line.strip():
            continue
        if marked or not items:
            items.append(line)
        else:
            items[-1] = f"{items[-1].rstrip()} {line.strip()}"
    return tuple(inline(item, " ", trim=False).rstrip() for item in items)


def _table(lines: Sequence[str], reading: Reading, first: int) -> None:
    """A table; cells beyond the header's stand in the row's last cell, which is said."""
    header = _cells(lines[0])
    rows = [[Cell(text, head=True) for text in header]]
    for number, line in enumerate(lines[2:], start=first + 3):
        cells = _cells(line)
        if len(cells) > len(header):
            reading.warn(f"line {number}: {len(cells)} cells for {len(header)} columns; the last column holds the rest")
            cells = [*cells[: len(header) - 1], " | ".join(cells[len(header) - 1 :])]
        rows.append([Cell(text) for text in cells])
    table = table_of(rows, "marked")
    if table is not None:
        reading.blocks.append(table)


def _cells(line: str) -> list[str]:
    line = line.strip()
    line = line[1:] if line.startswith("|") else line
    if line.endswith("|") and not line.endswith("\\|"):
        line = line[:-1]
    return [inline(cell.replace("\\|", "|"), " ") for cell in _PIPE.split(line)]


def _raw_html(tokens: Sequence[Token], place: int, lines: Sequence[str], reading: Reading) -> int:
    """HTML among Markdown; what stands between <details> and its end may be Markdown."""
    first, last = tokens[place].map or [0, 0]
    source = "\n".join(lines[first:last])
    if not source.lstrip().lower().startswith("<details") or "</details" in source.lower():
        if not _COMMENT.sub("", source).strip():
            return place + 1
        part = pages.read_html(source.encode())
        reading.blocks += part.blocks
        reading.lost.update(part.lost)
        return place + 1
    end = place + 1
    while end < len(tokens) and not (tokens[end].type == "html_block" and "</details" in tokens[end].content.lower()):
        end += 1
    until = (tokens[end].map or [len(lines)])[0] if end < len(tokens) else len(lines)
    summary = _SUMMARY.search(source)
    inner = _SUMMARY.sub("", re.sub(r"^\s*<details[^<>]{0,300}>", "", source, flags=re.IGNORECASE))
    question = inline(summary[1], " ") if summary else ""
    answer = read_markdown(f"{inner}\n" + "\n".join(lines[last:until]))
    text = joined(answer.blocks)
    if question and text:
        reading.blocks.append(Answer(question, text))
    else:
        reading.blocks += [Paragraph(question, strong=True)] if question else []
        reading.blocks += answer.blocks
    return end + 1


def inline(text: str, breaks: str = "\n", trim: bool = True) -> str:
    """Text without Markdown's marks; a hard line break becomes `breaks`, any other a space. Linear in its length."""
    text = _BREAK.sub("\x1e", text)
    text = text.replace("\n", " ")
    text = _LINK.sub(_link, text)
    text = _EMPHASIS.sub(r"\2", text)
    text = _EMPHASIS.sub(r"\2", text)
    text = _LIGHT.sub(lambda match: match[1] or match[2], text)
    text = html.unescape(_TAG.sub("", text))
    text = _ESCAPED.sub(r"\1", text)
    lines = [
        " ".join(line.split(" ")) if not trim else " ".join(line.split())
        for line in re.split("[\x1e\u2028\u2029\x85]", text)
    ]
    joined = breaks.join(line for line in lines if line.strip())
    return joined.strip() if trim else joined


def _link(match: re.Match[str]) -> str:
    """The words of a link and, where they do not say it, its address; of a picture its description."""
    words, address = match[1].strip(), match[2]
    if match[0].startswith("!") or not address or address.startswith("#") or address.removeprefix("mailto:") in words:
        return words
    return f"{words} ({address})" if words and words != address else address


def _front_matter(lines: list[str], reading: Reading) -> list[str]:
    """The lines behind the front matter (YAML between "---", TOML between "+++", JSON between braces), which fills the
    reading's fields."""
    start = next((place for place, line in enumerate(lines[:5]) if line.strip()), None)
    if start is not None and lines[start].rstrip() == "{":
        return _json_front_matter(lines, start, reading)
    if start is None or lines[start].rstrip() not in ("---", "+++"):
        return lines
    fence = lines[start].rstrip()
    ends = (fence, "...") if fence == "---" else (fence,)
    end = next((place for place in range(start + 1, len(lines)) if lines[place].rstrip() in ends), None)
    source = "\n".join(lines[start + 1 : end])
    if end is None or not (all(map(_FIELD.match, lines[start + 1 : end])) or _strict_fields(source, fence)):
        return lines
    if len(source) > MAX_FRONT_MATTER or not source.strip():
        return lines[end + 1 :] if source.strip() else lines
    _note_fields(_fields(source, fence), reading)
    return [""] * (end + 1) + lines[end + 1 :]


def _json_front_matter(lines: list[str], start: int, reading: Reading) -> list[str]:
    """The lines behind an object in braces on lines of their own, where a text follows."""
    end = next((place for place in range(start + 1, len(lines)) if lines[place].rstrip() == "}"), len(lines))
    source = "\n".join(lines[start : end + 1])
    if not any(line.strip() for line in lines[end + 1 :]) or len(source) > MAX_FRONT_MATTER:
        return lines
    try:
        fields = json.loads(source)
    except (ValueError, RecursionError):
        return lines
    _note_fields(fields, reading)
    return [""] * (end + 1) + lines[end + 1 :]


def _note_fields(fields: dict[Any, Any], reading: Reading) -> None:
    for name, value in fields.items():
        if isinstance(value, str | int | float) or hasattr(value, "isoformat"):
            reading.about[str(name).casefold()] = str(value)[:500]
    reading.title = reading.about.get("title", "").strip()


def _strict_fields(source: str, fence: str) -> bool:
    """Whether the lines between the fences are YAML or TOML that names fields, in whatever way it is written."""
    if len(source) > MAX_FRONT_MATTER:
        return False
    try:
        fields = tomllib.loads(source) if fence == "+++" else yaml.safe_load(source)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError):
        return False
    return isinstance(fields, dict) and all(isinstance(name, str) and len(name) <= 60 for name in fields)


def _fields(source: str, fence: str) -> dict[Any, Any]:
    try:
        fields = tomllib.loads(source) if fence == "+++" else yaml.safe_load(source)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError):
        pairs = (line.partition(":") for line in source.split("\n") if not line.startswith((" ", "\t", "-", "#")))
        fields = {name.strip(): value.strip() for name, _, value in pairs if name.strip()}
    return fields if isinstance(fields, dict) else {}
