"""Reads from a document since when it holds, until when, which version it is, and what it takes the place of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from services.common.editions import Edition
from services.knowledge.domain.blocks import Answer, Heading, Listing, Paragraph, Reading
from services.knowledge.domain.prose import MONTHS

_LOOKED_AT = 4_000  # characters at each end of a document: what it says of itself stands there
_NAME = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = (
    r"(?:(?P<iso>(?:19|20)\d\d)[-/.](?P<iso_month>\d{1,2})[-/.](?P<iso_day>\d{1,2})"
    r"|(?P<zh>(?:19|20)\d\d) ?年 ?(?P<zh_month>\d{1,2}) ?月(?: ?(?P<zh_day>\d{1,2}) ?日)?"
    r"|(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./](?P<year>(?:19|20)\d\d)"
    rf"|(?P<d>\d{{1,2}})(?:\.|st|nd|rd|th)? (?:of )?(?P<m>{_NAME})\.?,? (?P<y>(?:19|20)\d\d)"
    rf"|(?P<m2>{_NAME})\.? (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y2>(?:19|20)\d\d)"
    rf"|(?P<m3>{_NAME})\.? (?P<y3>(?:19|20)\d\d)"
    r"|(?P<m4>0?[1-9]|1[0-2])/(?P<y4>(?:19|20)\d\d))"
)
_GAP = r"[ \t:：(（]{0,3}(?:on |the |den |dem |vom |am |ab |from |since |as of |as at ){0,2}"


def _pattern(*alternatives: str, after: str = "") -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(alternatives)}){after}", re.IGNORECASE | re.MULTILINE)


_VALID = _pattern(
    r"\bvalid (?:from|since|as of|as at)",
    r"\beffective(?: date| from| as of| on)?",
    r"\bin (?:force|effect) (?:from|since|as of)",
    r"\bappl(?:y|ies|icable) (?:from|as of)",
    r"\bcomes? into (?:force|effect)(?: on)?",
    r"\b(?:prices?|rates?|timetable|schedule|price list|programme|fahrplan) (?:from|as of|ab)",
    r"\b(?:as of|as at|starting)",
    r"\b(?:gültig|gilt|gelten|in kraft|wirksam|preise) (?:ab|seit)",
    r"\bvalable (?:à partir du|dès le)|\ben vigueur (?:depuis le|au|le)",
    "生效(?:日期|时间)?|自",
    after=_GAP + _DAY,
)
_CHANGED = _pattern(
    r"\b(?:last )?(?:updated|revised|modified|changed|reviewed|published|issued)",
    r"\b(?:version|edition|issue|release|revision|status|stand|fassung)",
    r"\b(?:aktualisiert|zuletzt geändert|mis à jour)",
    "(?:更新|修订|发布|版本)(?:日期|时间|于)?",
    after=rf"(?:[^\n。.;]|\.(?=\d)){{0,24}}?{_GAP}{_DAY}",
)
_UNTIL = _pattern(
    r"\bvalid (?:until|till|to|through)",
    r"\bexpires?(?: on)?",
    r"\b(?:gültig|gilt|gelten) bis",
    "有效期至|截至",
    after=_GAP + _DAY,
)
_RANGE = re.compile(rf"[ \t]{{0,2}}(?:until|till|to|through|–|-|bis(?: zum)?|至)[ \t]{{0,2}}{_DAY}", re.IGNORECASE)
_VERSION = re.compile(
    r"\b(?:version|v\.?|revision|rev\.?|fassung|release)[ \t]?:?[ \t]?(\d{1,4}(?:\.\d{1,4}){0,3})\b"
    r"|版本(?:号)?[:：]? ?V?(\d[\d.]{0,10})",
    re.IGNORECASE,
)
_END = r"(?=[.;。；\n)）]|,? (?:and|which|from|effective|und|ab)\b|$)"
_OTHER = r"[^.;。；\n)]{3,120}"
_ZH_OTHER = r"[《“「 ]?(?P<zh_name>[^》”」。；;\n]{2,60}"
_REPLACES = re.compile(
    r"\b(?:replaces?|replacing|supersedes?|superseding|takes? the place of|instead of|ersetzt|ersetzen)\s"
    rf"(?P<name>{_OTHER}?){_END}|(?:取代|替代|代替|废止)(?:了)?{_ZH_OTHER})",
    re.IGNORECASE,
)
_REPLACED = re.compile(
    rf"\b(?:(?:is|was|has been|have been|are|were) )?(?:superseded|replaced) by (?P<name>{_OTHER}?){_END}"
    rf"|\b(?:ersetzt|abgelöst) durch (?P<name2>{_OTHER})"
    rf"|被{_ZH_OTHER}?)[》”」]?\s?(?:取代|替代|代替)",
    re.IGNORECASE,
)
_SELF = (
    r"(?:this|these|diese[rs]?|本)\s?(?:document|price list|list|page|policy|version|edition|prices|rates|terms"
    r"|tariffs?|dokument|preisliste|liste|seite|fassung|preise|文件|文档|价目表|版本|政策)?"
)
_GONE_WORDS = (
    r"(?:no longer (?:valid|applies|apply|in force|current)|out of date|outdated|obsolete|withdrawn|archived|expired|"
    r"nicht mehr gültig|veraltet)"
)
_OUTDATED = _pattern(
    rf"\b{_SELF}[^.\n]{{0,40}}\b{_GONE_WORDS}\b",
    r"^\W{0,3}(?:archived|obsolete|outdated|no longer valid|superseded|veraltet|archiv)\b",
    "已(?:作废|废止|失效|过期)",
)
_FIELDS = (
    "effective",
    "effective_date",
    "effective date",
    "valid_from",
    "valid from",
    "validfrom",
    "gueltig_ab",
    "gültig_ab",
    "生效日期",
)
_DATED = tuple(
    "updated last_updated lastmod last_modified modified date published revised stand article:modified_time "
    "last-modified dcterms.modified article:published_time dc.date".split(" ")
)


def read_edition(reading: Reading, title: str = "") -> Edition:
    """The document's edition; a day in its text goes before one in its front matter, that before its metadata."""
    texts = list(_texts(reading, title))
    whole = "\n".join(texts)
    text = whole if len(whole) <= 2 * _LOOKED_AT else f"{whole[:_LOOKED_AT]}\n{whole[-_LOOKED_AT:]}"
    about = reading.about
    effective, words, basis = _said(text, (_VALID, _CHANGED))
    front = "title" in about or any(name in about for name in _FIELDS)
    for names in (_FIELDS, _DATED):
        field = next((name for name in names if _day_of(about.get(name, ""))), "")
        if field and (not effective or (names is _FIELDS and basis == "changed")):
            effective, words = _day_of(about[field]), f"{field}: {about[field]}"[:200]
            basis = "front matter" if front or names is _FIELDS else "metadata"
    version = _VERSION.search(text)
    replaced = _REPLACED.search(text)
    rest = _REPLACED.sub(" ", text)
    return Edition(
        effective=effective,
        until=_said(text, (_UNTIL,))[0]
        or _range_end(text)
        or _day_of(about.get("valid_until", about.get("expires", ""))),
        version=about.get("version", "") or (version[1] or version[2] if version else ""),
        basis="text" if basis in ("valid", "changed") else basis,
        words=words,
        replaces=tuple(dict.fromkeys(_name(match) for match in _REPLACES.finditer(rest)))[:5]
        or tuple(filter(None, [about.get("replaces", about.get("supersedes", ""))])),
        replaced_by=(_name(replaced) if replaced else "") or about.get("superseded_by", about.get("replaced_by", "")),
        outdated=_OUTDATED.search(text) is not None or about.get("status", "").casefold() in _GONE,
    )


