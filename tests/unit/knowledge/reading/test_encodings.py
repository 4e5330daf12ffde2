"""Letters outside ASCII arrive as they were written, whatever a document says of its encoding."""

import time

import pytest

from services.knowledge.domain.blocks import Unreadable
from services.knowledge.domain.word_parts import plain_runs
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


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("<w:r><w:t>A</w:t></w:r><w:r><w:cr/></w:r><w:r><w:t>B</w:t></w:r>", "A B"),
        ("<w:r><w:t>A</w:t><w:ptab/><w:t>B</w:t></w:r>", "A B"),
        (
            "<w:r><w:ruby><w:rt><w:r><w:t>りょうきん</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>料金</w:t></w:r></w:rubyBase>"
            "</w:ruby></w:r><w:r><w:t>は五百円</w:t></w:r>",
            "料金は五百円",
        ),
        ('<w:fldSimple w:instr="PAGE"><w:r><w:t>Süd</w:t></w:r></w:fldSimple>', "Süd"),
        ('<w:bdo w:val="rtl"><w:r><w:t>שלום</w:t></w:r></w:bdo>', "שלום"),
        (
            '<m:oMathPara xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:oMath><m:r>'
            "<m:t>π≈</m:t>"
            "</m:r><m:r><m:t>3,14</m:t></m:r></m:oMath></m:oMathPara>",
            "π≈3,14",
        ),
        (
            '<w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
            '<mc:Choice Requires="wps"><w:txbxContent><w:p><w:r><w:t>Kasten: 5 €</w:t></w:r></w:p></w:txbxContent>'
            "</mc:Choice></mc:AlternateContent></w:r>",
            "Kasten: 5 €",
        ),
    ],
)
def test_what_word_writes_in_elements_of_its_own_is_text(inside: str, text: str) -> None:
    ((_, said),) = shown(word(f"<w:p>{inside}</w:p>"), "a.docx")
    assert said == text


def test_twice_the_fields_take_twice_the_time() -> None:
    def seconds(count: int) -> float:
        file = word("<w:p>" + '<w:fldSimple w:instr="PAGE"><w:r><w:t>S</w:t></w:r></w:fldSimple>' * count + "</w:p>")
        best = float("inf")
        for _ in range(3):
            began = time.thread_time()
            plain_runs(file)
            best = min(best, time.thread_time() - began)
        return best

    seconds(1000)
    assert seconds(16_000) < 8 * seconds(4_000)


@pytest.mark.parametrize("encoding", ["iso2022_jp", "iso2022_kr", "iso2022_jp_2"])
@pytest.mark.parametrize("name", ["a.html", "a.txt", "a.md", "a.csv"])
def test_seven_bit_encodings_are_refused(name: str, encoding: str) -> None:
    words = "가격은 오백 원" if encoding == "iso2022_kr" else "料金は五百円です"
    with pytest.raises(Unreadable, match="ISO-2022"):
        shown(words.encode(encoding), name)
