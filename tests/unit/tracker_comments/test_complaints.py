"""A negation that tells what is lacking, what is disliked or why something is asked for denies nothing."""

from __future__ import annotations

from functools import partial

import pytest

from services.tracker.domain.feedback import Feedback, read_feedback
from services.tracker.domain.feedback.comments import parse_comment
from services.tracker.domain.feedback.complaints import plainly
from tests.support.cpu import cpu_seconds

from .conftest import OFFICE, Reader

LACKING = (
    ("You have not written it in German.", "de"), ("You didn't answer in German.", "de"),
    ("You never answer in French.", "fr"), ("It's not in Spanish.", "es"), ("The reply was not in Chinese.", "zh"),
    ("This still isn't in English.", "en"), ("Why didn't you write it in Italian?", "it"),
    ("It isn't in bullets.", "bullets"), ("You didn't put it in bullet points.", "bullets"),
    ("There are no bullet points in it.", "bullets"), ("You never use bullet points.", "bullets"),
    ("Why isn't it in bullets?", "bullets"), ("No bullet points?", "bullets"), ("Why not a table?", "table"),
    ("You were not brief.", "shorter"), ("You still haven't made it shorter.", "shorter"),
    ("it isn't short enough", "shorter"), ("It wasn't friendly enough.", "friendly"),
)  # fmt: skip
DISLIKED = (
    ("I don't like how long it is.", "shorter"), ("I don't like how short it is.", "longer"),
    ("I'm not happy with how formal this is.", "casual"), ("I hate how long this has become.", "shorter"),
    ("My boss doesn't like it this long.", "shorter"), ("Nobody reads anything this long.", "shorter"),
    ("I'd rather not have such a long text.", "shorter"), ("It doesn't need to be that long.", "shorter"),
    ("I would rather it weren't so long.", "shorter"), ("I wish it weren't so formal.", "casual"),
    ("It's too long for anyone to read and no one will.", "shorter"),
    ("It's too formal for a text that no lawyer will read.", "casual"),
)  # fmt: skip
SUGGESTED = (
    ("Couldn't it be shorter?", "shorter"), ("Can't it be in German?", "de"),
    ("Can't you make it shorter?", "shorter"),
    ("Couldn't this be a bit friendlier?", "friendly"), ("There's no harm in making it shorter.", "shorter"),
    ("I wouldn't mind it shorter.", "shorter"), ("I wouldn't say no to bullet points.", "bullets"),
    ("It wouldn't hurt to be friendlier.", "friendly"), ("It can't hurt to be a bit more formal.", "formal"),
    ("There's no reason not to use bullets.", "bullets"), ("Don't hesitate to shorten it.", "shorter"),
    ("Don't be afraid to make it longer.", "longer"), ("Nobody would mind if it were shorter.", "shorter"),
    ("It would be a shame not to have bullets.", "bullets"),
)  # fmt: skip
REASONED = (
    ("Answer in French as she speaks no English.", "fr"), ("Shorten it or I can't post it.", "shorter"),
    ("Shorten it or else it won't fit.", "shorter"), ("I won't approve it unless it's shorter.", "shorter"),
    ("It won't do unless it is in bullets.", "bullets"), ("I can't use it if it isn't in JSON.", "json"),
    ("We can't do without bullet points.", "bullets"), ("Without bullet points I can't follow it.", "bullets"),
    ("It looks bad without bullet points.", "bullets"), ("If it is not too much trouble make it shorter.", "shorter"),
    ("i need this in korean bc my pen pal cant read english", "ko"), ("What would it look like in Thai?", "th"),
    ("not over 9 bullet points", "bullets"), ("Not so many placeholders, three at the most.", "placeholders"),
    ("Finish with we refuse to whisper.", "we refuse to whisper"),
    ("People on my team will be confused if you don't use the word dashboard.", "dashboard"),
    ("A reply that says neither jazz nor saxophone is no use to me.", "jazz"),
)  # fmt: skip


@pytest.mark.parametrize(("comment", "value"), [*LACKING, *DISLIKED, *SUGGESTED, *REASONED])
def test_what_a_complaint_means_is_what_is_wished(read: Reader, comment: str, value: str) -> None:
    constraints = [one for one in read(comment).constraints if one.value != "simple"]
    assert {one.value for one in constraints} & {value, "list" if value == "bullets" else value}
    assert "must_not_include" not in {one.kind for one in constraints}
    assert not {one.value for one in constraints} & {"prose"}


