"""HTML pages become blocks: headings, paragraphs, lists, tables, questions with their answers, footnotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from services.knowledge.domain.blocks import Answer, Heading, Listing, Note, Paragraph, Reading, Unreadable, joined
from services.knowledge.domain.tables import Cell, table_of

_DROPPED = frozenset("script style noscript template nav select input textarea svg iframe object".split(" "))
_LOST = {"iframe": "embedded page", "object": "embedded object", "nav": "menu"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_INLINE = frozenset(
    "a abbr b bdi bdo big cite code data del dfn em font i ins kbd label mark q s samp small span strike strong sub "
    "sup time tt u var wbr br img button".split(" ")
)
_STRONG = frozenset(["b", "strong"])
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SPACE = re.compile(r"[ \t\r\n\f\v\u00a0]+")
_BREAK = "\x1e"
_MENU_LINKS = 3
TITLE = "antiphon-title"
"""The class of a heading that is the document's title and no part of it (see `word`)."""


def read_html(content: bytes) -> Reading:
    """The blocks of a page in UTF-8, whatever its own meta element says. Raises Unreadable."""
    from lxml import etree, html  # type: ignore[import-untyped]

    try:
        root = html.document_fromstring(content, parser=html.HTMLParser(encoding="utf-8", huge_tree=False))
    except (etree.ParserError, ValueError) as error:
        raise Unreadable(f"not an HTML page: {error}") from error
    reading = Reading()
    title = root.find(".//title")
    reading.title = _line(title.text_content()) if title is not None else ""
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").casefold()
        if name and meta.get("content"):
            reading.about[name[:60]] = meta.get("content")[:500]
    _Walker(root, reading).walk()
    return reading


