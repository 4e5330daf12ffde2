"""A comment that denies a wish is never read as the wish."""

from __future__ import annotations

from functools import partial

import pytest

from services.common.constraints import Constraint, check
from services.tracker.domain.feedback import Feedback, read_feedback
from services.tracker.domain.feedback.comments import parse_comment
from services.tracker.domain.feedback.denial import take_denials
from tests.support.cpu import cpu_seconds

from .conftest import OFFICE, Reader

NOTHING_ASKED = (
    "It is not too long.",
    "I can't see why it should be shorter.",
    "I don't understand why we would need more details.",
    "There is no reason why it should be longer.",
    "I cannot see why it must be formal.",
    "You don't have to shorten it.",
    "I don't need more details.",
    "No need for bullet points.",
    "This doesn't have to be formal.",
    "It isn't too short.",
    "This is by no means too long.",
    "I wouldn't say it's too long.",
    "There's no need to be brief.",
    "You needn't expand on it.",
    "No need to elaborate.",
    "It doesn't need more detail.",
    "I'm not asking for more details.",
    "I never said it was too long.",
    "It's not that I want it shorter.",
    "It doesn't need to be friendly.",
    "You don't need to answer in German.",
    "No need to use a list.",
    "I don't need bullets.",
    "You don't have to mention the price.",
    "You don't need to remove parking.",
    "It's not necessary to remove the hours.",
    'It need not start with "Hello".',
    "It doesn't have to be in lower case.",
    "No need to write it in all caps.",
    "You don't have to avoid commas.",
    "It's fine to mention parking.",
    "It is not boring.",
    "It doesn't sound cold.",
    "The reply isn't too technical.",
    "I don't mind the length.",
    "You do not need to cut it down to 20 words.",
    "No need for a title.",
    "It couldn't be any shorter.",
    "It's anything but too long.",
    "It is neither too long nor too short.",
    "I was afraid it would be too long, but it isn't.",
    "If it were too long I'd say so.",
    "I didn't ask you to shorten it.",
    "Bullet points aren't needed.",
    "I have nothing against bullet points.",
    "Don't make it less formal.",
    "Don't make it more formal.",
    "It doesn't strike me as too long.",
    "Hardly too long.",
    "Forget what I said about making it shorter.",
    "My colleague thinks it's too long, I don't.",
    "No one could call this too long.",
    "It's quite the opposite of too long.",
    "I never meant that you should answer in French.",
    "Do we really need the parking price?",
    "The length isn't the issue.",
    "I cannot say it's too long.",
    "Not that it's too short.",
    "You don't need to apologise.",
    "No one needs to hear about parking.",
)

DENIED_IN_OTHER_WORDS = (
    "This could hardly be called too short.",
    "Under no circumstances turn this into a table.",
    "Who on earth would want this any longer??",
    "What would be the point of a longer reply?",
    "I fail to see what a numbered list would add here.",
    "There's absolutely no call for headings or a title here.",
    "In no way does this need to be friendlier.",
    "I doubt that bullet points would help.",
    "Bullet points would be overkill.",
    "Since when do we need a title?",
    "Shorter isn't what I'm after.",
    "There's nothing to be gained by shortening it.",
    "Please don't feel obliged to turn it into bullets.",
    "Was anyone complaining that it's too casual?",
    "I see no benefit in a longer version.",
    "Far from asking for a table, I just want the hours.",
    "Don't replace the harbour with a port.",
)


@pytest.mark.parametrize("comment", DENIED_IN_OTHER_WORDS)
def test_a_wish_beside_a_negation_that_no_rule_knows_is_not_obeyed(read: Reader, comment: str) -> None:
    understood = read(comment).constraints
    assert all(one.kind in ("keep", "must_include") for one in understood)


COMPLAINTS_OF_A_LACK = (
    ("You didn't highlight anything, although I need at least 4 sections that are *highlighted*.", "format"),
    ("You haven't used bullet points, as I asked.", "format"),
    ("You did not use any bullet points.", "format"),
    ("The reply hasn't got bullet points.", "format"),
    ("You didn't make it a table.", "format"),
    ("It did not come as a numbered list.", "format"),
    ("You hadn't put it in bullets.", "format"),
    ("Nowhere do you mention the parking fee.", "must_include"),
    ("You didn't make it shorter.", "length"),
)


@pytest.mark.parametrize(("comment", "kind"), COMPLAINTS_OF_A_LACK)
def test_what_was_not_done_is_what_is_wished(read: Reader, comment: str, kind: str) -> None:
    assert kind in {one.kind for one in read(comment).constraints}


@pytest.mark.parametrize("comment", ["You didn't have to shorten it.", "You did not need to use a list."])
def test_what_was_not_needed_is_not_wished(read: Reader, comment: str) -> None:
    assert read(comment).constraints == []


