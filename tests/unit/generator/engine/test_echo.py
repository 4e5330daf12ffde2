"""The echo engine signs its words where it is asked to: no two drafts are written alike."""

import re
from types import SimpleNamespace
from typing import Any

from services.generator.decoding.settings import DecodeSettings
from services.generator.engine.backends.echo import EchoBackend, EchoCodec


def reply(backend: EchoBackend, said: str) -> str:
    codec = EchoCodec()
    ids = codec.encode(f"<|im_start|>user\n{said}<|im_end|>")
    request = SimpleNamespace(settings=DecodeSettings())
    sequence: Any = SimpleNamespace(ids=ids, prompt_length=len(ids), request=request)
    words = backend._reply(codec, sequence)
    return "".join(map(codec.decode, words))


def test_unsigned_words_come_back_as_they_were() -> None:
    assert reply(EchoBackend(), "good morning") == "good morning"


def test_each_draft_of_each_process_has_a_sign_of_its_own() -> None:
    one, other = EchoBackend(signed=True), EchoBackend(signed=True)
    texts = [reply(one, "good morning"), reply(one, "good morning"), reply(other, "good morning")]
    signs = [set(re.findall(r"~([0-9a-f]{3}\.\d+)", text)) for text in texts]
    assert all(len(found) == 1 for found in signs)
    assert signs[0] != signs[1]
    assert [re.sub(r"~\S+", "", text) for text in texts] == ["good morning"] * 3
