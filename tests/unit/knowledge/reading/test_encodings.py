"""Letters outside ASCII arrive as they were written, whatever a document says of its encoding."""

import pytest

from tests.support.office_files import cell, paragraph, table, word
from tests.support.passages import passages, shown

WRONG = ("Ã", "â€", "Â", "\ufffd")


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.html", "<h1>Größen</h1><p>Die Prüfgebühr beträgt 31 €.</p>", "Die Prüfgebühr beträgt 31 €."),
        ("b.html", "<p>It’s free – for “now”.</p>", "It’s free – for “now”."),
        ("c.html", '<meta charset="iso-8859-1"><p>Übergröße kostet 5 €.</p>', "Übergröße kostet 5 €."),
        (
            "d.html",
            '<html><head><meta http-equiv="Content-Type" content="text/html; charset=windows-1252"></head>'
            "<body><p>Żółć kosztuje 5 zł.</p></body></html>",
            "Żółć kosztuje 5 zł.",
        ),
        (
            "e.html",
            '<?xml version="1.0" encoding="ISO-8859-1"?><html><body><p>déjà vu à Nîmes</p></body></html>',
            "déjà vu à Nîmes",
        ),
        ("f.htm", "<p>退货期限为三十天。</p>", "退货期限为三十天。"),
        ("g.html", '<meta charset="gb2312"><p>价格：19元</p>', "价格：19元"),
        ("h.html", "<p>K&uuml;che &amp; Bad &#8211; 20&nbsp;&euro;</p>", "Küche & Bad – 20 €"),
        ("i.html", '<!doctype html><meta charset="utf-16"><p>Ёлка стоит 300 ₽</p>', "Ёлка стоит 300 ₽"),
        ("j.html", "\ufeff<p>naïve café 🎉</p>", "naïve café 🎉"),
        ("k.docx", word(paragraph("Die Grundgebühr beträgt 19 €.")), "Die Grundgebühr beträgt 19 €."),
        ("l.docx", word(paragraph("It’s free – then it’s 5 €.")), "It’s free – then it’s 5 €."),
        (
            "m.docx",
            word(table([cell("Größe"), cell("Preis")], [cell("groß"), cell("5 €")], header=True)),
            "Größe: groß | Preis: 5 €",
        ),
        ("n.docx", word(paragraph("退货期限为三十天。"), paragraph("Żółć")), "退货期限为三十天。\n\nŻółć"),
        ("q.html", "<p>می‌خواهم، क्‍ष, 👩‍👩‍👧</p>", "می‌خواهم، क्‍ष, 👩‍👩‍👧"),
        ("o.md", "Schöne Grüße – 5 €", "Schöne Grüße – 5 €"),
        ("p.csv", "Größe;Preis\ngroß;5 €\n", "Größe: groß | Preis: 5 €"),
    ],
)
def test_letters_stay_what_they_are(name: str, content: str | bytes, text: str) -> None:
    (passage,) = passages(content, name)
    assert passage.text == text
    assert not any(wrong in passage.searchable for wrong in WRONG)


def test_headings_of_word_keep_their_letters() -> None:
    assert shown(word(paragraph("Gebühren", "Heading1"), paragraph("Neun Euro.")), "a.docx") == [
        ("Gebühren", "Neun Euro.")
    ]
