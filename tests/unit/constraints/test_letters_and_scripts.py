"""What looks alike is alike, and words and characters are those that people see, in every script."""

import unicodedata

import pytest

from services.common import text_measures as measure
from services.common.constraints import Constraint, check, rewrite
from tests.support.cpu import cpu_seconds


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


NAMES = (
    "Café Zoë",
    "Ångström",
    "Müller",
    "Łódź",
    "São Tomé",
    "Việt Nam",
    "Ñandú",
    "ÉCOLE",
    "한국어",
    "Dvořák",
    "Žižka",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_there_however_its_letters_are_composed(name: str) -> None:
    for asked, said in ((name, decomposed(name)), (decomposed(name), name)):
        reply = f"The hours of {said} are 10 to 6."
        assert check(Constraint("must_include", asked), reply)
        assert check(Constraint("keep", asked), reply)
        assert not check(Constraint("must_not_include", asked), reply)
        assert check(Constraint("start", asked), f"{said} is open.")
        assert check(Constraint("end", asked), f"We go to {said}.")
        assert check(Constraint("replace", f"{asked} => Paris"), "We go to Paris.")
        assert not check(Constraint("replace", f"{asked} => Paris"), f"We go to Paris, not {said}.")


@pytest.mark.parametrize(
    "reply",
    [
        "치과는 여섯 시에 닫습니다.",
        "강남 치과에서 만나요.",
        "여기가 치과입니다.",
        "치과들이 많습니다.",
        "치과 옆입니다.",
    ],
)
def test_a_korean_word_is_there_with_its_particle(reply: str) -> None:
    assert check(Constraint("must_include", "치과"), reply)
    assert not check(Constraint("must_not_include", "치과"), reply)


@pytest.mark.parametrize(
    ("phrase", "reply"), [("한국", "한국어를 배워요."), ("가격", "가격표를 보세요."), ("과", "치과는 멉니다.")]
)
def test_a_korean_word_that_goes_on_is_another(phrase: str, reply: str) -> None:
    assert not check(Constraint("must_include", phrase), reply)


@pytest.mark.parametrize(
    ("phrase", "reply"), [("Zoe", "Zoe\u0308 is here."), ("cafe", "A cafe\u0301."), ("दिन", "दिनों की बात।")]
)
def test_a_letter_with_a_mark_is_another_letter(phrase: str, reply: str) -> None:
    assert not check(Constraint("must_include", phrase), reply)
    assert check(Constraint("must_not_include", phrase), reply)


@pytest.mark.parametrize(
    ("text", "fewest", "most"),
    [
        ("हिन्दी भाषा", 2, 2),
        ("தமிழ் மொழி", 2, 2),
        ("ภาษาไทย", 1, 1),
        ("বাংলা ভাষা সুন্দর", 3, 3),
        ("עִבְרִית יָפָה", 2, 2),
        ("العَرَبِيَّة لغة", 2, 2),
        ("Wi‑Fi", 1, 2),
        ("Wi‐Fi is free", 3, 4),
        (decomposed("Zoë déjà"), 2, 2),
        ("می‌خواهم بروم", 2, 2),
        ("短一点", 3, 3),
        ("it's 3.5 km", 3, 5),
    ],
)
def test_words_are_those_that_people_see(text: str, fewest: int, most: int) -> None:
    assert measure.count_words(text) == (fewest, most)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Zoë", 3),
        (decomposed("Zoë"), 3),
        ("हिन्दी", 2),
        ("👨‍👩‍👧", 1),
        ("🇫🇷🇩🇪", 2),
        ("👍🏽", 1),
        ("短一点。", 4),
        ("a b\tc", 3),
        ("e\u0301\u0323", 1),
    ],
)
def test_characters_are_those_that_people_see(text: str, seen: int) -> None:
    assert measure.characters(text)[0] == seen


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (decomposed("éééé"), 4),
        ("👨‍👩‍👧👍🏽", 2),
        ("🇩🇪🇫🇷", 2),
        ("1️⃣", 1),
        ("ก็ได้", 3),
        ("Ver\u00adtrag", 7),
        ("\ufeff\u200fab\u200bc", 3),
        (decomposed("한국"), 2),
        ("Z\u0351\u036b\u0343\u036aa", 2),
        ("a❤️‍🔥", 2),
    ],
)
def test_a_length_in_characters_counts_what_people_see(text: str, number: int) -> None:
    assert check(Constraint("length", "", "characters", number, number), text)
    assert not check(Constraint("length", "", "characters", None, number - 1), text)
    assert not check(Constraint("length", "", "characters", number + 1, None), text)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("❤", "We ❤️ you"),
        ("❤️", "We ❤ you"),
        ("👍", "ok 👍🏽"),
        ("🇫🇷", "🇩🇪🇫🇷🇮🇹"),
        ("👨‍👩‍👧", "Bring the 👨‍👩‍👧!"),
        ("میخواهم", "من می‌خواهم بروم"),
        ("র্যাব", "এটি র‌্যাব বাহিনী"),
        ("ශ්‍රී", "ශ්රී ලංකා"),
        ("Auflage", "Die Auf\u200clage"),
        ("It's", "Itʼs free."),
        ('"Pro"', "the “Pro” plan"),
        ("«Pro»", 'the "Pro" plan'),
        ("9-12", "open 9–12"),
        ("-5", "it is −5 degrees"),
        ("１９", "It costs 19 euros."),
        ("Ver\u00adtrag", "Der Vertrag endet."),
        ("03-1234", "\u200e03-1234\u200e"),
    ],
)
def test_ways_of_writing_one_thing_are_one(asked: str, said: str) -> None:
    assert check(Constraint("must_include", asked), said)
    assert not check(Constraint("must_not_include", asked), said)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("👧", "Bring the 👨‍👩‍👧!"),
        ("👩", "the 👩🏽‍🔧 comes"),
        ("🔥", "We ❤️‍🔥 it"),
        ("❤️", "We ❤️‍🔥 it"),
        ("🇪🇫", "🇩🇪🇫🇷"),
        ("🏴", "from 🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "from 🏴󠁧󠁢󠁳󠁣󠁴󠁿"),
        ("1", "Press 1️⃣"),
        ('"', "the “Pro” plan"),
        ("–", "a well-known plan"),
    ],
)
def test_a_part_of_a_sign_is_another_sign(asked: str, said: str) -> None:
    assert not check(Constraint("must_include", asked), said)
    assert check(Constraint("must_not_include", asked), said)


