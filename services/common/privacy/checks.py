"""Check digits: of payment cards, of IBANs and of Chinese identity cards."""

from __future__ import annotations

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
IBAN_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FO", "GL", "NL", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20),
    **dict.fromkeys(("CH", "CR", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "OM", "SO", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    **dict.fromkeys(("LC",), 32),
    **dict.fromkeys(("RU",), 33),
}
"""Characters of an IBAN by country (ISO 13616 registry)."""


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, Luhn)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban(text: str) -> bool:
    """Whether letters and digits are an IBAN: length of its country, remainder 1 (ISO 7064, MOD 97-10)."""
    if IBAN_LENGTHS.get(text[:2]) != len(text) or not text.isascii() or not text.isalnum():
        return False
    return int("".join(str(int(one, 36)) for one in text[4:] + text[:4])) % 97 == 1


def chinese_id(text: str) -> bool:
    """Whether 18 characters are a Chinese identity number: its last is the check character (GB 11643, MOD 11-2)."""
    if len(text) != 18 or not (text.isascii() and text[:17].isdigit()):
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(text, _WEIGHTS, strict=False)) % 11
    return "10X98765432"[rest] == text[17].upper()


def card(digits: str) -> bool:
    """Whether digits may be a payment card's: an issuer's first digits and length, and Luhn's check digit."""
    issued = (
        (digits[0] == "4" and len(digits) in (13, 16, 19))
        or (digits[:2] in ("34", "37") and len(digits) == 15)
        or (("51" <= digits[:2] <= "55" or "2221" <= digits[:4] <= "2720") and len(digits) == 16)
        or (digits[:2] in ("62", "35", "65", "60", "81") and 16 <= len(digits) <= 19)
        or (digits[:2] in ("30", "36", "38") and len(digits) == 14)
        or (digits[:2] in ("50", "56", "57", "58", "67", "63") and 16 <= len(digits) <= 19)
        or (digits[:3] == "955" and len(digits) == 19)
    )
    return issued and len(set(digits)) > 1 and luhn(digits)
