"""What travels on the turn queues: ids and the small results of the steps before, at most 16 kB."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

MESSAGE_VERSION = 1
MAX_BYTES = 16_384


class UnreadableMessage(ValueError):
    """The body is no turn message of a version that this worker knows."""


@dataclass
class TurnMessage:
    """One turn's way through track, ground and generate.

    ``state`` is the state after the user's message as the tracker left it (None: no schema, or taken
    from the turn document); ``passages`` and ``facts`` are ``{id, revision, …}`` references, ``evidence`` says
    which parts of them answer the message (``services.common.evidence``; None: no base was asked); ``trace`` is the
    context of the call that made the turn, for messages sent outside of any trace (by the sweep, say); ``again`` says
    that the turn was sent before and nobody has taken it.
    """

    tenant: str
    session: str
    turn: str
    n: int
    round: int = 0
    kind: str = "turn"
    reply_to: str = ""
    schema: str | None = None
    version: str = ""
    min_watermark: int = 0
    skip_ground: bool = False
    state: dict[str, Any] | None = None
    understood: dict[str, Any] | None = None
    passages: list[dict[str, Any]] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    evidence: dict[str, Any] | None = None
    trace: dict[str, str] = field(default_factory=dict)
    again: bool = False

    @classmethod
    def of_turn(cls, turn: Mapping[str, Any]) -> TurnMessage:
        """The first message of a turn document's current round."""
        return cls(
            tenant=turn["tenant"],
            session=turn["session"],
            turn=turn["_id"],
            n=turn["n"],
            round=turn["round"],
            kind="turn" if turn["round"] == 0 else "revision",
            reply_to=turn.get("reply_to", ""),
            schema=turn.get("schema"),
            version=turn.get("version") or "",
            min_watermark=turn.get("min_watermark", 0),
            skip_ground=bool(turn.get("without_knowledge")),
            trace=turn.get("trace") or {},
            again=turn.get("dispatches", 0) > 0,
        )

    def encode(self) -> bytes:
        """JSON; spans are dropped first and then the state, which is recomputed, if 16 kB do not hold it."""
        body = self._json(asdict(self))
        if len(body) > MAX_BYTES and self.state is not None:
            slim = asdict(self)
            for service in slim["state"].get("services", {}).values():
                for slot in service.get("slots", {}).values():
                    slot.pop("span", None)
            body = self._json(slim)
        if len(body) > MAX_BYTES:
            raise ValueError(f"a turn message of {len(body)} bytes exceeds {MAX_BYTES}")
        return body

    @staticmethod
    def _json(content: dict[str, Any]) -> bytes:
        return json.dumps({"v": MESSAGE_VERSION, **content}, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def decode(cls, body: bytes | str) -> TurnMessage:
        """Raises UnreadableMessage. Unknown fields, which a newer sender may add, are ignored."""
        try:
            content = json.loads(body)
            if content.get("v") != MESSAGE_VERSION:
                raise UnreadableMessage(f"message version {content.get('v')!r}")
            message = cls(**{name: content[name] for name in _NAMES if name in content})
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise UnreadableMessage(str(error)) from error
        if not all(isinstance(value, str) and value for value in (message.tenant, message.session, message.turn)):
            raise UnreadableMessage("tenant, session and turn must be filled")
        if not isinstance(message.n, int) or not isinstance(message.round, int):
            raise UnreadableMessage("n and round must be numbers")
        return message


_NAMES = tuple(f.name for f in fields(TurnMessage))
