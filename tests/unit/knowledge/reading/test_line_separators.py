"""Line and paragraph separators of Unicode shift nothing: each text stays under its heading."""

import pytest

from tests.support.office_files import paragraph, word
from tests.support.passages import shown

RULES = "\n\n## Visits\n\nA visit costs 40 euros.\n\n## Parking\n\nParking costs 3 euros.\n"
RIGHT = [("Plans > Visits", "A visit costs 40 euros."), ("Plans > Parking", "Parking costs 3 euros.")]


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\r", "\r\n"])
@pytest.mark.parametrize(
    "text", ["Basic{0}Family{0}Pro are our plans.", "{0}{0}Basic, Family, Pro{0}", "Basic{0}{0}Family Pro"]
)
def test_no_text_comes_under_another_heading(mark: str, text: str) -> None:
    first, *others = shown("# Plans\n\n" + text.format(mark) + RULES, "plans.md")
    assert others[-2:] == RIGHT
    assert first[0] == "Plans"
    assert all(name in " ".join(words for _, words in shown("# Plans\n\n" + text.format(mark) + RULES, "a.md")[:-2])
               for name in ("Basic", "Family", "Pro"))  # fmt: skip
    assert not any("##" in words for _, words in (first, *others))


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85"])
def test_names_that_it_divides_stay_divided(mark: str) -> None:
    assert shown(f"# Plans\n\nBasic{mark}Family{mark}Pro", "plans.md") == [("Plans", "Basic\nFamily\nPro")]
    assert shown(f"<h1>Plans</h1><p>Basic{mark}Family</p>", "plans.html") == [("Plans", "Basic Family")]
    assert shown(word(paragraph("Plans", "Heading1"), paragraph(f"Basic{mark}Family")), "plans.docx") == [
        ("Plans", "Basic Family")
    ]
    assert shown(f"name,plan\nMia,Basic{mark}Pro\n", "plans.csv")[0][1] == "name: Mia | plan: Basic Pro"
    text = " ".join(f"{heading} {words}" for heading, words in shown(f"Basic{mark}Family is new.", "plans.txt"))
    assert "Basic" in text.split()
    assert "Family" in text.split()


def test_a_heading_that_holds_one_is_one_heading() -> None:
    assert shown("# Plans\u2028and prices\n\nNine euros.", "a.md") == [("Plans and prices", "Nine euros.")]


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\u2028\u2029"])
def test_a_separator_before_a_heading_or_an_item_does_not_hide_it(mark: str) -> None:
    text = f"{mark}# Prices\n\nNine euros.\n\n{mark}## Parking\n\n{mark}- behind the house\n- in the street\n"
    assert shown(text, "a.md") == [
        ("Prices", "Nine euros."),
        ("Prices > Parking", "- behind the house\n- in the street"),
    ]


def test_a_separator_makes_no_heading() -> None:
    ((heading, text),) = shown("# Plans\n\nNo\u2028# heading", "a.md")
    assert heading == "Plans"
    assert "heading" in text


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85"])
def test_a_text_whose_lines_end_at_separators_alone_has_lines(mark: str) -> None:
    text = ("# Plans\n\nBasic, Family, Pro." + RULES).replace("\n", mark)
    assert shown(text, "a.md") == [("Plans", "Basic, Family, Pro."), *RIGHT]


@pytest.mark.parametrize("mark", ["\u2028\u2028", "\u2029\u2029", "\x85\x85", "\u2028\u2029"])
def test_a_heading_between_two_separators_is_one(mark: str) -> None:
    text = "# Plans\n\nOurs.|## Visits|A visit costs 40 euros.|## Parking|Parking costs 3 euros.\n\nEnd.".replace(
        "|", mark
    )
    assert shown(text, "a.md") == [("Plans", "Ours."), RIGHT[0], ("Plans > Parking", "Parking costs 3 euros.\n\nEnd.")]


def test_a_quote_goes_on_behind_a_separator_without_its_mark() -> None:
    assert shown("# A\n\n> One\u2028> two\x85> three", "a.md") == [("A", "One\ntwo\nthree")]