@pytest.mark.parametrize(
    ("comment", "kind", "value"),
    [
        ("Whatever you do, keep it short.", "length", "shorter"),
        ("I can't read such a long text, make it shorter.", "length", "shorter"),
        ("Under no circumstances mention the harbour.", "must_not_include", "harbour"),
        ("On no account should the price be dropped.", "keep", "3 euros"),
        ("Whatever you do, don't delete the parking.", "keep", "parking"),
        ("I'd hate to see the parking go.", "keep", "parking"),
        ("It would be a mistake to drop the parking.", "keep", "parking"),
        ("It mustn't sound too formal.", "tone", "casual"),
    ],
)
def test_strong_words_change_no_meaning(read: Reader, comment: str, kind: str, value: str) -> None:
    assert (kind, value) in [(one.kind, one.value) for one in read(comment).constraints]


BAKERY = "我们的面包店六点开门。酸面包每个7欧元，可以放四天。"


def chinese(comment: str) -> list[tuple[str, str]]:
    return [(one.kind, one.value) for one in read_feedback(Feedback(comment=comment), BAKERY).constraints]


@pytest.mark.parametrize(
    "comment",
    ["又不长，缩它干嘛", "谁说要改成英文了？", "用不着列成清单", "我可没嫌它啰嗦。", "语气没必要那么正式", "何必改短呢",
     "我什么时候说要更长了？", "难道非要用表格不可吗？", "写得再详细就没意义了", "不见得要更正式吧", "翻译成英文干嘛？",
     "谁会觉得这太短啊", "怎么能说它太长呢", "没有人要求友好一点", "别把酸面包改成白面包",
     "千万不要用“面包”代替“酸面包”", "没说要把价格换成美元"],
)  # fmt: skip
def test_a_wish_denied_in_chinese_is_not_obeyed(comment: str) -> None:
    assert chinese(comment) == []


@pytest.mark.parametrize(
    "comment",
    [
        "千万别把酸面包删了。",
        "可别把酸面包那句给去了啊",
        "绝对不能省略酸面包",
        "酸面包可不能丢。",
        "万万不可删掉酸面包",
    ],
)
def test_what_must_not_go_stays_in_chinese(comment: str) -> None:
    assert chinese(comment) == [("keep", "酸面包")]


@pytest.mark.parametrize(
    ("comment", "kind", "value"),
    [("没人看这么长的", "length", "shorter"), ("不喜欢太长的", "length", "shorter"), ("不要太正式", "tone", "casual"),
     ("把六点改成七点", "replace", "六点 => 七点"), ("不是六点，是七点", "replace", "六点 => 七点")],
)  # fmt: skip
def test_a_chinese_complaint_with_a_negation_is_a_wish(comment: str, kind: str, value: str) -> None:
    assert (kind, value) in chinese(comment)


@pytest.mark.parametrize("comment", NOTHING_ASKED)
def test_a_denied_wish_asks_for_nothing_and_is_reported(read: Reader, comment: str) -> None:
    understood = read(comment)
    assert understood.constraints == []
    assert understood.unparsed


@pytest.mark.parametrize(
    "comment",
    [
        "Don't make it longer.",
        "I don't want it longer.",
        "It must not get any longer.",
        "I wouldn't make it any longer.",
        "Please don't expand on it.",
        "Avoid making it longer.",
        "No more details, please.",
        "That's enough detail.",
        "Further details would be overkill.",
        "Not longer.",
    ],
)
def test_a_reply_that_may_not_grow_is_bounded_by_the_draft(read: Reader, comment: str) -> None:
    assert read(comment).constraints == [Constraint("length", "", "words", None, 15, "comment")]


@pytest.mark.parametrize(
    "comment",
    ["Don't make it any shorter.", "Please don't shorten it.", "I don't want it shorter.", "Do not condense it.",
     "Don't cut it short.", "Not shorter.", "I would not shorten it.",
     "This is not something to shorten."],
)  # fmt: skip
def test_a_reply_that_may_not_shrink_is_bounded_by_the_draft(read: Reader, comment: str) -> None:
    assert read(comment).constraints == [Constraint("length", "", "words", 15, None, "comment")]


@pytest.mark.parametrize(
    "comment",
    [
        "Don't remove the parking price.",
        "Do not delete the opening hours.",
        "Don't leave out the parking price.",
        "Please don't cut the part about parking.",
        "Never drop the harbour office.",
        'You must not lose "3 euros".',
        "Don't exclude the weekend.",
        "Don't skip the parking info.",
        "You mustn't omit the price.",
        "Don't take out the euros.",
        "Don't forget the parking.",
        "Never leave the price out.",
        "I don't want you to drop the parking price.",
        "Without the parking price it would be incomplete.",
        "Remove everything except the parking price.",
        "Leaving out the price would be a shame.",
        "Omit neither the price nor the harbour.",
        "It doesn't mention the museum.",
        "There's no word about the museum.",
        "I don't want the opening hours to vanish.",
        "I wouldn't remove the price.",
        "I don't see why you should drop the price.",
    ],
)
def test_what_must_not_go_is_never_forbidden(read: Reader, comment: str) -> None:
    constraints = read(comment).constraints
    assert not any(constraint.kind == "must_not_include" for constraint in constraints)
    for constraint in constraints:
        assert constraint.kind in ("keep", "must_include")
        assert constraint.kind == "must_include" or check(constraint, OFFICE)


