"""Documents are cut into passages that keep their heading and fit the encoder."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.knowledge.domain.passages import Section, cut, markdown_sections


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) + sum("一" <= c <= "鿿" for c in text) for text in texts]


def test_headings_are_a_path() -> None:
    sections = markdown_sections("intro\n# A\none\n## B\ntwo\n# C\nthree", title="Doc")
    assert [(section.headings, section.text) for section in sections] == [
        (("Doc",), "intro"),
        (("Doc", "A"), "one"),
        (("Doc", "A", "B"), "two"),
        (("Doc", "C"), "three"),
    ]


def test_a_hash_in_code_is_no_heading() -> None:
    sections = markdown_sections("# A\n```\n# not a heading\n```")
    assert len(sections) == 1
    assert "# not a heading" in sections[0].text


def test_paragraphs_are_kept_whole_where_they_fit() -> None:
    passages = cut("s", [Section(("H",), "one two three\n\nfour five six\n\nseven")], words, max_pieces=7)
    assert [passage.text for passage in passages] == ["one two three\n\nfour five six", "seven"]
    assert passages[0].searchable == "H\none two three\n\nfour five six"


def test_chinese_splits_at_its_own_full_stops() -> None:
    text = "退货期限为三十天。超过期限不予退款！请保留发票；谢谢。"
    passages = cut("s", [Section((), text)], words, max_pieces=10)
    assert "".join(passage.text for passage in passages) == text
    assert passages[0].text == "退货期限为三十天。"


@given(
    st.lists(st.sampled_from(["word", "退", "。", "\n\n", ". ", " ", "averyveryverylongword", "!"]), max_size=200),
    st.integers(6, 40),
)
def test_every_passage_fits_and_no_word_is_lost(parts: list[str], room: int) -> None:
    text = "".join(parts)
    passages = cut("s", [Section(("Title",), text)], words, max_pieces=room)
    assert all(words([passage.text])[0] <= room for passage in passages)
    kept = "".join(filter(str.isalnum, "".join(passage.text for passage in passages)))
    assert kept == "".join(filter(str.isalnum, text))


def test_what_did_not_change_keeps_its_id() -> None:
    before = cut("s", markdown_sections("# A\none\n# B\ntwo"), words)
    after = cut("s", markdown_sections("# New\nzero\n# A\none\n# B\ntwo changed"), words)
    assert before[0].id in {passage.id for passage in after}
    assert before[1].id not in {passage.id for passage in after}
    assert len({passage.id for passage in cut("s", [Section((), "a\n\na\n\na")], words, max_pieces=1)}) == 3
    assert cut("other", markdown_sections("# A\none"), words)[0].id != before[0].id