class _Walker:
    """Goes through the elements of a page; text outside of any block is a paragraph."""

    def __init__(self, root: Any, reading: Reading) -> None:
        self._root = root.find("body") if root.find("body") is not None else root
        self._reading = reading
        self._notes = _note_targets(root)  # element -> mark
        self._open: list[str] = []

    def walk(self) -> None:
        self._children(self._root)
        self._close()

    def _close(self) -> None:
        """Ends the paragraph that is being gathered."""
        text = _lines("".join(self._open))
        self._open.clear()
        if text:
            self._reading.blocks.append(Paragraph(text))

    def _children(self, element: Any) -> None:
        self._open.append(element.text or "")
        for child in element:
            self._take(child)
            self._open.append(child.tail or "")

    def _take(self, element: Any) -> None:
        tag = element.tag if isinstance(element.tag, str) else ""
        if not tag or tag in _DROPPED:
            self._note_loss(tag)
        elif element in self._notes:
            self._close()
            self._note(element)
        elif tag == "button" and not _line(element.text_content()).endswith(("?", "？")):
            pass  # what a page does, not what it says; the questions of a folded list are buttons too
        elif tag in _INLINE:
            self._open.append(self._text(element))
        else:
            self._close()
            self._block(element, tag)
            self._close()

    def _note_loss(self, tag: str) -> None:
        if tag in _LOST:
            self._reading.lost[_LOST[tag]] += 1

    def _block(self, element: Any, tag: str) -> None:
        blocks = self._reading.blocks
        if tag in _HEADINGS:
            name = _line(self._text(element))
            if TITLE in (element.get("class") or "") and not self._reading.about.get("title"):
                self._reading.title = self._reading.about["title"] = name
            else:
                blocks += [Heading(_HEADINGS[tag], name)] if name else []
        elif tag == "p":
            self._paragraph(element)
        elif tag in ("ul", "ol", "menu"):
            self._list(element)
        elif tag == "dl":
            self._definitions(element)
        elif tag == "details":
            self._details(element)
        elif tag == "table":
            self._table(element)
        elif tag == "pre":
            text = element.text_content().strip("\n")
            blocks += [Paragraph(text)] if text.strip() else []
        else:
            self._children(element)

    def _paragraph(self, element: Any) -> None:
        """A paragraph; one that begins with a question in bold is the question and what follows it."""
        first = element[0] if len(element) and not (element.text or "").strip() else None
        if first is not None and first.tag in _STRONG:
            lead, rest = (
                _line(self._text(first)),
                (first.tail or "")
                + "".join(self._text(child) + (child.tail or "") for child in element[1:] if child.tag in _INLINE),
            )
            if lead and (not _line(rest) or lead.endswith(("?", "？"))):
                self._reading.blocks.append(Paragraph(lead, strong=True))
                self._open.append(rest)
                return
        self._children(element)

    def _list(self, element: Any) -> None:
        """A list; one that holds nothing but links is a menu and left out."""
        links = element.findall(".//a")
        linked = sum(len(_line(link.text_content())) for link in links)
        if len(links) >= _MENU_LINKS and linked >= len(_line(element.text_content())) * 0.95 and _outside(element):
            self._reading.lost["menu of links"] += 1
            return
        if any(item.find(".//table") is not None or _has_heading(item) for item in element.findall("li")):
            for item in element.findall("li"):
                self._children(item)
                self._close()
            return
        items = tuple(self._items(element, 0))
        self._reading.blocks += [Listing(items)] if items else []

    def _items(self, element: Any, depth: int) -> Iterator[str]:
        number = int(element.get("start") or 1) if (element.get("start") or "1").isdigit() else 1
        for item in element:
            if item.tag in ("ul", "ol") and depth < 8:
                yield from self._items(item, depth + 1)
            if item.tag != "li" or item in self._notes:
                if item.tag == "li":
                    self._note(item)
                continue
            nested = [child for child in item.iter("ul", "ol") if _nearest_item(child) is item]
            text = _line(self._text(item, without=nested))
            mark = f"{number}." if element.tag == "ol" else "-"
            number += 1
            if text:
                yield f"{'  ' * depth}{mark} {text}"
            if depth < 8:
                for inner in nested:
                    yield from self._items(inner, depth + 1)

    def _definitions(self, element: Any) -> None:
        """Terms with what is said of them; several terms may share it, and a term have several."""
        terms: list[str] = []
        texts: list[str] = []
        for child in element.iter("dt", "dd"):
            if child.tag == "dt":
                if texts:
                    self._define(terms, texts)
                    terms, texts = [], []
                terms.append(_line(self._text(child)))
            elif text := _lines(self._text(child)):
                texts.append(text)
        self._define(terms, texts)

    def _define(self, terms: list[str], texts: list[str]) -> None:
        term, text = " ".join(filter(None, terms)), "\n\n".join(texts)
        if term and text:
            self._reading.blocks.append(Answer(term, text))
        elif term or text:
            self._reading.blocks.append(Paragraph(term or text))

    def _details(self, element: Any) -> None:
        summary = element.find("summary")
        question = _line(self._text(summary)) if summary is not None else ""
        inner = _Walker(element, Reading())
        inner._root, inner._notes = element, self._notes
        if summary is not None:
            tail, summary.tail = summary.tail, None
            element.remove(summary)
            element.text = f"{element.text or ''} {tail or ''}"
        inner.walk()
        answer = inner._reading.blocks
        self._reading.lost.update(inner._reading.lost)
        text = joined(answer)
        if question and text:
            self._reading.blocks.append(Answer(question, text))
            return
        self._reading.blocks += [Paragraph(question, strong=True)] if question else []
        self._reading.blocks += answer

    def _note(self, element: Any) -> None:
        mark = self._notes[element]
        backlinks = [link for link in element.iter("a") if _line(link.text_content()) in ("↑", "↩", "↩︎", "^", "")]
        text = _line(self._text(element, without=backlinks, marks=False))
        if text:
            self._reading.blocks.append(Note(f"[^{mark}]", text))

    def _table(self, element: Any) -> None:
        """A table; one that holds other tables or headings only lays things out, and is read cell by cell."""
        nested = [inner for inner in element.iter("table") if inner is not element]
        caption = element.find("caption")
        laid_out = caption is None and not any(_table_of(head) is element for head in element.iter("th"))
        headed = any(_table_of(head) is element for head in element.iter(*_HEADINGS))
        if laid_out and (headed or (nested and not _has_rows(element))):
            for cell in element.iter("td"):
                if _table_of(cell) is element:
                    self._children(cell)
                    self._close()
            return
        rows = [
            [self._cell(cell) for cell in row if cell.tag in ("td", "th")]
            for row in element.iter("tr")
            if _table_of(row) is element
        ]
        table = table_of(rows, "guess", _line(self._text(caption)) if caption is not None else "")
        self._reading.blocks += [table] if table is not None else []

    def _cell(self, cell: Any) -> Cell:
        text = _line(self._text(cell))
        strong = "".join(_line(self._text(child)) for child in cell.iter("b", "strong"))
        head = cell.tag == "th" or _in_head(cell)
        across, down = _span(cell.get("colspan")), _span(cell.get("rowspan"), to_the_end=True)
        return Cell(text, head, bool(text) and len(strong) >= len(text), across, down)

    def _text(self, element: Any, without: list[Any] | None = None, marks: bool = True) -> str:
        """The text of an element with line breaks where it has some, without what is not text."""
        if not isinstance(element.tag, str) or element.tag in _DROPPED:
            return ""
        if element.tag == "br":
            return _BREAK
        if element.tag == "img":
            self._reading.lost["picture"] += 1
            return f" {element.get('alt') or ''} "
        if marks and (mark := self._mark(element)):
            return mark
        parts = [element.text or ""]
        for child in element:
            if without is None or child not in without:
                parts.append(self._text(child, without, marks))
            parts.append(child.tail or "")
        text = "".join(parts)
        if element.tag == "sup" and text.strip().isdigit():
            return text.strip().translate(_SUPERSCRIPT)
        if element.tag == "tr":
            return f"{_BREAK}{text}"
        if element.tag in ("td", "th"):
            return f"{text} "
        return text if element.tag in _INLINE else f"{_BREAK}{text}{_BREAK}"

    def _mark(self, element: Any) -> str:
        """The mark of a footnote that this element points to, "" for any other element."""
        if element.tag == "sup" and len(element) == 1 and not (element.text or "").strip():
            return self._mark(element[0])
        target = (element.get("href") or "") if element.tag == "a" else ""
        return f"[^{target[1:]}]" if target.startswith("#") and target[1:] in self._notes.values() else ""