@pytest.mark.parametrize(
    ("comment", "never"),
    [
        ("You did not make it too long.", "shorter"), ("You haven't made it too formal.", "casual"),
        ("The reply hasn't got too long.", "shorter"), ("It isn't so long that nobody reads it.", "shorter"),
        ("It isn't so long.", "shorter"), ("I like how short it is.", "longer"),
        ("I don't dislike how long it is.", "shorter"), ("I don't mind how long it is.", "shorter"),
        ("I hate it in bullets.", "bullets"), ("I can't stand bullets.", "bullets"),
        ("I don't like it shorter.", "shorter"), ("I'm not happy with a shorter version.", "shorter"),
        ("It doesn't look bad without bullet points.", "bullets"), ("I can do without bullet points.", "bullets"),
        ("It reads better without a table.", "table"), ("There must be no bullet points.", "bullets"),
        ("Make sure it has no title.", "title"), ("You must never use bullet points.", "bullets"),
        ("There are no bullet points in it, which is good.", "bullets"), ("Why is it in bullets?", "bullets"),
        ("It is fine if you don't use bullets.", "bullets"), ("I don't mind if it isn't a list.", "list"),
        ("It's not in German, thank God.", "de"), ("It should not be in German.", "de"),
        ("You don't have to answer in German.", "de"), ("Nobody wants it in German.", "de"),
        ("Never answer in German.", "de"), ("I wouldn't make it a table.", "table"),
        ("It is not too long for a text that no one reads.", "shorter"), ("Isn't it short enough?", "shorter"),
        ("It couldn't be any longer.", "longer"), ("Not one section.", "sections:Section"),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_complaint_is_not_obeyed(read: Reader, comment: str, never: str) -> None:
    assert never not in {one.value for one in read(comment).constraints}


@pytest.mark.parametrize(
    ("comment", "asked"),
    [
        ("The format should be JSON instead of plain text.", ["json"]),
        ("I want bullets rather than prose.", ["bullets"]),
        ("Give me a table, not prose.", ["table"]),
        ("Use JSON instead of running text.", ["json"]),
        ("The bullet points were a good idea.", []), ("The list was helpful.", []),
        ("Your numbered list is great.", []),
        ("The table looks really nice, but make it shorter.", ["shorter"]),
        ("The bullets would be great.", ["bullets"]),
        ('Cut down on "just", I want to see it less than 4 times.', ["just"]),
        ('Please cut down on the word "very".', ["very"]), ("Please cut down, it is endless.", ["shorter"]),
    ],
)  # fmt: skip
def test_a_form_that_is_liked_or_set_against_another_is_not_asked_for(
    read: Reader, comment: str, asked: list[str]
) -> None:
    assert [one.value for one in read(comment).constraints] == asked


def test_quoted_words_stay_as_they_are() -> None:
    for comment in ('Start with "You have not written it in German."', 'Say "it wouldn\'t hurt to be friendlier".'):
        assert plainly(comment) == comment


def test_putting_complaints_plainly_is_linear() -> None:
    for piece in (
        "you have not ",
        "it is not in ",
        "I can't use it if it isn't ",
        "nobody reads this long ",
        "couldn't you ",
        "but without a list ",
        ", I can't ",
        "not so a b c d e f ",
    ):
        for reads in (plainly, partial(parse_comment, draft_text=OFFICE)):
            short, long = (cpu_seconds(partial(reads, piece * n), 0.1) for n in (100, 400))
            assert long < 8 * short + 0.5


ABROAD = (
    ("你没有用德语写。", "de"),
    ("你没用德语回答。", "de"),
    ("不是用英文写的", "en"),
    ("怎么没用英文写？", "en"),
    ("我不喜欢它这么长。", "shorter"),
    ("不够短", "shorter"),
    ("还不够短。", "shorter"),
    ("没写短", "shorter"),
    ("你没有写得更短。", "shorter"),
    ("怎么还是这么长", "shorter"),
    ("语气不够友好", "friendly"),
    ("不够正式。", "formal"),
    ("你没有列成清单", "bullets"),
    ("没有分点列出来", "bullets"),
    ("我不喜欢这么正式的语气", "casual"),
    ("我不太喜欢这么短的回答。", "longer"),
    ("没有翻译成法语", "fr"),
    ("怎么没有标题？", "title"),
    ("Du hast es nicht auf Englisch geschrieben.", "en"),
    ("Du hast nicht auf Englisch geantwortet.", "en"),
    ("Mir gefällt nicht, wie lang es ist.", "shorter"),
    ("Es ist nicht kurz genug.", "shorter"),
    ("Nicht kurz genug.", "shorter"),
    ("Das ist nicht auf Englisch.", "en"),
    ("Warum ist das nicht auf Englisch?", "en"),
    ("Du hast dich nicht kurz gefasst.", "shorter"),
    ("Es ist nicht ausführlich genug.", "longer"),
    ("Das war nicht freundlich genug.", "friendly"),
    ("Du hast keine Liste gemacht.", "bullets"),
    ("Du hast es nicht gekürzt.", "shorter"),
    ("Mir gefällt nicht, wie förmlich das klingt.", "casual"),
    ("Es ist nicht lang genug.", "longer"),
    ("Tu ne l'as pas écrit en anglais.", "en"),
    ("Tu n'as pas répondu en anglais.", "en"),
    ("Je n'aime pas que ce soit si long.", "shorter"),
    ("Ce n'est pas assez court.", "shorter"),
    ("Pas assez court.", "shorter"),
    ("Ce n'est pas en anglais.", "en"),
    ("Pourquoi n'est-ce pas en anglais ?", "en"),
    ("Ce n'est pas assez détaillé.", "longer"),
    ("Vous n'avez pas fait de liste.", "bullets"),
    ("Vous n'avez pas été bref.", "shorter"),
    ("Ce n'est pas très poli.", "polite"),
    ("Ce n'est pas assez long.", "longer"),
    ("No lo has escrito en inglés.", "en"),
    ("No has respondido en inglés.", "en"),
    ("No me gusta lo largo que es.", "shorter"),
    ("No es lo bastante corto.", "shorter"),
    ("No es lo suficientemente breve.", "shorter"),
    ("No está en inglés.", "en"),
    ("¿Por qué no está en inglés?", "en"),
    ("No es suficientemente detallado.", "longer"),
    ("No has hecho una lista.", "bullets"),
    ("No has sido breve.", "shorter"),
    ("No es muy amable.", "friendly"),
    ("No es lo bastante largo.", "longer"),
)


@pytest.mark.parametrize(("comment", "value"), ABROAD)
def test_a_complaint_in_another_language_means_the_same(comment: str, value: str) -> None:
    understood = read_feedback(Feedback(comment=comment), OFFICE)
    assert [one.value for one in understood.constraints] == [value]


@pytest.mark.parametrize(
    ("comment", "never"),
    [
        ("没必要用德语写", "de"), ("没说要用英文", "en"), ("不是要你用英文写", "en"), ("不要用德语写", "de"),
        ("一点都不长", "shorter"),
        ("不是用英文写的吗？", "en"), ("没让你缩短", "shorter"), ("不喜欢更短的", "shorter"),
        ("我不喜欢这么正式的语气", "formal"),
        ("没写得太长", "shorter"), ("我喜欢这么短的", "longer"),
        ("Es ist nicht zu lang.", "shorter"), ("Du hast es nicht zu lang gemacht.", "shorter"),
        ("Nicht auf Englisch.", "en"), ("Du musst nicht auf Englisch antworten.", "en"),
        ("Mir gefällt, wie kurz es ist.", "longer"), ("Mir gefällt nicht, wie förmlich das klingt.", "formal"),
        ("Ce n'est pas trop long.", "shorter"), ("Pas en anglais.", "en"),
        ("Tu n'as pas besoin de répondre en anglais.", "en"), ("J'aime que ce soit si court.", "longer"),
        ("No es demasiado largo.", "shorter"), ("No en inglés.", "en"),
        ("No hace falta escribir en inglés.", "en"), ("Me gusta lo corto que es.", "longer"),
    ],
)  # fmt: skip
def test_what_is_no_complaint_in_another_language_is_not_obeyed(comment: str, never: str) -> None:
    assert never not in {one.value for one in read_feedback(Feedback(comment=comment), OFFICE).constraints}


def test_reading_complaints_in_other_languages_is_linear() -> None:
    for piece in ("你没有", "不喜欢这么", "怎么还", "Mir gefällt nicht, wie ", "pas assez ", "no lo has "):
        comments = [Feedback(comment=piece * n) for n in (200, 800)]
        short, long = (cpu_seconds(partial(read_feedback, comment, OFFICE), 0.1) for comment in comments)
        assert long < 8 * short + 0.5
