"""The language of short and long texts, and of replies that mix two."""

import pytest

from services.common.constraints import Constraint, check
from services.common.languages import language_of


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The shop is open.", "en"),
        ("Parking costs 3 euros an hour.", "en"),
        ("The office is open at Straße 5 in München.", "en"),
        ("Der Laden ist offen.", "de"),
        ("Das Büro ist von 9 bis 17 Uhr geöffnet; Parken kostet 3 Euro.", "de"),
        ("Le magasin est ouvert.", "fr"),
        ("La tienda está abierta.", "es"),
        ("O escritório abre às nove.", "pt"),
        ("L'ufficio apre alle nove.", "it"),
        ("Kontoret är öppet", "sv"),
        ("店は十時から開いています", "ja"),
        ("我们的店十点开门", "zh"),
        ("가게는 열 시에 엽니다", "ko"),
        ("Ресторан открыт каждый день", "ru"),
        ("ಕನ್ನಡ ಭಾಷೆ", "kn"),
        ("12:30, 5 €", ""),
        ("", ""),
    ],
)
def test_a_language_is_told(text: str, code: str) -> None:
    assert language_of(text) == code


@pytest.mark.parametrize(
    ("code", "reply"),
    [
        ("de", "Guten Tag! The shop is open from nine to five, and parking costs 3 euros."),
        ("de", "Wir haben geöffnet von 9 bis 17 Uhr. The parking costs 3 euros an hour and you pay at the machine."),
        ("fr", "Bonjour, the price of the ticket is five euros and you can pay by card."),
        ("en", "Wir öffnen um neun, and we close at five. Am Sonntag ist leider den ganzen Tag geschlossen."),
    ],
)
def test_a_reply_that_mixes_two_languages_is_in_neither(code: str, reply: str) -> None:
    assert not check(Constraint("language", code), reply)
