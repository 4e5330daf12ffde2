"""What a Chinese question is about: its own words, the kinds of values that it wants, the units of its numbers."""

import pytest

from services.common.evidence.units import Unit
from services.knowledge.domain.text import terms
from services.knowledge.evidence.cells import row_read
from services.knowledge.evidence.chinese import question_terms
from services.knowledge.evidence.features import coverage, read_question
from services.knowledge.evidence.synonyms import alike
from services.knowledge.evidence.values import present, wanted
from services.knowledge.evidence.words import stands

TEXT = "露营椅押金 80 元，帐篷一天租金 120 元。云岭山庄周一闭店，儿童票减半。"
KNOWN = frozenset(terms(TEXT))


def idf(stem: str) -> float:
    return 2.0 if stem in KNOWN else 0.0


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("请问帐篷的租金是多少？", ["帐篷", "租金"]),
        ("租帐篷一天要多少钱", ["租", "帐篷", "一天"]),
        ("露营椅要不要押金呢？", ["露营", "押金"]),
        ("你们周一开门吗", ["周一", "开门"]),
        ("云岭山庄在哪里？", ["云岭", "山庄"]),
    ],
)
def test_a_question_is_read_by_its_own_words(question: str, words: list[str]) -> None:
    assert [word for word in question_terms(question, idf) if word in words] == words
    assert not {"多少", "请问", "吗", "的", "篷的", "你们", "哪里"} & set(question_terms(question, idf))


def test_words_across_a_boundary_are_not_held_against_a_sentence() -> None:
    asked = read_question("请问帐篷的租金大概是多少？", idf)
    covered, gap, absent = coverage(asked, KNOWN)
    assert covered == pytest.approx(1.0)
    assert gap == absent == 0.0


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("这款风扇几分贝？", "噪音 38 分贝", "功率 45 瓦"),
        ("烤箱最高能到多少度", "最高 230 度", "容量 32 升"),
        ("桌子多重？", "净重 12 公斤", "价格 299 元"),
        ("一次能借几本书，几天还", "可借 21 天", "逾期每册 2 元"),
        ("打几折", "会员打九折", "会员每月 9 日"),
        ("押金交多少？", "押金 80 元", "须出示证件"),
        ("周日几点关门", "9:00–18:00", "电话见首页"),
        ("多久能到货", "三个工作日内", "免运费"),
        ("店长是谁", "店长：白秋月", "每天营业"),
        ("专柜在哪里", "二楼东侧", "见说明书"),
    ],
)
def test_a_value_of_the_kind_that_is_asked_is_known_from_others(question: str, right: str, wrong: str) -> None:
    kinds = wanted(question)
    assert kinds
    assert present(right, kinds)
    assert not present(wrong, kinds)


def test_questions_in_other_languages_want_what_they_wanted() -> None:
    assert wanted("How much is the tent per day?") == {"money"}
    assert wanted("Wann öffnet ihr?") == {"time"}
    assert not present("The tent is green.", {"money", "time"})


def test_words_of_one_meaning_stand_for_one_another() -> None:
    assert "租金" not in alike("押金")
    for one, other in ("标价", "价格"), ("营业", "开门"), ("配送", "送货"), ("质保", "保修"), ("主管", "负责"):
        assert other in alike(one)


def test_the_column_of_a_row_is_chosen_by_what_is_asked() -> None:
    cells = (("品名", "四人帐篷"), ("押金", "300 元"), ("重量", "6 公斤"), ("租期", "最长 7 天"))
    unit = Unit("row", 0, 10, "租赁", "四人帐篷 | 300 元 | 6 公斤 | 最长 7 天", name="四人帐篷", cells=cells)
    for question, place in (("四人帐篷押金多少？", 1), ("四人帐篷多重？", 2)):
        read = row_read(question, unit, {})
        assert read is not None
        assert read.asked == (place,)


def test_a_name_is_found_between_chinese_characters() -> None:
    assert stands("云岭7", "请问云岭7多少钱")
    assert not stands("云岭7", "请问云岭71多少钱")
    assert not stands("Pebble S", "Pebble Saver")
