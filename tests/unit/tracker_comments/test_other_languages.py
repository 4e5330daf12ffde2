"""Comments in other languages are read by the reader that knows them, or reported; never guessed."""

from __future__ import annotations

from functools import partial

import pytest

from services.common.constraints import Constraint
from services.tracker.domain.feedback import Feedback, read_feedback
from services.tracker.domain.feedback.comment_language import comment_language
from services.tracker.domain.feedback.other_languages import read_foreign
from tests.support.cpu import cpu_seconds

from .conftest import Reader

OFFICE = {
    "zh": "港务办公室九点到五点开门。停车每小时三元，可以刷卡。",
    "de": "Das Hafenbüro ist von neun bis fünf geöffnet. Parken kostet 3 Euro.",
    "fr": "Le bureau est ouvert de neuf à cinq heures. Le parking coûte 3 euros.",
    "es": "La oficina abre de nueve a cinco. El aparcamiento cuesta 3 euros.",
}


def asked(comment: str, language: str) -> list[tuple[str, str]]:
    constraints = read_feedback(Feedback(comment=comment), OFFICE[language]).constraints
    return [(one.kind, one.value) for one in constraints]


@pytest.mark.parametrize(
    ("language", "comment", "kinds"),
    [
        ("fr", "Plus court s'il te plaît.", [("length", "shorter")]),
        ("de", "Kürzer, und erwähne den Preis.", [("length", "shorter"), ("must_include", "Preis")]),
        ("es", "Más corto, por favor, y sin el teléfono.", [("length", "shorter"), ("must_not_include", "teléfono")]),
        ("de", "Antworte auf Englisch und lass das Parken weg.", [("language", "en"), ("must_not_include", "Parken")]),
        ("fr", "Réponds en anglais, sous forme de liste.", [("language", "en"), ("format", "bullets")]),
        ("es", 'Empieza con "Hola" y termina con "Un saludo".', [("start", "Hola"), ("end", "Un saludo")]),
        ("de", "Nicht so lang bitte.", [("length", "shorter")]),
        ("fr", "Pas si long, s'il te plaît.", [("length", "shorter")]),
        ("es", "No tan largo.", [("length", "shorter")]),
        ("de", "Vergiss nicht, den Preis zu erwähnen.", [("must_include", "Preis")]),
        ("de", "Das Parken bitte nicht weglassen.", [("keep", "Parken")]),
        ("de", "Gib die Antwort als Liste.", [("format", "bullets")]),
        ("fr", "Donne la réponse sous forme de liste.", [("format", "bullets")]),
        ("es", "Da la respuesta como lista.", [("format", "bullets")]),
        ("zh", "短一点，不要提停车", [("length", "shorter"), ("must_not_include", "停车")]),
        ("zh", "要写上价格", [("must_include", "价格")]),
        ("zh", "分点列出，语气友好一点", [("format", "bullets"), ("tone", "friendly")]),
        ("zh", "用英文回答", [("language", "en")]),
        ("zh", "先说结论", [("tone", "direct")]),
        ("zh", "别用感叹号", [("punctuation", "!")]),
        ("zh", "把“三元”改成“五元”", [("replace", "三元 => 五元")]),
        ("zh", "不要删掉停车", [("keep", "停车")]),
    ],
)
def test_a_known_language_is_read(language: str, comment: str, kinds: list[tuple[str, str]]) -> None:
    assert asked(comment, language) == kinds


