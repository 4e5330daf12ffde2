"""Personal data in texts: what is masked, what stays, and how long that takes."""

from __future__ import annotations

import time

import pytest

from research.eval.privacy import measure
from services.common.privacy import Masker, findings, masked
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


def test_what_the_service_keeps_stays_however_it_is_written() -> None:
    masker = Masker(keep=("+49 711 5550123",), own=lambda kind, value: value == "desk@shop.example")
    assert masker.mask("0711 5550123, desk@shop.example") == "0711 5550123, desk@shop.example"
    assert masker.mask("0711 5550124, me@shop.example") == "<PHONE_1>, <EMAIL_1>"


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
