"""Personal data in texts: what is masked, what stays, and how long that takes."""

from __future__ import annotations

import time

import pytest

from research.eval.privacy import measure
from services.common.privacy import Masker, findings, masked
from services.common.privacy.asking import Asked
from services.common.privacy.checks import card, chinese_id, iban


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("The Family plan costs 29.90 euros a month.", None),
        ("Your hotline is 0800 330 1000.", None),
        ("客服热线400-820-8820，营业时间9:00到21:00。", None),
        ("order 20931187465 of 12 March 2026, ref 8812-44-09", None),
        ("The warranty number reads 7741 2290 5518 3300.", None),
        ("I am happy with the Basic plan. This is ridiculous, this is the third time.", None),
        ("我是学生，我叫你们退款，我是高级会员。", None),
        ("My card is 4111 1111 1111 1111.", "My card is <CARD_1>."),
        ("My card is 4111 1111 1111 1112.", None),
        ("Pay GB29 NWBK 6016 1331 9268 19 please", "Pay <IBAN_1> please"),
        ("Pay GB29 NWBK 6016 1331 9268 18 please", None),
        ("身份证11010519491231002X。", "身份证<ID_1>。"),
        ("我叫王建国，手机13812345678。", "我叫<NAME_1>，手机<PHONE_1>。"),
        ("hi, my name is ada and I'm at ada@example.org", "hi, my name is <NAME_1> and I'm at <EMAIL_1>"),
        ("请寄到北京市朝阳区建国路88号3号楼1502室，谢谢", "请寄到<ADDRESS_1>，谢谢"),
        ("Ship it to 221B Baker Street, London NW1 6XE.", "Ship it to <ADDRESS_1>."),
        (
            "The office is at 410 Mill Street, Tarnbridge. The Weber branch",
            "The office is at <ADDRESS_1>. The Weber branch",
        ),
        (
            "My date of birth is 23/02/1979, the policy is of 01/02/2019.",
            "My date of birth is <BIRTH_1>, the policy is of 01/02/2019.",
        ),
        (
            "She was born on 14 March 2017 and starts on 3 September 2026.",
            "She was born on <BIRTH_1> and starts on 3 September 2026.",
        ),
        ("出生日期：2016年9月14日，8月20日上课", "出生日期：<BIRTH_1>，8月20日上课"),
        ("1990年5月1日出生，2026年入会", "<BIRTH_1>出生，2026年入会"),
        ("Our branch opened in May 2015 and it's your birthday treat on 3 May.", None),
        ("number plate LN19 VKE in bay 14", "number plate <PLATE_1> in bay 14"),
        ("My plate is KA-JT 4471 and bay 12 is free", "My plate is <PLATE_1> and bay 12 is free"),
        ("车牌沪AD12345停在B2层", "车牌<PLATE_1>停在B2层"),
        ("The licence plate reader reads 40 plates a minute", None),
        ("passport number L8820146K, page 22", "passport number <ID_1>, page 22"),
        ("护照号EJ3344556，航班CZ3101", "护照号<ID_1>，航班CZ3101"),
        ("Passport photos cost 15 euros, passport control closes at 22:00", None),
        ("护照办理要15个工作日", None),
        ("My SSN is 536-90-4399, ref 8812-44-0912", "My SSN is <ID_1>, ref 8812-44-0912"),
        ("加微信xiaohe_2019，扫微信支付付款", "加微信<HANDLE_1>，扫微信支付付款"),
        ("Can I pay with WeChat Pay or find you on Instagram?", None),
        ("Ring +1 312 555 0188 ext. 204 or 020 7946 0321 x12.", "Ring <PHONE_1> or <PHONE_2>."),
        ("座机0571-8765 4321转806没人接", "座机<PHONE_1>没人接"),
        ("Order no. 4000 1234 5678 9017 costs 12.00", None),
        ("UPS 1Z 999 AA1 01 2345 6784 is late", None),
        ("It's free, thanks for your help, this is great, but it's broken again, I'm fine.", None),
        ("That's what it's worth, in a thank you letter, and its twin, too.", None),
        ("退回的运费由寄件人付一半。孩子高烧，客人常来。", None),
        ("孩子何沐阳，想报钢琴课", "孩子<NAME_1>，想报钢琴课"),
        ("Our daughter Ottilie Brandt, ours alone", "Our daughter <NAME_1>, ours alone"),
    ],
)
def test_personal_data_is_masked_and_what_service_speaks_of_stays(text: str, kept: str | None) -> None:
    assert masked(text) == (kept or text)


def test_a_value_keeps_its_mark_through_a_dialogue_also_where_nothing_introduces_it() -> None:
    masker = Masker()
    assert masker.mask("My name is Ada Byron, call +44 7911 123456.") == "My name is <NAME_1>, call <PHONE_1>."
    assert masker.mask("Or +44 20 7946 0958. Ada Byron") == "Or <PHONE_2>. <NAME_1>"
    assert masker.mask("We called +447911123456.") == "We called <PHONE_1>."
    assert masker.mask("<PHONE_1> it is") == "<PHONE_1> it is"


def test_short_and_common_words_are_masked_where_they_are_introduced_alone() -> None:
    assert Masker().mask("我姓王，王府井店几点开门？") == "我姓<NAME_1>，王府井店几点开门？"
    assert Masker().mask("hi, i'm mark, my order is late, mark it urgent") == (
        "hi, i'm <NAME_1>, my order is late, mark it urgent"
    )
    assert Masker().mask("My name is NAME. It is <NAME_1>, NAME") == "My name is <NAME_1>. It is <NAME_1>, <NAME_1>"


