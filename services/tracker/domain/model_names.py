"""Models as Chinese messages name them: a brand, a code and what is behind it ("海棠 B12", "W10 Plus", "K35 静音")."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice

from services.tracker.domain.han_numbers import MEASURES

MOST = 10
"""Models read in one message."""

_BRAND = 4
"""Characters of a brand; a longer run of characters before a code is a sentence."""
_CODE = (
    r"(?P<code>[A-Z]{1,4}-?\d{1,4}[A-Za-z]{0,2}(?:-[A-Z0-9]{1,4})?(?![A-Za-z0-9])"
    r"(?: ?(?i:Plus|Pro|Max|Mini|Lite|Air|Ultra|SE)(?![A-Za-z]))?"
    r"(?: ?[\u4e00-\u9fff]{1,3}版"
    r"| (?![给帮请先就再我你可麻想要来买那这的吧坏没不])[\u4e00-\u9fff]{2,3}?(?=[来要买]|[，。！？,]|$))?)"
)
_MODEL = re.compile(rf"(?:(?P<han>[\u4e00-\u9fff]{{1,12}})|(?P<latin>(?<![A-Za-z0-9])[A-Z][A-Za-z]{{1,11}})) ?{_CODE}")
_ALONE = re.compile(rf"^\W*(?:[是要就叫选]{{1,2}}\W?)?{_CODE}")
_LEADS = re.compile(
    r"型号|机型|车型|款式|产品|商品|牌子|品牌|名字|我家|家里|那款|这款|一款"
    rf"|[一二两三四五六七八九十][{MEASURES}]"
    r"|[是要买个台款把到成为换用选订来部只辆有叫的我你想套件份吧了和跟与还]"
)
_CHOOSES = re.compile(r"(?:型号|机型|车型|款|[是要买换选用成])$")
_OTHER_NUMBER = re.compile(r"[号码编单]$|[号码](?:是|为|叫)$|第$")
"""Before a code: it is a number of another kind."""
_COUNTED = re.compile(r"\d ?$")
_LABEL = re.compile(r"[型款]号(?:是|为|叫)?$")


def model_spans(text: str, known: Collection[str], *, asked: bool) -> list[tuple[int, int]]:
    """Where the text names a model.

    `known` are words that are no part of a brand, such as the things that the slots list; a code without a brand is a
    model only where a word of choice leads to it, or where it was `asked` for and begins the message.
    """
    found = []
    for match in islice(_MODEL.finditer(text), MOST):
        start, end = match.start(), match.end()
        if match["han"] is not None:
            run = match["han"]
            if _OTHER_NUMBER.search(run) and not _LABEL.search(run):
                continue
            brand = run[_lead_end(text[: match.start()], run, known) :]
            if 2 <= len(brand) <= _BRAND:
                start = match.end("han") - len(brand)
            elif len(brand) > _BRAND or _CHOOSES.search(run):
                start = match.start("code")
            else:
                continue
        found.append((start, end))
    alone = _ALONE.match(text)
    if asked and not found and alone:
        found.append(alone.span("code"))
    return found


def _lead_end(before: str, run: str, known: Collection[str]) -> int:
    """Characters of a run that only lead to the brand at its end; `before` is the text before the run."""
    if _COUNTED.search(before[-3:]) and run[0] in MEASURES:
        return max(1, _lead_end("", run, known))
    ends = [match.end() for match in _LEADS.finditer(run)]
    ends += [run.rfind(word) + len(word) for word in known if word in run]
    return max(ends, default=0)
