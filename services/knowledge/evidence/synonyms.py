"""Words that stand for one another where a customer asks and a document answers, and words that were mistyped."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from services.knowledge.domain.text import terms

_GROUPS = """
price cost fee charge rate tariff pay expensive cheap
open opening hours close closing shut closed
phone telephone number call ring hotline
cancel cancellation withdraw terminate quit end
refund reimburse reimbursement repay
change move shift rebook reschedule switch postpone
child children kid kids toddler little baby
dog pet animal cat
bike bicycle cycle ebike
shop store branch outlet
mobile smartphone cellphone handset phone
lead head run manage manager director boss chief charge
wipe reset erase factory
bill invoice billing
parcel package delivery shipping ship send sent deliver post postage dispatch
warranty guarantee guaranteed
broken damaged faulty defect defective break damage fault
start begin commence
finish end last
allow allowed permit permitted may welcome
technician engineer repairman fitter
minimum least smallest
maximum most limit longest highest
car vehicle
fast quick speed rapid
big large size area spacious
heavy weight weigh
old age aged years
discount rebate reduction off cheaper saving
deposit bond security
term contract period duration commitment
notice deadline advance ahead
lose lost loss misplace missing
stolen theft steal nick nicked
breakfast brekkie
luggage baggage suitcase bag
room bedroom
double dbl
reception desk front
parking park garage lot
wifi internet wlan wireless online
email mail e-mail
address street located location where
elderly senior seniors pensioner retired gran grandmother grandma
student university college
assembly assemble install installation setup fit
repair fix mend
buy purchase order
book booking reserve reservation
appointment visit slot
ticket admission entry entrance
course class lesson
teacher instructor trainer tutor
doctor physician vet
rent hire rental lend borrow loan
return bring send
exchange swap replace replacement
late overdue delay delayed
early premature
proof document papers id identification passport
card visa mastercard credit
cash money
voucher gift present
smoke smoking cigarette
hot warm heated temperature degrees
cold cool
deep depth
water
swim pool basin
food meal eat dinner lunch menu
drink beverage
night overnight midnight
weekday monday friday week
weekend saturday sunday
holiday vacation
wheelchair accessible step barrier lift elevator
insurance cover policy insured
claim compensation compensate reimburse
excess deductible
colour color
material made fabric
wash clean cleaning laundry
arrive arrival checkin
leave depart departure checkout
key keycard
free gratis complimentary included
upload download
light lamp led
blink blinking flash flashing glow
address residence home house
abroad foreign overseas roaming
private personal
reminder dunning
"""
_OF: dict[str, set[int]] = {}
for _number, _line in enumerate(_GROUPS.strip().splitlines()):
    for _stem in terms(_line):
        _OF.setdefault(_stem, set()).add(_number)


@lru_cache(maxsize=4096)
def alike(stem: str) -> frozenset[str]:
    """The other stems that may stand for this one."""
    groups = _OF.get(stem)
    return frozenset(other for other, own in _OF.items() if other != stem and own & groups) if groups else frozenset()


def meant(stem: str, known: Iterable[str]) -> str:
    """The known stem of which this one is a slip of the hand (a letter too many, too few, another, or two swapped); the
    stem itself where there is none."""
    if len(stem) < 5 or not stem.isalpha() or not stem.isascii():
        return stem
    return next((other for other in sorted(known) if abs(len(other) - len(stem)) <= 1 and _slipped(stem, other)), stem)


def _slipped(one: str, other: str) -> bool:
    if len(other) < 4 or one[0] != other[0]:
        return False
    at = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    rest, others = one[at:], other[at:]
    return (
        rest[1:] == others[1:]
        or rest[1:] == others
        or rest == others[1:]
        or (rest[:2] == others[1::-1] and rest[2:] == others[2:])
    )
