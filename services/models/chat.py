"""The base model's chat format: the text that its template puts around messages."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
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


def kept_chat_format(folder: Path, cache_dir: Path) -> ChatFormat:
    """As ``chat_format``, read once by a process of its own and kept in ``cache_dir`` under the files' contents: what
    renders templates takes seconds to import and 100 MB for as long as the process lives."""
    digest = hashlib.sha256(version("transformers").encode())
    for file in sorted(file for pattern in _TOKENIZER_FILES for file in folder.glob(pattern)):
        digest.update(file.name.encode() + file.read_bytes())
    kept = cache_dir / "chats" / f"{digest.hexdigest()[:24]}.json"
    known = _stored(kept.read_text()) if kept.is_file() else None
    if known is None:
        command = [sys.executable, "-m", "services.models.chat", str(folder)]
        reading = subprocess.run(command, capture_output=True, text=True, check=False)
        known = _stored(reading.stdout)
        if known is None:
            return chat_format(folder)  # whatever is wrong with the folder is told as it always was
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=kept.parent, delete=False) as stream:
            stream.write(_text(known))
        os.replace(stream.name, kept)
    return known


_TOKENIZER_FILES = ("*token*.json", "config.json", "chat_template*", "*.model", "additional_chat_templates/*")


def _text(format_: ChatFormat) -> str:
    return json.dumps(asdict(format_))


def _stored(text: str) -> ChatFormat | None:
    """What `_text` wrote, on the last line; None where that is something else."""
    try:
        fields = json.loads((text.splitlines() or [""])[-1])
        return ChatFormat(**{**fields, "markers": tuple(fields["markers"])})
    except (ValueError, TypeError, KeyError):
        return None


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


if __name__ == "__main__":  # one folder's format as JSON, for ``kept_chat_format``
    print(_text(chat_format(Path(sys.argv[1]))))