def test_a_number_with_an_extension_is_the_number_without() -> None:
    masker = Masker(keep=["0711 5550123"])
    assert masker.mask("+49 711 5550123 ext. 9") == "+49 711 5550123 ext. 9"
    assert masker.mask("+49 711 5550124 ext. 9, 0711 5550124") == "<PHONE_1>, <PHONE_1>"


def test_the_store_is_asked_a_bounded_number_of_times() -> None:
    asked = []
    masker = Masker(own=lambda kind, value: bool(asked.append(value)) or True)
    text = masker.mask("\n".join(f"user{number}@shop.example" for number in range(200)) * 2)
    assert len(asked) == 50
    assert text.startswith("user0@shop.example\n")
    assert "user60@" not in text


def test_asking_for_a_value_is_done_once_and_ends_when_it_has_taken_too_long() -> None:
    asked: list[str] = []

    def own(kind: str, value: str) -> bool:
        asked.append(value)
        return True

    answers = Asked(own, 1.5, clock=lambda: float(len(asked)))  # each answer takes a second
    assert [answers("PHONE", value) for value in ("a", "a", "b", "c", "b", "c")] == [True] * 3 + [False, True, False]
    assert asked == ["a", "b"]


def test_what_the_service_keeps_stays_however_it_is_written() -> None:
    masker = Masker(keep=("+49 711 5550123",), own=lambda kind, value: value == "desk@shop.example")
    assert masker.mask("0711 5550123, desk@shop.example") == "0711 5550123, desk@shop.example"
    assert masker.mask("0711 5550124, me@shop.example") == "<PHONE_1>, <EMAIL_1>"


def test_a_longer_name_is_no_shorter_one_and_a_rest() -> None:
    masker = Masker()
    assert masker.mask("My name is Anna. My name is Anna Schmidt.") == "My name is <NAME_1>. My name is <NAME_2>."
    assert masker.mask("Anna Schmidt wrote again, Anna too.") == "<NAME_2> wrote again, <NAME_1> too."


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ("+44 7700 900123", True),
        ("+49 (0)711 555 0123", True),
        ("0049 711-5550123", True),
        ("+33 1 23 45 67 89", True),
        ("+" + "4" * 40, False),
        ("+4", False),
    ],
)
def test_numbers_with_a_countrys_code(said: str, mark: bool) -> None:
    assert ("<PHONE_1>" in Masker().mask(f"Reach me at {said}, please.")) is mark


def test_check_digits_tell_numbers_from_others() -> None:
    assert card("378282246310005")
    assert card("6200000000000005")
    assert not card("8949020000123456789")
    assert iban("DE89370400440532013000")
    assert not iban("DE89370400440532013001")
    assert not iban("RF18539007547034")
    assert chinese_id("440524188001010014")
    assert not chinese_id("440524188001010015")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_finds_what_it_found_on_the_set_with_gold(language: str) -> None:
    figures = measure(f"{language}_dev")
    assert figures[f"{language}_dev_recall"] >= 0.95
    assert figures[f"{language}_dev_precision"] >= 0.9


@pytest.mark.parametrize(
    "piece",
    [
        "born on 1.1.",
        "born on ",
        "passport no ",
        "passport A1 B2 C3 D4 ",
        "my plate is AB 1 ",
        "微信号是a",
        "出生于1990年",
        "京A1",
        "+1 312 555 0188 x1 ",
        "020 7946 0321 ext ",
        "乘客王",
        "孩子",
        "to Ada Ada, ",
        "This is a b ",
        "I'm A" + " " * 60,
        "Thanks\n",
        "Rue de la Rue ",
        "1 2 3 4 ",
        "+1 ",
        "a.",
        "a@",
        "Flat 1, ",
        "1 Main Main ",
        "My name is Ada ",
        "Ada ",
        "路1号",
        "我叫王",
        "0",
        "A, ",
        "DE12 ",
        "-",
        "(0",
        "Dr. Ada, ",
        "a-",
        "A'",
        "京",
        "4111 ",
        "+" + "4" * 40 + "x",
        "+44 (0) 7",
        "00",
    ],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    def seconds(length: int) -> float:
        text = piece * (length // len(piece))
        best = float("inf")
        for _ in range(3):
            began = time.thread_time()
            findings(text)
            best = min(best, time.thread_time() - began)
        return best

    short, long = seconds(8_000), seconds(32_000)
    assert long < max(0.05, 4 * short * 2)


@pytest.mark.parametrize(
    "piece",
    ["u{n}@x.example ", "+44 7911 1{n:05d}, ", "My name is Ada{n:c}. ", "我叫王建{n:c}。", "<PHONE_{n}> ", "Ada "],
)
def test_masking_a_dialogue_takes_time_by_its_length_alone(piece: str) -> None:
    def seconds(values: int) -> float:
        texts = ["".join(piece.format(n=number + 65) for number in range(at, at + 50)) for at in range(0, values, 50)]
        best = float("inf")
        for _ in range(3):
            masker = Masker(own=lambda kind, value: False)
            began = time.thread_time()
            for text in texts:
                masker.mask(text)
            best = min(best, time.thread_time() - began)
        return best

    short, long = seconds(1_000), seconds(4_000)
    assert long < max(0.05, 4 * short * 2)
