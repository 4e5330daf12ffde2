"""Whose name it is, numbers and days put right, what others have, and which service is meant, in English forms.

Each line is a session: `|` parts its messages, each read after the assistant's own question; the values follow `=>`.
"""

import pytest

from services.common.schema import Schema, parse_schema
from services.tracker.domain.leading import Lead, lead
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import State
from tests.support.cpu import assert_grows_within

CLINIC = parse_schema(
    """
    services:
      appointment:
        description: Appointments at the clinic
        intents:
          book: {description: The caller wants an appointment, required: [doctor, day, who]}
        slots:
          doctor: {description: Which doctor, values: [Dr Moreau, Dr Singh, Dr Holt]}
          day: {description: Day of the appointment, kind: date}
          who: {description: Name of the one who comes, kind: name}
      vaccination:
        description: Vaccination of groups
        intents:
          vaccinate: {description: A group wants to be vaccinated, required: [vaccine, doses, clinic_day]}
        slots:
          vaccine: {description: Which vaccine, values: [flu shot, tetanus booster, hepatitis]}
          doses: {description: How many doses, kind: number}
          clinic_day: {description: Day of the vaccination, kind: date}
    """
)
INSURER = parse_schema(
    """
    services:
      cover:
        description: Taking out insurance
        intents:
          insure: {description: The customer wants insurance, required: [plan, start], optional: [payment]}
        slots:
          plan: {description: Which plan, values: [Harbour Basic, Harbour Full, Meadow]}
          start: {description: Day from which it holds, kind: date}
          payment: {description: How it is paid, values: [direct debit, invoice]}
      claim:
        description: Reporting damage
        intents:
          report: {description: The customer reports damage, required: [policy_number, cause]}
        slots:
          policy_number: {description: Number of the policy}
          cause: {description: What happened, values: [storm, water, {value: theft, aliases: [broken lock]}]}
      mileage:
        description: Handing in the mileage of a car
        intents:
          hand_in: {description: The customer hands in a mileage, required: [odometer]}
        slots:
          odometer: {description: The figure on the odometer, kind: number}
    """
)
CAMP = parse_schema(
    """
    services:
      pitch:
        description: Pitches on the camp site
        intents:
          reserve_pitch: {description: Reserve a pitch, required: [kind_of_pitch, people, nights], optional: [arrival]}
        slots:
          kind_of_pitch: {description: Kind of the pitch, values: [tent, caravan, lake side]}
          people: {description: How many people come, kind: number}
          nights: {description: For how many nights, kind: number}
          arrival: {description: Day of arrival, kind: date}
      canoe:
        description: Canoes on the lake
        intents:
          hire_canoe: {description: Hire canoes, required: [canoes, trip_day]}
        slots:
          canoes: {description: How many canoes, kind: number}
          trip_day: {description: Day of the trip, kind: date}
    """
)
TRADES = {"clinic": CLINIC, "insurer": INSURER, "camp": CAMP}

NAMES = """
clinic I'd like an appointment with Dr Singh. | For Noor Hadid, my daughter. => doctor=Dr Singh who=Noor Hadid
clinic Book an appointment with Dr Holt. | For Ana Reyes. => doctor=Dr Holt who=Ana Reyes
clinic An appointment on 4 May, please. For Peter van Dyk. => day=4 May who=Peter van Dyk
clinic An appointment for 4 May. | Name is Tomasz Wilk. => day=4 May who=Tomasz Wilk
clinic An appointment with Dr Holt for Ana Reyes. | No, make it for Luis Reyes. => doctor=Dr Holt who=Luis Reyes
clinic An appointment with Dr Moreau. | Under Ines Valcourt. => doctor=Dr Moreau who=Ines Valcourt
clinic I'd like an appointment. The name's Jo Brandt. => who=Jo Brandt
clinic An appointment, please. | Dr Holt is away on Monday? Dr Singh then. => doctor=Dr Singh
"""
RIGHT = """
camp A tent, please. 20 ppl. nah 25 => kind_of_pitch=tent people=25
camp We need a caravan pitch for 4 people. No, 5. => kind_of_pitch=caravan people=5
camp A tent for 3 nights. | Sorry, 4 nights. => kind_of_pitch=tent nights=4
camp A tent for 3 nights. | 20 people. No wait, 22. => kind_of_pitch=tent nights=3 people=22
camp Pitch for a tent, arriving 3 March. | And it was the 4 March, sorry. => kind_of_pitch=tent arrival=4 March
clinic An appointment on Monday. | Oh, it was Tuesday, my mistake. => day=Tuesday
clinic An appointment on 5 May, please. | It was meant to be 6 May, sorry. => day=6 May
clinic An appointment on 5 May, please. | It was 3 May when I called. => day=5 May
camp A tent. Any day next week, ideally Tuesday. => kind_of_pitch=tent arrival=Tuesday
camp A tent, please. Arriving any day, Friday would be best. => kind_of_pitch=tent arrival=Friday
"""
MEANT = """
insurer My brother is on Meadow. I want Harbour Full. => plan=Harbour Full
insurer My neighbour has Harbour Basic, but I want Meadow, please. => plan=Meadow
insurer While I'm at it, the odometer reads 07316. => odometer=07316
insurer I'd like to hand in my mileage. It says 48210. => odometer=48210
insurer HX-4411 here. I want to report damage by water. => policy_number=HX-4411 cause=water
insurer There's a broken lock, I have to report it. => cause=theft
camp Thanks. And we want 2 canoes as well. => canoes=2
camp A lake side pitch for 3 nights. => kind_of_pitch=lake side nights=3
camp A tent for 2 nights, please | 3 canoes too, on Sunday => kind_of_pitch=tent nights=2 canoes=3 trip_day=Sunday
clinic We need 30 doses of the flu shot. => vaccine=flu shot doses=30
"""


def last_values(schema: Schema, session: str) -> dict[str, str]:
    """The values after the session's last message."""
    tracker, state, reply = RuleTracker(), State(), ""
    earlier: Lead | None = None
    for number, message in enumerate(session.split("|"), 1):
        before = state
        state = tracker.track(schema, state, reply, message.strip(), number)
        earlier = lead(schema, before, state, earlier, message)
        reply = earlier.text if earlier else ""
    return {slot: value.value for _, slot, value in state.filled()}


@pytest.mark.parametrize("line", [x for block in (NAMES, RIGHT, MEANT) for x in block.split("\n") if x])
def test_what_a_message_says_is_read(line: str) -> None:
    trade, _, rest = line.partition(" ")
    session, _, values = rest.partition("=>")
    wanted: dict[str, str] = {}
    for part in values.split():
        name, equals, value = part.partition("=")
        if equals:
            wanted[name] = value
        else:
            wanted[next(reversed(wanted))] += f" {part}"
    assert last_values(TRADES[trade], session.strip()) == wanted


@pytest.mark.parametrize("schema", [CLINIC, CAMP], ids=["clinic", "camp"])
@pytest.mark.parametrize("piece", ["For Noor Hadid, ", "2 canoes ", "it was the 4 March, sorry. ", "20 people. no 5. "])
def test_twice_the_message_takes_twice_the_time(piece: str, schema: Schema) -> None:
    short, long = (piece * (length // len(piece)) for length in (4_000, 16_000))
    tracker = RuleTracker()
    assert_grows_within(lambda text: tracker.track(schema, State(), "", text, 1), short, long, times=8, least=0.4)
