"""A clause of a Chinese comment, and the phrases that a stretch of it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.common.constraints import Constraint

ENDING = re.compile(
    r"(?:吧|呢|啊|呀|哦|哈|嘛|了|谢谢|多谢|好吗|好不好|行吗|可以吗|行不行|就好|就行|就可以|即可|为好|比较好|才行"
    r"|才好|\s)+$"
)
"""What softens a clause at its end."""
_WORD_OF = re.compile(
    r"^(?:一下|一点|关于|有关|上|到|出|明|清楚|任何|所有|那个|这个|那些|这些|具体的?|详细的?|相关的?|我们的?"
    r"|你们的?|店里的?|的|词语?|“|「)+"
)
OF_WORD = re.compile(
    r"(?:(?:这|那)?(?:个|几个|些|两个)?(?:词语?|字眼|字|说法|表述|短语|关键词)|的?(?:相关)?(?:信息|内容|情况|事情"
    r"|事|部分|那句话?|那段|那部分"
    r"|字样)|一下|进去|出来|之类的?.*|等等?|上去|清楚|在内|这句话?|这段话?)+$"
)
_NO_WORD = re.compile(
    r"^(?:它|这|那|这个|那个|什么|东西|内容|一遍|一下|更多|点|些|具体|详细|清楚|明白|下去|话|你|我|了|话题|好|对"
    r"|多|少|太多|那么多|这么多|废话|客套话?"
    r"|套话|细节|更多细节)?$"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause without politeness, as it stands, and the draft that it is about; quoted texts are signs in `text`."""

    text: str
    quotes: Sequence[str]
    draft: str

    def plain(self, text: str) -> str:
        """The text with its quotes put back, without their marks."""
        return re.sub(r"⟦(\d+)⟧", lambda match: self.quotes[int(match[1])], text)

    def phrases(self, text: str) -> list[str]:
        """The phrases that a stretch names: the quoted ones, else its words without what stands around them."""
        quoted = [self.quotes[int(number)] for number in re.findall(r"⟦(\d+)⟧", text)]
        if quoted:
            return quoted
        named = []
        for part in re.split(r"、|和|以及|与|跟|及|或者?|还有", text):
            word = OF_WORD.sub("", _WORD_OF.sub("", part.strip())).strip(" 的")
            if word and not _NO_WORD.match(word) and len(word) <= 16 and word[0] not in "得了过完":
                named.append(word)
        return named


Build = Callable[["re.Match[str]", Clause], "list[Constraint] | None"]
"""Constraints for a match; none: the clause asks for nothing; None leaves it to other rules."""
