"""Chinese sentences are read as facts, denials and contrasts; what is not stated is not read."""

from __future__ import annotations

from functools import partial

import pytest

from services.common.facts import FactRevision, fact_id
from services.knowledge.domain.slots import denied_facts
from services.knowledge.domain.statements import read_statement
from tests.support.cpu import cpu_seconds

DENIALS = [
    ("金橘套餐不再是19欧元了。", "金橘套餐", "19欧元"),
    ("海棠店周日早就不营业了。", "海棠店", "周日"),
    ("青石书店周一不再休息。", "青石书店", "周一"),
    ("其实，金橘套餐的价格不是19欧元。", "金橘套餐", "19欧元"),
    ("金橘套餐并非19欧元", "金橘套餐", "19欧元"),
    ("金橘套餐早已不卖19欧元了！", "金橘套餐", "19欧元"),
    ("金橘套餐已经不要19欧元了。", "金橘套餐", "19欧元"),
    ("金橘套餐以前是19欧元。", "金橘套餐", "19欧元"),
    ("说金橘套餐是19欧元是错的。", "金橘套餐", "19欧元"),
    ("丁香民宿不提供早餐了。", "丁香民宿", "早餐"),
    ("丁香民宿的早餐已经取消了。", "丁香民宿", "早餐"),
    ("丁香民宿取消了早餐。", "丁香民宿", "早餐"),
    ("银杏会员的年费已经取消。", "银杏会员", "年费"),
]
CONTRASTS = [
    ("竹韵房的押金是300元，不是500元。", "竹韵房", "300元", "500元"),
    ("竹韵房的押金不是500元，而是300元。", "竹韵房", "300元", "500元"),
    ("竹韵房的押金已从500元降到300元。", "竹韵房", "300元", "500元"),
    ("银杏会员的年费已经取消200元，改为260元。", "银杏会员", "260元", "200元"),
    ("松风民宿的退房时间已经不是11点，而是12点。", "松风民宿", "12点", "11点"),
    ("蓝鲸年票涨到360元了，以前是300元。", "蓝鲸年票", "360元", "300元"),
    ("蓝鲸年票现在卖360元，而不是300元", "蓝鲸年票", "360元", "300元"),
    ("不是300元，蓝鲸年票是360元。", "蓝鲸年票", "360元", "300元"),
    ("海棠店不在人民路，在解放路。", "海棠店", "解放路", "人民路"),
]
UNSTATED = [
    "据说金橘套餐不再是19欧元了。",
    "听说海棠店周日不营业了。",
    "如果是学生，枫叶月卡就不是88元。",
    "要是提前预订，竹韵房的押金是300元。",
    "我以为金橘套餐是19欧元。",
    "我觉得金橘套餐不是19欧元。",
    "可能白鹭班车不再是6次了。",
    "金橘套餐不再是19欧元了吗？",
    "金橘套餐是不是19欧元",
    "朋友说金橘套餐取消了。",
    "学生的话，金橘套餐是15欧元。",
    "金橘套餐好像不是19欧元。",
    "它不是19欧元。",
    "谢谢！",
    "太长了，请简短一点。",
]


@pytest.mark.parametrize(("sentence", "entity", "value"), DENIALS)
def test_a_denial_names_what_is_denied(sentence: str, entity: str, value: str) -> None:
    reading = read_statement(sentence)
    assert reading is not None
    assert (reading.entity, reading.value, reading.negative) == (entity, value, True)


@pytest.mark.parametrize(("sentence", "entity", "value", "denied"), CONTRASTS)
def test_of_a_contrast_the_new_value_is_stated(sentence: str, entity: str, value: str, denied: str) -> None:
    reading = read_statement(sentence)
    assert reading is not None
    assert (reading.entity, reading.value, reading.denied) == (entity, value, denied)
    assert reading.corrects
    assert not reading.negative


@pytest.mark.parametrize("sentence", UNSTATED)
def test_hearsay_thoughts_conditions_and_questions_state_nothing(sentence: str) -> None:
    assert read_statement(sentence) is None


def test_a_property_that_is_abolished_takes_its_value_back() -> None:
    fee = FactRevision(fact_id("银杏会员", "年费"), 1, "银杏会员", "年费", "200元")
    assert denied_facts("年费", [fee]) == [fee]
    assert denied_facts("200元", [fee]) == [fee]
    monthly = FactRevision(fact_id("金橘套餐", "价格"), 1, "金橘套餐", "价格", "每月19欧元")
    assert denied_facts("19欧元", [monthly]) == [monthly]
    assert denied_facts("29欧元", [monthly]) == []


def test_reading_is_linear() -> None:
    for piece in ("不是", "的价格", "取消了，改为", "金橘套餐不再是19欧元", "周日不营业"):
        short, long = (cpu_seconds(partial(read_statement, piece * n), 0.1) for n in (20, 80))
        assert long < 8 * short + 0.5