@pytest.mark.parametrize(
    ("text", "number", "without"),
    [
        ("Hi 👨‍👩‍👧", 1, "Hi"),
        ("Hi 👍🏽 you", 1, "Hi you"),
        ("🇩🇪🇫🇷 flags", 2, "flags"),
        ("we ❤️‍🔥 it", 1, "we it"),
        ("Press 1️⃣ now", 1, "Press 1 now"),
        ("क्‍ष می‌خواهم", 0, "क्‍ष می‌خواهم"),
    ],
)
def test_an_emoji_is_what_people_see_as_one(text: str, number: int, without: str) -> None:
    assert check(Constraint("punctuation", "emoji", "", number, number), text)
    assert rewrite(Constraint("punctuation", "emoji", "", None, 0), text, "") == without


def test_a_replaced_word_leaves_the_marks_around_it() -> None:
    text = "\u200fשלום Ver\u00adtrag, Café."
    assert rewrite(Constraint("replace", "Café => Bar"), text, "") == "\u200fשלום Ver\u00adtrag, Bar."


@pytest.mark.parametrize("piece", ["👨‍", "🇩", "❤️", "ক‌", "-1", "“a"])
def test_signs_are_sought_in_time_that_grows_with_the_text(piece: str) -> None:
    def seconds(times: int) -> float:
        text = piece * times
        return cpu_seconds(lambda: (check(Constraint("must_include", piece * 3 + "x"), text), measure.emoji(text)), 0.1)

    assert seconds(40_000) < 12 * seconds(5_000) + 0.1


