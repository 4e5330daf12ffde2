"""Word documents become blocks, by way of the HTML that mammoth makes of them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from xml.parsers.expat import ExpatError

from services.knowledge.domain.blocks import Reading, Unreadable
from services.knowledge.domain.pages import TITLE, read_html
from services.knowledge.domain.word_parts import plain_runs

MAX_UNPACKED = 200 * 1024 * 1024
_STYLES = "\n".join(
    [
        f"p[style-name='Title'] => h1.{TITLE}:fresh",
        "p[style-name='Subtitle'] => p > strong:fresh",
        "p[style-name='Quote'] => p:fresh",
        "p[style-name='Intense Quote'] => p:fresh",
        *(f"p[style-name='Heading {level}'] => h{level}:fresh" for level in range(1, 7)),
        *(f"p[style-name='Überschrift {level}'] => h{level}:fresh" for level in range(1, 7)),
        *(f"p[style-name='标题 {level}'] => h{level}:fresh" for level in range(1, 7)),
        *(
            f"p[style-name='{name}'] => ul > li:fresh"
            for name in ("List Paragraph Bullet", "List Bullet", "List Bullet 2")
        ),
        *(f"p[style-name='{name}'] => ol > li:fresh" for name in ("List Number", "List Number 2")),
    ]
)
_TEXT = re.compile(rb"<w:t(?:\s[^>]{0,200})?>([^<]{1,500})</w:t>")
_CORE = re.compile(rb"<(?:dc|dcterms):(title|modified)(?:\s[^>]{0,200})?>([^<]{1,500})<")


def read_docx(content: bytes) -> Reading:
    """The blocks of a Word document; what Word keeps beside its text is left out and said. Raises Unreadable."""
    import mammoth  # type: ignore[import-untyped]

    about, warnings = _parts(content)
    pictures = 0

    def picture(image: object) -> dict[str, str]:
        nonlocal pictures
        pictures += 1
        return {"src": ""}

    try:
        html = mammoth.convert_to_html(
            io.BytesIO(plain_runs(content)),
            style_map=_STYLES,
            include_embedded_style_map=False,
            convert_image=mammoth.images.img_element(picture),
        ).value
    except (zipfile.BadZipFile, KeyError, ValueError, AttributeError, SyntaxError, OSError, ExpatError) as error:
        raise Unreadable(f"not a DOCX file: {error}") from error
    if not html.strip():
        raise Unreadable("the document holds no text")
    reading = read_html(f"<html><body>{html}</body></html>".encode())
    reading.title = reading.title or about.pop("title", "")
    reading.about |= about
    reading.warnings = warnings
    return reading


def _parts(content: bytes) -> tuple[dict[str, str], list[str]]:
    """What the document's other parts say: (title and day of the last change, what will be left out)."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = packed.infolist()
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
                raise Unreadable("unpacks to more than is allowed")
            if any(entry.flag_bits & 1 for entry in entries):
                raise Unreadable("the document is encrypted")
            names = [entry.filename for entry in entries]
            core = packed.read("docProps/core.xml") if "docProps/core.xml" in names else b""
            around = [name for name in names if re.fullmatch(r"word/(?:header|footer)\d{0,3}\.xml", name)]
            texts = [_words(packed.read(name)) for name in around[:20]]
            comments = _words(packed.read("word/comments.xml")) if "word/comments.xml" in names else ""
    except (zipfile.BadZipFile, OSError, RuntimeError) as error:
        raise Unreadable(f"not a DOCX file: {error}") from error
    about = {match[1].decode(): match[2].decode(errors="replace").strip() for match in _CORE.finditer(core)}
    warnings = [f"the page header or footer was left out: {text[:120]}" for text in _distinct(texts)]
    return about, warnings + (["comments in the margin were left out"] if comments else [])


def _words(xml: bytes) -> str:
    return " ".join(b" ".join(_TEXT.findall(xml)).decode(errors="replace").split())


def _distinct(texts: Sequence[str]) -> list[str]:
    return [text for text in dict.fromkeys(texts) if len(text) > 3]
