"""The base model's chat format: the text that its template puts around messages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol


class TextCodec(Protocol):
    """The part of a codec that a prompt needs."""

    def encode(self, text: str) -> list[int]: ...


@dataclass(frozen=True)
class ChatFormat:
    """What a prompt consists of beside people's words::

        head_open SYSTEM head_close USER reply_open REPLY next_open USER reply_open …

    ``head_close`` closes the system message and opens the first user's; ``next_open`` closes a reply and opens
    the next user's. ``markers`` are the texts that the tokenizer turns into control ids; they come from here
    alone and never from what people wrote.
    """

    head_open: str
    head_close: str
    reply_open: str
    next_open: str
    markers: tuple[str, ...]

    @cached_property
    def _marker(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, sorted(self.markers, key=len, reverse=True))) or r"(?!)")

    def encode_text(self, codec: TextCodec, text: str) -> list[int]:
        """Token ids of what somebody wrote: a marker in it is cut in two, stays text and gives no orders."""
        ids: list[int] = []
        at = 0
        for match in self._marker.finditer(text):
            cut = (match.start() + match.end()) // 2
            ids += codec.encode(text[at:cut])
            at = cut
        return ids + codec.encode(text[at:])


CHATML = ChatFormat(
    head_open="<|im_start|>system\n",
    head_close="<|im_end|>\n<|im_start|>user\n",
    reply_open="<|im_end|>\n<|im_start|>assistant\n",
    next_open="<|im_end|>\n<|im_start|>user\n",
    markers=("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
)
_SYSTEM, _USER, _REPLY, _NEXT = "SYSTEM0TEXT", "USER1TEXT", "REPLY2TEXT", "NEXT3TEXT"


def chat_format(folder: Path) -> ChatFormat:
    """The format of the model in ``folder``, read off its own chat template by rendering marked messages.

    A template that takes no system message gets the system text at the head of the first user message; a model
    without a template gets plain ``User:`` and ``Assistant:`` lines.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    markers = tuple(sorted({*map(str, tokenizer.all_special_tokens), *map(str, tokenizer.get_added_vocab())}))
    if not tokenizer.chat_template:
        start = tokenizer.bos_token or ""
        return ChatFormat(start, "\n\nUser: ", "\nAssistant:", "\nUser: ", markers)
    messages = [
        {"role": "user", "content": _USER},
        {"role": "assistant", "content": _REPLY},
        {"role": "user", "content": _NEXT},
    ]
    try:
        text = _render(tokenizer, [{"role": "system", "content": _SYSTEM}, *messages])
    except Exception:  # by any exception of its own a template says that it takes no system message
        text = ""
    if _SYSTEM in text:
        head_open, rest = text.split(_SYSTEM)
        head_close, rest = rest.split(_USER)
    else:
        head_open, rest = _render(tokenizer, messages).split(_USER)
        head_close = "\n\n"
    _, rest = rest.split(_REPLY)
    next_open, reply_open = rest.split(_NEXT)
    return ChatFormat(head_open, head_close, reply_open, next_open, markers)


def _render(tokenizer: Any, messages: list[dict[str, str]]) -> str:
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
