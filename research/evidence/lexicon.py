"""Reads the lexicon that training questions are made from: properties, trades, and values drawn at random."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent.parent / "data" / "evidence"
KINDS = ("plan", "space", "product", "ticket", "course", "service", "vehicle", "ship", "site", "company")


@dataclass(frozen=True)
class Property:
    """Something that can be said of a thing. `says` and `asks` hold {e}, {E}, {v} and {V}; `values` is the kind of
    value, `denies` holds the sentences that say no where the value is yes or no."""

    name: str
    kinds: tuple[str, ...]
    values: str
    qualifiers: tuple[str, ...]
    heads: tuple[str, ...]
    says: tuple[str, ...]
    denies: tuple[str, ...]
    asks: tuple[str, ...]


@dataclass(frozen=True)
class Trade:
    """A trade with its things by kind; a name that ends in an asterisk takes "the". `held_out`: not trained on."""

    name: str
    label: str
    documents: tuple[str, ...]
    things: dict[str, tuple[str, ...]]
    held_out: bool


def properties() -> list[Property]:
    """All properties of the lexicon. Raises ValueError for a block without a part."""
    text = (DATA / "properties.txt").read_text()
    read = []
    for block in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n", "", text)):
        if not block.strip():
            continue
        first, *lines = block.strip().splitlines()
        name, kinds, values, qualifiers = (part.strip() for part in first.split("|"))
        parts = {key: tuple(p.strip() for p in rest.split(";")) for key, _, rest in (x.partition(":") for x in lines)}
        says = parts.get("say") or parts["yes"]
        words = tuple(qualifiers.split()) if qualifiers != "-" else ()
        read.append(
            Property(name, tuple(kinds.split()), values, words, parts["head"], says, parts.get("no", ()), parts["ask"])
        )
    return read


def trades() -> list[Trade]:
    """All trades of the lexicon."""
    text = re.sub(r"(?m)^#.*\n", "", (DATA / "trades.txt").read_text())
    read = []
    for block in re.split(r"\n\s*\n", text):
        if not block.strip():
            continue
        first, *lines = block.strip().splitlines()
        name, _, label = first.removeprefix("trade ").partition("|")
        parts = {key: tuple(p.strip() for p in rest.split(";")) for key, _, rest in (x.partition(":") for x in lines)}
        documents = parts.pop("docs")
        read.append(Trade(name.strip(" *"), label.strip(), documents, parts, name.strip().endswith("*")))
    return read


QUALIFIERS: dict[str, dict[str, tuple[str, ...]]] = {
    "group": {
        "for students": ("for students", "as a student", "if I'm at university"),
        "for children": ("for children", "for my kid", "for kids"),
        "for pensioners": ("for pensioners", "for retired people", "for seniors"),
        "for members": ("for members", "as a member"),
        "for companies": ("for companies", "for a business", "if my firm pays"),
        "for new customers": ("for new customers", "if I'm new"),
        "for families": ("for families", "for a family"),
    },
    "region": {
        "within the country": ("within the country", "domestically", "inside the country"),
        "to the EU": ("to the EU", "to another EU country", "to Europe"),
        "to Switzerland": ("to Switzerland", "to a Swiss address"),
        "overseas": ("overseas", "to America", "to another continent"),
        "to the islands": ("to the islands", "to an island"),
        "in the city": ("in the city", "in town"),
    },
    "channel": {
        "online": ("online", "on the website", "over the internet"),
        "at the counter": ("at the counter", "at the desk", "in the shop"),
        "by phone": ("by phone", "when I call"),
        "in the app": ("in the app", "with the app"),
    },
    "day": {
        "on weekdays": ("on weekdays", "Monday to Friday"),
        "on Saturdays": ("on Saturdays", "on a Saturday"),
        "on Sundays": ("on Sundays", "on Sunday"),
        "on public holidays": ("on public holidays", "on a bank holiday"),
        "in winter": ("in winter", "in January"),
        "in summer": ("in summer", "in July"),
    },
}

_LISTS: dict[str, str] = {
    "weekday": "Monday;Tuesday;Wednesday;Thursday;Friday;Saturday;Sunday",
    "place": "room 3;the blue hall;the courtyard;the main building, second floor;building C;the annexe;hall 2;"
    "the old mill;the garden house;room 114;the workshop behind the shop;the east wing",
    "thing": "a towel;a padlock;sturdy shoes;a passport photo;warm clothes;breakfast;a locker;bed linen;a helmet;"
    "a drink;the guide;parking;an introduction;the rental of the equipment;a snack;a water bottle;a set of tools",
    "thing2": "tourist tax;the final cleaning;fuel;drinks;travel to the place;insurance;wine;electricity;toll;"
    "the exam fee;materials;spare parts",
    "material": "recycled polyester;solid oak;stainless steel;merino wool;organic cotton;aluminium;leather;bamboo",
    "colours": "black, red and olive;white and grey;blue or sand;green, yellow and navy;six colours;natural and walnut",
    "country": "Portugal;Italy;Germany;Vietnam;Sweden;Poland;Turkey;the Netherlands;Spain",
    "allergen": "nuts;gluten;milk and egg;soy;celery;sesame;mustard;fish",
    "stock": "in stock;sold out until May;available from next week;on order, about ten days;available in our main shop",
    "frequency": "every 20 minutes;twice a week;once a month;every hour;three times a day;every second Friday",
    "hours": "from 9 am to 6 pm;Monday to Friday 8:00-17:00;daily 10-20;from 7:30 to 22:00;Tue-Sun 11 am - 7 pm;"
    "around the clock;weekdays from 6 am until midnight",
    "parking": "twelve free spaces behind the building;a paid garage next door;no spaces of its own;"
    "spaces in the yard for 2 euros an hour;free parking for the first two hours",
    "transit": "tram 4, stop Mill Bridge;bus 27 to Church Square;line U3, stop Harbour;bus 110, stop Town Hall",
    "floor": "the ground floor;the second floor;level 3;the basement;the top floor",
    "insurance": "500 euros;2,500 euros;10,000 euros;100 euros;1 million euros",
    "licence": "a class B licence;a licence held for two years;a moped licence;no licence;a class C1 licence",
    "level": "beginners;advanced learners;people with some experience;everybody;level B1 and above;children of "
    "school age",
    "tongue": "English;German;Spanish;French and English;Italian;sign language",
    "certificate": "a certificate of attendance;an official diploma;a written test;a stamp in your book;no certificate",
    "payment": "cash only;card or cash;bank transfer;PayPal, Visa and Mastercard;invoice;direct debit;Apple Pay",
    "invoice": "on the 1st of each month;every quarter;on the 15th;once a year in January;by e-mail after each visit",
    "care": "may be washed at 30 degrees;should be wiped with a damp cloth;must not go into the dryer;"
    "can go into the dishwasher;has to be oiled twice a year;is dry-cleaned only",
    "document": "an identity card;a proof of address;a passport and a payslip;a student card;a doctor's note;"
    "a driving licence and a credit card;the booking number",
    "makeup": "can join another group;cannot make it up;get a voucher for one lesson;can watch a recording",
    "tracking": "with the number in the e-mail;in the app;on our website under 'My orders';not at all",
    "packaging": "a cardboard box;a reusable bag;paper without plastic;a wooden crate;padded envelopes",
}
_FIRST = (
    "Anna Ben Carla David Elif Farid Grace Hannes Ines Jonas Katrin Luis Mira Nadia Oskar Petra Rosa Sven Tara Viktor"
)
_LAST = (
    "Berg Castillo Demir Eriksen Fischer Gruber Haas Ivanova Jensen Keller Lindt Moreau Novak Okafor Patel Quist Rossi"
)
_STREETS = "Mill Lane;Harbour Street;Station Road;Church Square;Linden Avenue;Market Street;Old Bridge Road;King's Way"
_MONTHS = "January February March April May June July August September October November December"
_WORDS = "two three four five six seven eight nine ten eleven twelve"


def draw(kind: str, rng: random.Random) -> str:
    """A value of a kind as the lexicon names it ("money 5 90", "duration days", "place")."""
    name, *rest = kind.split()
    if name == "money":
        return _money(float(rest[0]), float(rest[1]), rng)
    if name == "duration":
        return _duration(rest[0], rng)
    if name == "count":
        unit, low, high = " ".join(rest[:-2]), int(rest[-2]), int(rest[-1])
        number = rng.randint(low, high)
        if high > 200 and number > 50:
            number -= number % 10
        return f"{number} {unit}"
    if name == "percent":
        return f"{rng.choice([5, 10, 12, 15, 20, 25, 30, 50, 2.5, 1.75, 3.1])}{rng.choice(['%', ' %', ' percent'])}"
    if name == "clock":
        hour, minute = rng.randint(6, 22), rng.choice([0, 0, 15, 30, 45])
        half = f"{(hour - 1) % 12 + 1}{f':{minute:02}' if minute else ''} {'am' if hour < 12 else 'pm'}"
        return rng.choice([f"{hour}:{minute:02}", half])
    if name == "date":
        return f"{rng.randint(1, 28)} {rng.choice(_MONTHS.split())}"
    if name == "person":
        return f"{rng.choice(_FIRST.split())} {rng.choice(_LAST.split())}"
    if name == "phone":
        return rng.choice(["0{} {}", "+44 {} {}", "0800 {}{}"]).format(
            rng.randint(20, 999), rng.randint(10000, 9999999)
        )
    if name == "email":
        box = rng.choice("info help office hello booking service team".split())
        return f"{box}@{rng.choice(_LAST.split()).lower()}.example"
    if name == "address":
        return f"{rng.randint(1, 140)} {rng.choice(_STREETS.split(';'))}"
    if name == "year":
        return str(rng.randint(1890, 2023))
    return rng.choice(_LISTS[name].split(";"))


def _money(low: float, high: float, rng: random.Random) -> str:
    if high < 2:
        amount = f"{rng.uniform(low, high):.2f}"
    else:
        value = rng.uniform(low, high)
        whole = value > 60 or rng.random() < 0.5
        amount = f"{round(value)}" if whole else f"{int(value)}.{rng.choice(['50', '90', '95', '00', '20'])}"
    return rng.choice([f"{amount} euros", f"€{amount}", f"{amount} EUR", f"${amount}", f"£{amount}", f"{amount} €"])


def _duration(unit: str, rng: random.Random) -> str:
    low, high = {"minutes": (10, 180), "hours": (1, 48), "days": (2, 60), "weeks": (2, 12)}.get(unit, (1, 36))
    number = rng.randint(low, high)
    if unit == "years":
        number = rng.randint(1, 10)
    if unit == "minutes":
        number = max(10, number - number % 5)
    if unit == "days" and rng.random() < 0.3:
        return f"{number} to {number + rng.randint(1, 4)} working days"
    if 2 <= number <= 12 and rng.random() < 0.25:
        return f"{_WORDS.split()[number - 2]} {unit}"
    return f"{number} {unit[:-1] if number == 1 else unit}"
