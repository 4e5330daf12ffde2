"""A generator dies in the middle of a call of a tool: the call is there once and whole, its result counts once."""

from __future__ import annotations

import json

from antiphon.client import Client
from antiphon.v1 import conversation_pb2 as pb

from services.common.ids import new_id
from services.common.tools.calls import call_id, call_text
from tests.support.stack import Story

SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string"}, "count": {"type": "integer", "minimum": 1}},
    "required": ["question", "count"],
}
LOOK_UP = pb.Tool(name="look_up", description="Look something up.", parameters=json.dumps(SCHEMA))
REQUIRED = pb.ToolOffer(tools=[LOOK_UP], choice=pb.TOOL_CHOICE_REQUIRED)
QUESTION = " ".join(f"word{number}" for number in range(25))


def test_a_call_is_made_once_whoever_dies(story: Story) -> None:
    (killed,) = story.generators(1, echo_step_ms=60)
    with Client(story.stack.addresses, key=story.key) as client:
        session = client.conversations.CreateSession(pb.CreateSessionRequest(user_id="ada")).session.id
        stream = client.send(session, QUESTION, offer=REQUIRED, request_id=new_id("request"))
        text, attempts = "", set()
        completed = None
        for event in stream:
            kind = event.WhichOneof("event")
            if kind == "delta":
                text += event.delta.text
                attempts.add(event.position.attempt)
                if len(text) > 80 and killed is not None:
                    story.kill(killed)
                    killed = None
                    story.generators(1, echo_step_ms=5)
            elif kind == "restarted":
                text = text[: event.position.offset]
            elif kind == "completed":
                completed = event.completed.draft
        assert completed is not None
        assert attempts == {1, 2}, "the generator was to die in the middle of the call"
        (call,) = completed.tool_calls
        assert json.loads(call.arguments) == {"question": QUESTION, "count": 1}
        assert call.id == call_id(stream.turn_id, 0)
        assert text == completed.text == call_text("look_up", call.arguments)
        assert completed.finish_reason == pb.FINISH_REASON_TOOL_CALL
        assert (completed.manifest.tools.called, completed.manifest.tools.arguments) == ("look_up", call.arguments)

        key, results = new_id("request"), [pb.ToolResult(call_id=call.id, output="seven")]
        answers = [client.send(session, "", tool_results=results, request_id=key).result() for _ in range(2)]
        assert answers[0].id == answers[1].id
        assert "seven" in answers[0].text
        turns = client.conversations.ListTurns(pb.ListTurnsRequest(session_id=session)).turns
        assert [(turn.number, len(turn.drafts), len(turn.tool_results)) for turn in turns] == [(1, 1, 0), (2, 1, 1)]
        assert turns[0].drafts[0].tool_calls[0] == call
