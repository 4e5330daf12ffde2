"""Makes text that others wrote safe to quote in a prompt: it can be read, but it cannot give orders or forge marks."""

from __future__ import annotations

import re
import unicodedata

_SPACE = r"[^\S\n]{0,8}"  # every repetition is bounded, so that the time grows as the text does
_CHAT_MARK = re.compile(
    rf"<[^\S\n|/]{{0,8}}\|?[\s/]{{0,8}}([\w-]{{1,32}}){_SPACE}\|{_SPACE}>|<\|([^|>]{{0,32}})\|>", re.IGNORECASE
)
_BRACKET_MARK = re.compile(rf"\[{_SPACE}(/?{_SPACE}(?:INST|SYS|SYSTEM|\d{{1,3}})){_SPACE}\]", re.IGNORECASE)
_ANGLED = re.compile(
    rf"<{_SPACE}(/?{_SPACE}(?:s|sys|system|user|assistant|tool|start_of_turn|end_of_turn)){_SPACE}>", re.IGNORECASE
)
_ROLE = re.compile(rf"^({_SPACE})(system|assistant|user|developer|tool)({_SPACE}):", re.IGNORECASE | re.MULTILINE)
_HIDDEN = {"Cf", "Cc", "Co", "Cs"}


_JOINERS = "\u200c\u200d"


def _is_seen(text: str, place: int) -> bool:
    """Whether the character shows, by itself or in the shape of its neighbours: joiners make letters and pictures of
    many scripts what they are, and hide nothing beside those."""
    character = text[place]
    if character in _JOINERS:
        return 0 < place < len(text) - 1 and not text[place - 1].isascii() and not text[place + 1].isascii()
    return character in "\n\t" or unicodedata.category(character) not in _HIDDEN


def quoted(text: str) -> str:
    """The text with template marks, forged citation numbers and role lines defused, hidden characters removed.

    Chat templates take `<|im_start|>` and the like as structure and not as text; invisible characters hide orders
    from the people who read the source.
    """
    visible = "".join(one for place, one in enumerate(text) if _is_seen(text, place))
    visible = _CHAT_MARK.sub(lambda match: f"‹{(match[1] or match[2] or '').strip()}›", visible)
    visible = _ANGLED.sub(lambda match: f"‹{match[1].strip()}›", visible)
    visible = _BRACKET_MARK.sub(lambda match: f"({match[1].strip()})", visible)
    return _ROLE.sub(lambda match: f"{match[1]}“{match[2]}”{match[3]}:", visible)
