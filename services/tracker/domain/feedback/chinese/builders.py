"""From a rule's match in a Chinese clause to the constraints that it means."""

from __future__ import annotations

import re

from services.common.constraints import Constraint, replacing
from services.common.text_measures import characters, count_phrase, count_sentences, count_words, paragraphs
from services.tracker.domain.feedback.chinese.clause import ENDING, OF_WORD, Build, Clause
from services.tracker.domain.feedback.chinese.words import LANGUAGES, MARK, MARKS, TONE_OF, TOO_TONE, UNITS, UNNEEDED
from services.tracker.domain.feedback.grammar import SOURCE
from services.tracker.domain.normalise import number_value


def number_of(text: str) -> int | None:
    digits = text.translate({0xFF10 + n: str(n) for n in range(10)}).replace("，", "").replace(",", "")
    if digits.isdigit():
        return int(digits)
    if re.fullmatch(r"[一两二三四五六七八九]百[一二三四五六七八九]", digits):  # 一百五 is 150
        digits += "十"
    if re.fullmatch(r"[一两二三四五六七八九]千[一二三四五六七八九]", digits):
        digits += "百"
    value = number_value(digits)
    return int(value) if value and value.isdigit() else None


def length(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    """A count with what stands before and behind it."""
    groups = match.groupdict()
    unit = UNITS[groups["unit"]]
    high = number_of(groups["n"])
    low = number_of(groups["low"]) if groups.get("low") else None
    if groups["n"] in ("两三", "三四", "一两", "四五", "五六", "二三") and not low:
        low, high = (number_of(groups["n"][0]), number_of(groups["n"][1]))
    if high is None or (groups.get("low") and low is None):
        return None
    before, behind = clause.text[: match.start()], clause.text[match.end() :]
    if before.endswith("⟧") or behind.startswith("⟦"):
        return None  # "“热线”两个字", "一句“欢迎”": a quoted text is named
    if re.search(rf"{UNNEEDED}|不是", before):
        return []
    refused = re.search(r"不(?:要|能|可|许|得|应|该|想)?(?:再)?$|别$|不要$|别再$|勿$", before)
    sign = match["sign"] or ""
    if not sign and low is None and (change := _DIFFERENCE.search(before)) and not refused:
        return _by(high, unit, clause.draft, less=bool(change["less"]))
    if low is not None:
        return [Constraint("length", "", unit, min(low, high), max(low, high), SOURCE)]
    bound: tuple[int | None, int | None]
    if re.search(r"超过|多于|大于|超出|高于|长于", sign):
        bound = (None, high) if refused or "不" in sign or "别" in sign else (high + 1, None)
    elif re.search(r"少于|小于|低于|不足|短于|不到", sign):
        held = refused or re.match(r"不(?:要|能|得)?(?:少|小|低|短)", sign) or sign.startswith("别")
        bound = (high, None) if held else (None, max(1, high - 1))
    elif re.search(
        r"最多|至多|顶多|上限|控制在|限制在|限|压缩到|缩短到|缩到|减到|缩减到|删到|精简到|不超", sign
    ) or re.match(r"(?:以内|之内|以下|内|封顶|为限|足够|够了|就够)", behind):
        bound = (None, high)
    elif re.search(r"至少|最少|起码|不少于|不低于|下限", sign) or re.match(r"(?:以上|起|打底)", behind):
        bound = (high, None)
    elif re.search(r"大约|大概|约|左右", sign) or re.match(r"(?:左右|上下|的样子)", behind):
        bound = (max(1, round(high * 0.8)), round(high * 1.2))
    else:
        bound = (high, high)
        counted = count_words(clause.draft)[1]
        if unit == "characters":
            bound = (None, high) if counted > high else (round(high * 0.8), round(high * 1.2))
    return [Constraint("length", "", unit, bound[0], bound[1], SOURCE)]


_DIFFERENCE = re.compile(
    r"(?P<less>(?:少|减少?|删|缩短|缩减|砍|压缩|精简|短|去)(?:写|掉|去|了|个)?)$"
    r"|(?:再|多|另外?)(?:加|多|写|补|增加|补充|添)?(?:上|写|个)?$|(?:增加|加长|扩充|加上?|补上?|添上?)(?:了|个)?$"
)
"""What stands before an amount by which a reply is to change."""


def _by(amount: int, unit: str, draft: str, *, less: bool) -> list[Constraint]:
    """The bound that lies as far from the draft as was said; none where the draft is too short for that."""
    fewest, most = {
        "words": count_words(draft),
        "sentences": count_sentences(draft),
        "characters": characters(draft),
        "paragraphs": (len(paragraphs(draft)),) * 2,
    }[unit]
    if not less:
        return [Constraint("length", "", unit, most + amount, None, SOURCE)]
    return [Constraint("length", "", unit, None, fewest - amount, SOURCE)] if fewest > amount else []


def items(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    count = number_of(match["n"])
    if count == 1 and match[0].endswith("点"):
        return None  # "多写一点"
    if count is None or re.search(UNNEEDED, clause.text[: match.start()]):
        return None if count is None else []
    name = "numbered" if re.search("步", match[0]) else "bullets"
    return [Constraint("format", name, "", count, count, SOURCE)]


def relative(direction: str) -> Build:
    def build(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
        words = count_words(clause.draft)[1]
        strong = re.search(r"一半|很多|许多|得多|大幅|非常|特别|太|过于|尽可能", clause.text)
        slight = re.search(r"稍微|略微|稍|一点点", clause.text)
        if direction == "shorter":
            share = 0.5 if re.search("一半|大幅|很多|得多", clause.text) else 0.85 if slight and not strong else 0.65
            return [
                Constraint("length", "shorter", "words", None, max(1, round(words * share)) if words else 60, SOURCE)
            ]
        share = 1.15 if slight and not strong else 1.3
        return [Constraint("length", "longer", "words", max(1, round(words * share)) if words else 80, None, SOURCE)]

    return build


def bound(direction: str) -> Build:
    """A reply that may not become longer, or shorter, than the draft."""

    def build(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
        fewest, most = count_words(clause.draft)
        bound = (None, most) if direction == "longer" else (fewest, None)
        return [Constraint("length", "", "words", bound[0], bound[1], SOURCE)] if most else []

    return build


def fixed(*constraints: Constraint) -> Build:
    return lambda match, clause: list(constraints)


def tone(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    return [Constraint("tone", TONE_OF[match["tone"]], source=SOURCE)]


def too_tone(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    return [Constraint("tone", TOO_TONE[match["tone"]], source=SOURCE)]


def language(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    return [Constraint("language", LANGUAGES[match["language"]], source=SOURCE)]


def no_language(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    """ "不要用英文" of a comment in Chinese: in Chinese; any other refusal is left."""
    return [Constraint("language", "zh", source=SOURCE)] if LANGUAGES[match["language"]] != "zh" else []


def no_mark(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    return [Constraint("punctuation", MARKS[mark], "", None, 0, SOURCE) for mark in marks_in(clause.text)]


def fewer_marks(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    return [Constraint("punctuation", MARKS[mark], "", None, 1, SOURCE) for mark in marks_in(clause.text)]


def some_mark(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    return [Constraint("punctuation", MARKS[mark], "", 1, None, SOURCE) for mark in marks_in(clause.text)]


def marks_in(text: str) -> list[str]:
    return [match[0] for match in re.finditer(MARK, text)]


def include(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    named = clause.phrases(match["target"])
    return [Constraint("must_include", phrase, source=SOURCE) for phrase in named] or None


def exclude(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    named = clause.phrases(match["target"])
    return [Constraint("must_not_include", phrase, source=SOURCE) for phrase in named] or None


def keep(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    known = [phrase for phrase in clause.phrases(match["target"]) if count_phrase(phrase, clause.draft)]
    return [Constraint("keep", phrase, source=SOURCE) for phrase in known]


def edge(kind: str) -> Build:
    def build(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
        quoted = re.findall(r"⟦(\d+)⟧", match["target"])
        phrase = clause.quotes[int(quoted[0])] if quoted else match["target"].strip(" ：:，的")
        if (
            not phrase
            or len(phrase) > 60
            or (not quoted and re.match(r"(?:一个|一句|什么|问候|结论|重点|总结|感谢|道歉)", phrase))
        ):
            return None
        return [Constraint(kind, phrase, source=SOURCE)]

    return build


def no_edge(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    quoted = re.findall(r"⟦(\d+)⟧", match["target"])
    return [Constraint("must_not_include", clause.quotes[int(quoted[0])], source=SOURCE)] if quoted else []


def replace(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    old = OF_WORD.sub("", clause.plain(match["old"]).strip(" 的：:，,"))
    new = ENDING.sub("", clause.plain(match["new"]).strip(" 的：:，,。"))
    if not old or not new or old == new or len(old) > 30 or len(new) > 30:
        return None
    if not count_phrase(old, clause.draft) and "⟦" not in match[0] and match.re.groups > 2:
        return None
    return [replacing(old, new, SOURCE)]


def correct(match: re.Match[str], clause: Clause) -> list[Constraint] | None:
    """ "号码不对，是 400-820-0170": it takes the place of the draft's only value of its shape."""
    new = ENDING.sub("", clause.plain(match["new"]).strip(" 的：:，,。"))
    shape = re.sub(r"\d", r"\\d", re.escape(new))
    alike = {found for found in re.findall(rf"(?<!\d){shape}(?!\d)", clause.draft) if found != new}
    if re.search(r"\d", new) and len(alike) == 1:
        return [replacing(alike.pop(), new, SOURCE)]
    return [Constraint("must_include", new, source=SOURCE)] if new and len(new) <= 16 else None
