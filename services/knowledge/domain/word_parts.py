"""A Word file's parts in the elements that mammoth reads: what it would leave out silently becomes plain runs.

Formulas become their signs, annotated words (ruby) the words, simple fields what they show, carriage returns line
breaks, and text boxes that are written in the newer way alone their paragraphs.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

_PARTS = re.compile(r"word/(?:document|footnotes|endnotes)\d{0,3}\.xml")
_UNREAD = re.compile(rb"[:<](?:cr|ptab|ruby|fldSimple|oMath|bdo|dir|AlternateContent)[\s/>]")
_MATH = "officeDocument/2006/math"
_WRAPPERS = frozenset(["fldSimple", "bdo", "dir"])


def plain_runs(content: bytes) -> bytes:
    """The file with such elements rewritten; the very file where it has none. What is no XML stays as it is, for the
    reader to refuse. Raises zipfile.BadZipFile."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist() if _PARTS.fullmatch(name)}
        changed = {name: _rewritten(xml) for name, xml in parts.items() if _UNREAD.search(xml)}
        if not changed:
            return content
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as written:
            for entry in packed.infolist():
                written.writestr(entry.filename, changed.get(entry.filename) or packed.read(entry))
    return made.getvalue()


def _rewritten(xml: bytes) -> bytes:
    from lxml import etree  # type: ignore[import-untyped]

    try:
        root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))
    except etree.XMLSyntaxError:
        return xml
    word = etree.QName(root).namespace
    for element in list(root.iter(etree.Element)):
        name = etree.QName(element)
        if name.localname in ("oMathPara", "oMath") and (name.namespace or "").endswith(_MATH):
            if element.getparent() is not None and not _within(element, "oMathPara", "oMath"):
                signs = "".join(part.text or "" for part in element.iter(f"{{{name.namespace}}}t"))
                _replace(element, [_run(etree, word, signs)])
        elif name.localname == "AlternateContent":
            if not any(etree.QName(child).localname == "Fallback" for child in element.iter(etree.Element)):
                _replace(element, list(element.iter(f"{{{word}}}txbxContent")))
        elif name.namespace != word:
            continue
        elif name.localname in ("cr", "ptab"):
            element.tag = f"{{{word}}}{'br' if name.localname == 'cr' else 'tab'}"
        elif name.localname == "ruby":
            base = "".join(
                part.text or "" for one in element.iter(f"{{{word}}}rubyBase") for part in one.iter(f"{{{word}}}t")
            )
            _replace(element, list(_run(etree, word, base)))
        elif name.localname in _WRAPPERS:
            _replace(element, list(element))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _within(element: Any, *names: str) -> bool:
    return any(parent.tag.rpartition("}")[2] in names for parent in element.iterancestors())


def _run(etree: Any, word: str | None, text: str) -> Any:
    run = etree.Element(f"{{{word}}}r")
    etree.SubElement(run, f"{{{word}}}t").text = text
    return run


def _replace(element: Any, others: list[Any]) -> None:
    """Others in the element's place; an element that stands nowhere any more is left."""
    parent = element.getparent()
    if parent is None:
        return
    for other in others:
        element.addprevious(other)
    element.tail = None
    parent.remove(element)