@pytest.mark.parametrize(
    ("comment", "unit", "low", "high"),
    [
        ("不超过50字", "characters", None, 50),
        ("至少一百二十个字", "characters", 120, None),
        ("30到50字之间", "characters", 30, 50),
        ("一两句话", "sentences", 1, 2),
        ("最多三句", "sentences", None, 3),
        ("写成两段", "paragraphs", 2, 2),
        ("少于一百五十字", "characters", None, 149),
        ("Höchstens 50 Wörter.", "words", None, 50),
        ("Zwischen 20 und 40 Wörtern.", "words", 20, 40),
        ("Au moins deux phrases.", "sentences", 2, None),
        ("Menos de 200 caracteres.", "characters", None, 199),
        ("Mindestens zwei, höchstens vier Sätze.", "sentences", 2, 4),
        ("Höchstens 30, mindestens 20 Wörter.", "words", 20, 30),
        ("Au moins 20 mots, au plus 30.", "words", 20, 30),
        ("Höchstens hundertfünfzig Zeichen.", "characters", None, 150),
        ("Cent cinquante caractères maximum.", "characters", None, 150),
        ("Ciento cincuenta caracteres como máximo.", "characters", None, 150),
    ],
)
def test_amounts_are_counted_as_the_language_counts(comment: str, unit: str, low: int | None, high: int | None) -> None:
    constraints = read_foreign(comment_language(comment), comment, "").constraints
    assert constraints == [Constraint("length", "", unit, low, high, "comment")]


@pytest.mark.parametrize(
    "comment",
    [
        "Più breve per favore, e menziona il prezzo.",
        "Mais curto, por favor.",
        "Korter graag, en noem de prijs.",
        "Kortare, tack.",
        "Krócej proszę, i podaj cenę.",
        "Daha kısa lütfen.",
        "Короче, пожалуйста, и без телефона.",
        "もっと短くしてください。",
        "더 짧게 해 주세요.",
        "أقصر من فضلك",
        "कृपया छोटा करें",
        "Lyhyemmin, kiitos.",
        "Ngắn hơn, xin vui lòng.",
        "Kürzer wäre zwar schön, doch darum geht es mir gar nicht.",
        "Ce que tu racontes là, mon voisin le disait déjà hier.",
        "Es ist nicht zu lang.",
        "Ce n'est pas trop long.",
        "No es demasiado largo.",
        "并不长",
        "不用写得更长",
        "Lass den Preis nicht weg.",
        "我邻居昨天也这么问过你们的人",
    ],
)
def test_what_no_reader_knows_is_reported_and_not_guessed(read: Reader, comment: str) -> None:
    understood = read(comment)
    assert understood.constraints == []
    assert understood.unparsed


@pytest.mark.parametrize(
    "comment",
    ["Shorter", "No bullets", "Add \"Guten Tag\" at the start", "be polite", "too long", "Café Zoë must be in it", "ok",
     "In German please", "mention the Straßenbahn", "max 20 words", "Don't say bonjour", "No emojis!"],
)  # fmt: skip
def test_english_with_foreign_words_is_english(comment: str) -> None:
    assert comment_language(comment) == "en"


@pytest.mark.parametrize(
    ("comment", "phrase"),
    [
        ("Sans parler du prix.", "prix"),
        ("Sans parler des horaires.", "horaires"),
        ("Sans évoquer le parking.", "parking"),
        ("Sans citer le prix.", "prix"),
        ("Sin hablar del precio.", "precio"),
        ("Sin indicar la dirección.", "dirección"),
        ("Sin nombrar el parking.", "parking"),
        ("Ohne über den Preis zu sprechen.", "Preis"),
        ("Ohne den Parkplatz zu erwähnen.", "Parkplatz"),
        ("Ohne von Hunden zu reden.", "Hunden"),
    ],
)
def test_what_is_not_to_be_spoken_of_is_left_out_without_the_verb(comment: str, phrase: str) -> None:
    constraints = read_foreign(comment_language(comment), comment, "").constraints
    assert constraints == [Constraint("must_not_include", phrase, source="comment")]


def test_reading_other_languages_is_linear() -> None:
    for language, piece in (
        ("zh", "不要再"),
        ("zh", "10到"),
        ("de", "ohne den "),
        ("fr", "au maximum "),
        ("es", "y sin "),
    ):
        read_foreign(language, piece, "")
        short, long = (cpu_seconds(partial(read_foreign, language, piece * n, ""), 0.1) for n in (400, 1600))
        assert long < 8 * short + 0.5