def _note_targets(root: Any) -> dict[Any, str]:
    """The footnotes of a page with their ids: what a link whose words are a number, a letter or a sign points to."""
    wanted = {
        link.get("href")[1:]
        for link in root.iter("a")
        if (link.get("href") or "").startswith("#")
        and re.fullmatch(r"[\[(]?[\w*†‡]{1,3}[\])]?", _line(link.text_content()))
    }
    targets: dict[Any, str] = {}
    if wanted:
        for element in root.iter("li", "p", "div", "aside", "span"):
            name = element.get("id")
            if name in wanted and not name.startswith(("footnote-ref", "endnote-ref")):
                targets[element] = name
    return targets


def _table_of(element: Any) -> Any:
    return next(element.iterancestors("table"), None)


def _has_rows(table: Any) -> bool:
    """Whether a table that holds others is more than their layout: two of its rows have several cells and none of
    them."""
    rows = [row for row in table.iter("tr") if _table_of(row) is table]
    return sum(len(row) > 1 and next(row.iter("table"), None) is None for row in rows) > 1


def _nearest_item(element: Any) -> Any:
    return next(element.iterancestors("li"), None)


def _in_head(cell: Any) -> bool:
    row = cell.getparent()
    return row is not None and row.getparent() is not None and row.getparent().tag == "thead"


def _has_heading(element: Any) -> bool:
    return next(element.iter(*_HEADINGS), None) is not None


def _outside(element: Any) -> bool:
    """True where an element stands in what surrounds a page's content."""
    return any(parent.tag in ("header", "footer", "aside") for parent in element.iterancestors())


def _span(value: str | None, to_the_end: bool = False) -> int:
    """The columns or rows that a cell covers; a row span of 0 covers all that follow."""
    if not value or not value.strip().isdigit() or len(value) >= 6:
        return 1
    return min(int(value), _MOST_SPANNED) or (_MOST_SPANNED if to_the_end else 1)


_MOST_SPANNED = 1000


def _line(text: str) -> str:
    """The text on one line."""
    return " ".join(part for part in _SPACE.sub(" ", re.sub("[\x1e\u2028\u2029\x85]", " ", text)).split(" ") if part)


def _lines(text: str) -> str:
    """The text with its line breaks and without any other run of white space."""
    lines = (_line(line) for line in re.split("[\x1e\u2028\u2029\x85]", text))
    return "\n".join(line for line in lines if line)