@pytest.mark.parametrize("hyphen", ["-", "\u2010", "\u2011", "\ufe63", "\uff0d"])
def test_every_hyphen_is_a_hyphen(hyphen: str) -> None:
    for other in ("-", "\u2011"):
        reply = f"Wi{other}Fi is free in the e{other}bike room."
        assert check(Constraint("must_include", f"Wi{hyphen}Fi"), reply)
        assert not check(Constraint("must_not_include", f"e{hyphen}bike"), reply)
    assert check(Constraint("length", "", "words", None, 2), f"Wi{hyphen}Fi")


@pytest.mark.parametrize("written", ["５０％", "50%", "５0%"])
def test_full_width_digits_are_digits(written: str) -> None:
    assert check(Constraint("must_include", "50%"), f"现在有{written}的折扣。")


def test_marks_that_nobody_sees_do_not_hide_a_word() -> None:
    assert not check(Constraint("must_not_include", "refund"), "A re\u00adfund or a re\u200bfund is possible.")


@pytest.mark.parametrize("mark", ["。", "！", "？", "।", "؟"])
def test_marks_of_scripts_without_spaces_end_sentences(mark: str) -> None:
    assert measure.count_sentences(f"एक{mark}दो{mark}") == (2, 2)
    assert check(Constraint("length", "", "sentences", 2, 2), f"一{mark}二{mark}")


def test_a_chinese_semicolon_may_end_a_sentence_or_not() -> None:
    text = "价格是五元；门票要提前买。"
    assert measure.count_sentences(text) == (1, 2)
    assert not check(Constraint("length", "", "sentences", None, 1), text)
    assert not check(Constraint("length", "", "sentences", 2, None), text)


def test_chinese_sentences_become_a_list() -> None:
    listed = rewrite(Constraint("format", "bullets", "", 3, 3), "门票五元。周一休息！可以刷卡吗？", "")
    assert listed == "* 门票五元。\n* 周一休息！\n* 可以刷卡吗？"


@pytest.mark.parametrize(
    ("phrase", "reply"),
    [("art", "Where to start."), ("?", "We open at nine."), ("ten", "It costs often."), ("元", "五园。")],
)
def test_an_end_is_a_whole_word(phrase: str, reply: str) -> None:
    assert not check(Constraint("end", phrase), reply)


@pytest.mark.parametrize(
    ("number", "reply", "there"),
    [
        ("29", "价格是29元。", True),
        ("29", "It costs 29.00 euros.", True),
        ("29", "It costs 29.50 euros.", False),
        ("29", "It costs 129 euros.", False),
        ("29", "It costs 1.29 euros.", False),
        ("29", "It costs 29,000 euros.", False),
        ("9", "We open at 9:30.", False),
        ("9", "We open at 9.", True),
        ("€5", "It costs €5.50.", False),
        ("10-6", "Open 10-6, daily.", True),
    ],
)
def test_a_number_stands_in_no_longer_one(number: str, reply: str, there: bool) -> None:
    assert check(Constraint("must_include", number), reply) is there


@pytest.mark.parametrize(
    ("phrase", "reply", "there"),
    [
        ("می\u200c", "می خواهم", True),
        ("hello \ufe0f", "Oh, hello there.", True),
        ("a \u200d", "It is a plan.", True),
        ("\u200d", "It is a plan.", False),
        ("\ufe0f", "❤\ufe0f", False),
    ],
)
def test_joiners_at_a_phrases_end_are_no_letters(phrase: str, reply: str, there: bool) -> None:
    assert check(Constraint("must_include", phrase), reply) is there
