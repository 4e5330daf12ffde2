"""Whether a stack's model calls tools: `python -m research.eval.tools --address HOST:PORT --key KEY [--json]`.

Ten messages that one of three tools answers and ten that none does, written for this and tuned on by nothing, over gRPC
with greedy decoding. A call is valid where its arguments are by the tool's JSON Schema, as `jsonschema` judges; whether
they say what the message says is not judged. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Sequence
from typing import Any

import jsonschema
from antiphon.client import Client
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1.common_pb2 import DecodingSettings

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
SCHEMAS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "get_weather": (
        "Get the current weather for a location",
        {"location": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        ["location", "unit"],
    ),
    "track_parcel": (
        "Tell where a parcel is",
        {"parcel": {"type": "string", "pattern": "^[A-Z0-9-]{3,20}$"}},
        ["parcel"],
    ),
    "book_table": (
        "Book a table in the restaurant",
        {
            "day": {"enum": DAYS},
            "people": {"type": "integer", "minimum": 1, "maximum": 12},
            "wishes": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        },
        ["day", "people"],
    ),
}
NEEDED = [
    ("Is it cold in Bergen today?", "get_weather"),
    ("How hot will Madrid be?", "get_weather"),
    ("Do I need an umbrella in Cork?", "get_weather"),
    ("Temperature in Lima?", "get_weather"),
    ("Where has my order A-771 got to?", "track_parcel"),
    ("When does shipment ZX-9 arrive?", "track_parcel"),
    ("Tell me whether parcel Q12-88 was handed over", "track_parcel"),
    ("A table for two on Monday please", "book_table"),
    ("We are five and would come on Saturday evening", "book_table"),
    ("Can I reserve for Thursday, eight people?", "book_table"),
]
NOT_NEEDED = [
    "Hello!", "Thank you, goodbye.", "What can you help me with?", "Tell me a joke.", "What is the capital of France?",
    "Who wrote Hamlet?", "How do I boil an egg?", "What does a red light on the router mean?",
    "How much does the Family plan cost?", "What are your opening hours?",
]  # fmt: skip


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments."""
    _, properties, required = SCHEMAS[name]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def offer(choice: pb.ToolChoice.ValueType, name: str = "") -> pb.ToolOffer:
    """The three tools."""
    tools = [
        pb.Tool(name=tool, description=about, parameters=json.dumps(schema_of(tool)), strict=True)
        for tool, (about, _, _) in SCHEMAS.items()
    ]
    return pb.ToolOffer(tools=tools, choice=choice, name=name)


def called(client: Client, text: str, tools: pb.ToolOffer) -> tuple[str, bool, float]:
    """The tool that a message's reply calls ("" for none), whether its arguments are valid, and the seconds it took."""
    session = client.conversations.CreateSession(pb.CreateSessionRequest(user_id="tools")).session.id
    began = time.perf_counter()
    settings = DecodingSettings(max_tokens=200, temperature=0)
    draft = client.send(session, text, settings=settings, offer=tools, without_knowledge=True).result()
    seconds = time.perf_counter() - began
    for call in draft.tool_calls:
        validator = jsonschema.Draft202012Validator(schema_of(call.name))
        return call.name, validator.is_valid(json.loads(call.arguments)), seconds
    return "", False, seconds


def interval(hits: int, count: int) -> tuple[float, float]:
    """Wilson's interval of a share, 95 %."""
    z, share = 1.96, hits / count
    middle, spread = share + z * z / (2 * count), z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    return max(0.0, middle - spread) / (1 + z * z / count), (middle + spread) / (1 + z * z / count)


def figures(client: Client) -> dict[str, tuple[int, int]]:
    """What was counted: hits and tries."""
    required = [(wanted, called(client, text, offer(pb.TOOL_CHOICE_REQUIRED))) for text, wanted in NEEDED]
    named = [called(client, text, offer(pb.TOOL_CHOICE_REQUIRED, wanted)) for text, wanted in NEEDED]
    auto = [(wanted, called(client, text, offer(pb.TOOL_CHOICE_AUTO))) for text, wanted in NEEDED]
    idle = [called(client, text, offer(pb.TOOL_CHOICE_AUTO)) for text in NOT_NEEDED]
    calls = [call for _, call in required] + named
    return {
        "required or named: a valid call": (sum(valid for _, valid, _ in calls), len(calls)),
        "required: of the right tool": (sum(name == wanted for wanted, (name, _, _) in required), len(required)),
        "auto, a tool is of use: called": (sum(name == wanted for wanted, (name, _, _) in auto), len(auto)),
        "auto, none is: one called all the same": (sum(bool(name) for name, _, _ in idle), len(idle)),
        "milliseconds of a call that must be, median": (
            round(1000 * statistics.median(seconds for _, _, seconds in calls)), 0,
        ),
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--address", default="127.0.0.1:50051", help="a gateway")
    parser.add_argument("--key", required=True)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    with Client(given.address, key=given.key) as client:
        counted = figures(client)
    if given.json:
        print(json.dumps(counted))
        return
    for what, (hits, tries) in counted.items():
        low, high = interval(hits, tries) if tries else (0.0, 0.0)
        print(f"{what:45} " + (f"{hits} of {tries}  [{100 * low:.0f}, {100 * high:.0f}] %" if tries else f"{hits}"))


if __name__ == "__main__":
    main()
