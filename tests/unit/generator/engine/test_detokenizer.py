"""A draft's text comes in whole code points and never shows a stop string."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.generator.engine.detokenizer import Detokenizer


class Bytes:
    """Every byte is a token."""

    def decode(self, ids: Sequence[int]) -> str:
        return bytes(ids).decode("utf-8", "replace")

    def token_bytes(self, token: int) -> bytes | None:
        return bytes([token])


class Neighbours(Bytes):
    """Says that bytes depend on their neighbours, so that the text decodes with context."""

    def token_bytes(self, token: int) -> bytes | None:
        return None


@given(st.text(min_size=1, max_size=60))
def test_bytes_become_the_same_text(text: str) -> None:
    for detokeniser in (Bytes(), Neighbours()):
        draft = Detokenizer(detokeniser)
        shown = [draft.push(b) for b in text.encode()]
        shown.append(draft.flush())
        assert "".join(shown) == draft.text == text


@given(st.text("abc", max_size=40), st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=3))
def test_stop_strings_cut_where_a_search_would(text: str, stop: list[str]) -> None:
    draft = Detokenizer(Bytes(), stop)
    for byte in text.encode():
        draft.push(byte)
        if draft.stopped:
            break
    draft.flush()
    ends = [text.find(s) + len(s) for s in stop if s in text]
    first = min(ends, default=None)
    expected = text
    if first is not None:
        seen = text[:first]
        expected = seen[: min(seen.find(s) for s in stop if s in seen)]
    assert draft.text == expected
    assert draft.stopped == (first is not None)


def test_a_broken_ending_is_marked() -> None:
    draft = Detokenizer(Bytes())
    assert draft.push(0xE4) == ""
    assert draft.flush() == "\ufffd"