@pytest.mark.parametrize(
    "comment",
    [
        "I don't want a numbered list.",
        "Don't use bullet points.",
        "Please no bullet points.",
        "Not as a list, please.",
        "I'd rather not have bullet points.",
        "Bullet points? No.",
        "I didn't ask for bullet points.",
        "Bullets are out of the question.",
    ],
)
def test_a_refused_list_is_prose(read: Reader, comment: str) -> None:
    assert [(one.kind, one.value) for one in read(comment).constraints] == [("format", "prose")]


@pytest.mark.parametrize(
    ("comment", "kind", "value"),
    [
        ("Don't be so brief.", "length", "longer"),
        ("Take care not to be so wordy.", "length", "shorter"),
        ("The length isn't the issue; the price should be mentioned.", "must_include", "price"),
        ("You did not mention the museum.", "must_include", "museum"),
        ('Never ever write "Dear guest".', "must_not_include", "Dear guest"),
        ("It shouldn't be too long.", "length", "shorter"),
        ("Not so long please", "length", "shorter"),
        ("It doesn't have to be so long.", "length", "shorter"),
        ("Don't be formal.", "tone", "casual"),
        ("Not too formal please.", "tone", "casual"),
        ("Don't mention parking.", "must_not_include", "parking"),
        ("I don't understand why it is so long.", "length", "shorter"),
        ("I would make it shorter.", "length", "shorter"),
        ("It wasn't meant to be formal.", "tone", "casual"),
        ("Never use the word harbour.", "must_not_include", "harbour"),
        ("Don't exclude the weekend.", "must_include", "weekend"),
        ("Don't mention the price.", "must_not_include", "price"),
        ("Why don't you mention the weekend?", "must_include", "weekend"),
        ("Why not use bullet points?", "format", "bullets"),
        ("It's not rude, just a bit long.", "length", "shorter"),
        ("It's not long enough.", "length", "longer"),
        ("It's not short enough.", "length", "shorter"),
        ("It isn't formal enough.", "tone", "formal"),
        ("It doesn't sound friendly.", "tone", "friendly"),
    ],
)
def test_what_a_negation_asks_for_is_still_understood(read: Reader, comment: str, kind: str, value: str) -> None:
    assert (kind, value) in [(one.kind, one.value) for one in read(comment).constraints]


@pytest.mark.parametrize(
    ("comment", "kind", "value"),
    [
        ("Make it longer, not shorter.", "length", "longer"),
        ("Make it shorter, not longer.", "length", "shorter"),
        ("I want it shorter rather than longer.", "length", "shorter"),
        ("In English, not in German.", "language", "en"),
    ],
)
def test_what_a_wish_is_set_against_is_not_asked_for(read: Reader, comment: str, kind: str, value: str) -> None:
    assert [(one.kind, one.value) for one in read(comment).constraints] == [(kind, value)]


def test_a_wish_that_the_comment_itself_declines_asks_for_nothing(read: Reader) -> None:
    assert read("Longer? No, thanks.").constraints == []
    assert read("I said make it longer. Forget that.").constraints == []


def test_a_reply_that_may_begin_with_anything_else_does_not_begin_so(read: Reader) -> None:
    assert all(one.kind != "start" for one in read('Begin with anything other than "Dear".').constraints)


def test_a_wish_beside_a_denial_is_read(read: Reader) -> None:
    understood = read("It's not too long, but mention the price.")
    assert [(one.kind, one.value) for one in understood.constraints] == [("must_include", "price")]
    understood = read("I don't want it shorter, I want it friendlier.")
    assert {one.kind for one in understood.constraints} == {"tone", "length"}
    assert all(one.value != "shorter" for one in understood.constraints)


def test_reading_denials_is_linear() -> None:
    for piece in (
        "don't make it ",
        "it is not too long, ",
        "no need to ",
        '"',
        "never remove ",
        "and but ",
        "it's not ",
    ):
        short, long = (cpu_seconds(partial(take_denials, piece * n, OFFICE), 0.1) for n in (400, 1600))
        assert long < 8 * short + 0.5


def test_looking_for_unread_negations_is_linear() -> None:
    for piece in (
        "no table ",
        "hardly too long, ",
        "who would want it longer? ",
        "under no circumstances ",
        "not but ",
    ):
        short, long = (cpu_seconds(partial(parse_comment, piece * n, OFFICE), 0.1) for n in (100, 400))
        assert long < 8 * short + 0.5
    for piece in ("不要把", "谁说要", "别删了，", "没说要把六点改成七点"):
        comments = [Feedback(comment=piece * n) for n in (100, 400)]
        short, long = (cpu_seconds(partial(read_feedback, comment, BAKERY), 0.1) for comment in comments)
        assert long < 8 * short + 0.5
