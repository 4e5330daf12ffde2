"""Whether replies that are held to a schema are valid by it: `python -m research.eval.reply_formats [--json]`.

Ten messages for each of six schemas, written for this and tuned on by nothing, over gRPC, drawn by temperature with a
seed of their own and the bundled model. A reply is valid where it is JSON and `jsonschema` finds no fault; whether it
says what the message says is not judged. The control asks the same with the same seed and is told the same schema in
the same words, but held to nothing; of it counts, too, what is valid `within` other words. Intervals are Wilson's,
95 %.

A stack is started in a temporary home, unless `--address` and `--key` name one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jsonschema
from antiphon.client import Client
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1.common_pb2 import REPLY_FORMAT_KIND_JSON, DecodingSettings, ReplyFormat

from research.eval.service.stack import running_stack
from research.eval.tools import DAYS, interval
from services.common.reply_format import format_text

TOKENS, TEMPERATURE, AT_ONCE = 200, 0.8, 4
TEXT = {"type": "string"}


def an_object(**properties: Any) -> dict[str, Any]:
    """The schema of an object that has these properties and no others."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


ADDRESS = an_object(street=TEXT, number={"type": "integer", "minimum": 1}, floor={"type": ["integer", "null"]})
SCHEMAS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "ticket": (
        an_object(topic={"enum": ["bill", "fault", "order", "other"]}, urgent={"type": "boolean"}, summary=TEXT),
        [
            "My router has been dark since the storm.", "Why was I charged twice in May?",
            "The parcel came with a broken lid.", "I can't log in since this morning!", "Please cancel my second line.",
            "The engineer never showed up.", "I would like a copy of the invoice.", "Your shop was friendly.",
            "Half of the channels are gone.", "When will my new phone be sent?",
        ],
    ),
    "booking": (
        an_object(
            day={"enum": DAYS},
            people={"type": "integer", "minimum": 1, "maximum": 12},
            wishes={"type": "array", "items": TEXT, "maxItems": 3},
        ),
        [
            "A table for two on Friday, by the window.", "We are nine on Sunday, one in a wheelchair.",
            "Can four of us come on Tuesday?", "Seven people on Monday, no nuts please.", "Just me, Thursday evening.",
            "Saturday for three, and a high chair.", "Room for twelve on Wednesday?", "Two on Sunday, outside if dry.",
            "Five on Friday, one vegan, one with a dog.", "Could six of us eat on Thursday?",
        ],
    ),
    "address": (
        {**an_object(home={"$ref": "#/$defs/address"}, work={"anyOf": [{"$ref": "#/$defs/address"}, {"type": "null"}]}),
         "$defs": {"address": ADDRESS}},
        [
            "I live at 12 Mill Lane, third floor.", "Send it to Harbour Street 5.", "My flat is in Elm Road 77.",
            "Home is 3 Oak Court, and I work at 40 Station Road.", "Deliver to 9 Hill Street, please.",
            "We moved to 18 Church Walk.", "It's number 6 in Garden Row, second floor.", "Ring at 21 Bridge Street.",
            "I'm at 100 Long Acre, work is next door at 102.", "My address: 8 Quay Side.",
        ],
    ),
    "reading": (
        an_object(
            meter={"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
            taken={"type": "string", "format": "date"},
            kwh={"type": "number", "minimum": 0, "maximum": 99999},
        ),
        [
            "Meter AB-1234 stood at 4511 on 3 May 2024.", "On 1 June my meter QX-0007 showed 230.5.",
            "ZZ-9081 reads 17 today.", "The reading of KL-4455 is 90210.", "I read 1,204 on meter TR-3310.",
            "Meter MN-0001 was at 5 on New Year's Eve.", "HH-6767: 3302.1", "My meter BB-2020 says 404.",
            "It is 12 kilowatt-hours on CC-1111.", "Last Monday OP-5151 had 7777.",
        ],
    ),
    "survey": (
        an_object(
            stars={"type": "integer", "minimum": 1, "maximum": 5},
            parts={
                "type": "array",
                "minItems": 1,
                "maxItems": 4,
                "items": an_object(about={"enum": ["price", "staff", "speed", "place"]}, good={"type": "boolean"}),
            },
        ),
        [
            "Lovely people, but I waited an hour.", "Too dear for what it is.", "Quick, cheap and kind.",
            "The shop was filthy.", "Nothing to complain about.", "Staff rude, price fair.", "I will not come back.",
            "A beautiful place with slow service.", "It was all right.", "Best visit in years!",
        ],
    ),
    "咨询": (
        an_object(
            类型={"enum": ["账单", "故障", "订单"]}, 摘要={"type": "string", "maxLength": 60}, 紧急={"type": "boolean"}
        ),
        [
            "我的路由器坏了。", "五月的账单多收了钱。", "包裹什么时候到?", "网速很慢,请尽快处理。", "我要取消订单。",
            "电视没有信号。", "请把发票寄给我。", "订单号是多少?", "昨晚停电以后上不了网。", "为什么扣了两次费?",
        ],
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one message: whether it is JSON, whether it is valid, whether what stands from its first brace to
    its last one is, whether the limit ended it; seconds."""

    parsed: bool
    valid: bool
    within: bool
    cut: bool
    seconds: float


def asked(name: str) -> ReplyFormat:
    """The format of a schema."""
    return ReplyFormat(
        kind=REPLY_FORMAT_KIND_JSON, name="reply", schema=json.dumps(SCHEMAS[name][0], ensure_ascii=False), strict=True
    )


def told(name: str) -> str:
    """The words in which a reply that is held to a schema is told of it."""
    form = asked(name)
    return format_text({"name": form.name, "schema": form.schema})


def replied(client: Client, name: str, text: str, seed: int, *, held: bool) -> Reply:
    """The reply to a message, held to the schema or told of it alone."""
    system_text = "" if held else f"You are a helpful assistant.\n\n{told(name)}"
    request = pb.CreateSessionRequest(user_id="formats", system_text=system_text)
    session = client.conversations.CreateSession(request).session.id
    settings = DecodingSettings(max_tokens=TOKENS, temperature=TEMPERATURE, seed=seed)
    if held:
        settings.reply_format.CopyFrom(asked(name))
    began = time.perf_counter()
    draft = client.send(session, text, settings=settings, without_knowledge=True).result()
    seconds = time.perf_counter() - began
    cut = draft.finish_reason == pb.FINISH_REASON_LENGTH
    text_within = draft.text[draft.text.find("{") : draft.text.rfind("}") + 1]
    valid, within = (faultless(name, written) for written in (draft.text, text_within))
    return Reply(valid is not None, bool(valid), bool(within), cut, seconds)


def faultless(name: str, written: str) -> bool | None:
    """Whether a text is valid by a schema; None where it is no JSON."""
    try:
        value = json.loads(written)
    except ValueError:
        return None
    checker = jsonschema.Draft202012Validator(SCHEMAS[name][0], format_checker=jsonschema.FormatChecker())
    return bool(checker.is_valid(value))


def replies(client: Client, *, held: bool) -> list[Reply]:
    """The replies to all messages, in their order."""
    messages = [(name, text) for name, (_, texts) in SCHEMAS.items() for text in texts]
    cases = [(name, text, seed) for seed, (name, text) in enumerate(messages, 1)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda case: replied(client, *case, held=held), cases))


@contextmanager
def connected(address: str, key: str) -> Iterator[Client]:
    """A client of the stack at the address; of one that is started for it where there is none."""
    if address:
        with Client(address, key=key) as client:
            yield client
        return
    with running_stack(()) as stack, stack.tenant("formats") as client:
        yield client


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--address", default="", help="a gateway")
    parser.add_argument("--key", default="")
    parser.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    given = parser.parse_args(arguments)
    figures: dict[str, float] = {}
    with connected(given.address, given.key) as client:
        for arm, held in (("held", True), ("told", False)):
            got = replies(client, held=held)
            figures[f"{arm}_of"] = len(got)
            for what in ("parsed", "valid", "within", "cut"):
                figures[f"{arm}_{what}"] = hits = sum(getattr(reply, what) for reply in got)
                low, high = (100 * bound for bound in interval(hits, len(got)))
                print(f"{arm}: {what:6} {hits} of {len(got)}  [{low:.0f}, {high:.0f}] %", flush=True)
            figures[f"{arm}_seconds"] = round(statistics.median(reply.seconds for reply in got), 2)
            print(f"{arm}: seconds of a reply, median of {AT_ONCE} at once: {figures[f'{arm}_seconds']}", flush=True)
    if given.json:
        print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