_GONE = frozenset(["archived", "obsolete", "outdated", "superseded", "withdrawn", "deprecated", "expired"])


def _said(text: str, patterns: tuple[re.Pattern[str], ...]) -> tuple[str, str, str]:
    """(day, the words that say it, "valid" or "changed") of the first pattern that matches."""
    for pattern in patterns:
        for match in pattern.finditer(text):
            day = _day(match)
            if day:
                return day, " ".join(match[0].split())[:200], "valid" if pattern is _VALID else "changed"
    return "", "", ""


def _range_end(text: str) -> str:
    for match in _VALID.finditer(text):
        following = _RANGE.match(text, match.end())
        if following:
            return _day(following)
    return ""


def _day_of(text: str) -> str:
    match = re.search(_DAY, text[:100], re.IGNORECASE)
    return _day(match) if match else ""


def _day(match: re.Match[str]) -> str:
    """The day of a match as YYYY-MM-DD; "" where there is no such day. A month counts from its first day."""
    group = match.groupdict()
    spelled = (("y", "m", "d"), ("y2", "m2", "d2"), ("y3", "m3", ""))
    named = next(
        ((group[year], group[month], group.get(day) or "1") for year, month, day in spelled if group[month]), None
    )
    if named:
        year, month, day = named[0], MONTHS[named[1].casefold()], named[2]
    elif group["iso"]:
        year, month, day = group["iso"], int(group["iso_month"]), group["iso_day"]
    elif group["zh"]:
        year, month, day = group["zh"], int(group["zh_month"]), group["zh_day"] or "1"
    elif group["y4"]:
        year, month, day = group["y4"], int(group["m4"]), "1"
    else:
        year, month, day = group["year"], int(group["month"]), group["day"]
        if month > 12 >= int(day):  # month first, as in the United States
            month, day = int(day), str(month)
    try:
        return date(int(year), month, int(day)).isoformat()
    except ValueError:
        return ""


def _name(match: re.Match[str]) -> str:
    words = next(filter(None, match.groupdict().values()), "")
    return " ".join(words.strip(" 《》“”「」\"'").split())


def _texts(reading: Reading, title: str) -> Iterator[str]:
    yield title
    for block in reading.blocks:
        if isinstance(block, Heading | Paragraph):
            yield block.text
        elif isinstance(block, Listing):
            yield from block.items
        elif isinstance(block, Answer):
            yield f"{block.question} {block.answer}"
