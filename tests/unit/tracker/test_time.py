"""Tracking takes time linear in the message, whatever it is made of, and loses nothing that stands behind a run."""

import itertools
from functools import partial

import pytest

from services.common.schema import parse_schema
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import State
from tests.support.cpu import assert_grows_within, cpu_seconds
from tests.unit.tracker.test_what_is_meant import SCHEMA, tracker

WIDE = parse_schema(
    """
services:
  shop:
    description: 商店 orders
    intents: {buy: {description: Buy things, required: [count, day]}}
    slots:
      count: {description: how many, kind: number}
      day: {description: day of delivery, kind: date}
      from_time: {description: time of the start, kind: time}
      until_time: {description: time of the end, kind: time}
      order_number: number of the order
      phone: telephone number of the customer
      address: address of the customer
      customer_name: {description: name of the customer, kind: name}
      city: {description: city of the shop, kind: name}
      gift: {description: whether it is a gift, kind: boolean, values: [yes, no]}
      colour: {description: colour, values: [red, blue]}
"""
)
PIECES = [
    *("1 2 3 4 ", "on Monday ", "7", "12345,", "4 pm and ", "not Friday, ", "A", "Anna Berg to ", "I was at "),
    *("red blue ", "? ", ", ", "(", "my name is ", "中山路", "三点", "不要周五，", "1,234,", "  ", "from 9 to "),
    *("no, ", "5-", "@", "a.b-", "half past ", "because I ", ".", "not ", "except ", "不要"),
]


@pytest.mark.parametrize("piece", PIECES)
def test_twice_the_message_takes_twice_the_time(piece: str) -> None:
    short, long = (piece * (length // len(piece)) for length in (8_000, 32_000))
    track = partial(RuleTracker().track, WIDE, State(), "What is the number of your order?")
    # Four times the length: 4 when linear, 16 when quadratic; a short time is all overhead.
    assert_grows_within(lambda text: track(text, 1), short, long, times=8, least=0.4)


@pytest.mark.parametrize("name", ["rules", "learned"])
@pytest.mark.parametrize("run", ["7" * 5_000, "7," * 6_000, "1 2 3 4 " * 1_500, "٣" * 3_000])
def test_a_run_of_digits_does_not_lose_the_rest(name: str, run: str) -> None:
    text = f"My number is {run} and please send a technician on Friday."
    assert tracker(name).track(SCHEMA, State(), "", text, 1).value("order", "visit_day") == "Friday"


@pytest.mark.parametrize("name", ["rules", "learned"])
def test_a_message_of_order_numbers_is_tracked_within_a_second(name: str) -> None:
    track = partial(tracker(name).track, SCHEMA, State(), "")
    track("Hello.", 1)
    numbers = ",".join(str(41190 + 7 * n) for n in range(2_000))
    tries = (f"Please cancel these orders: {numbers}{' ' * n}" for n in itertools.count())
    assert cpu_seconds(lambda: track(next(tries), 1), enough=1.0) <= 1.0
