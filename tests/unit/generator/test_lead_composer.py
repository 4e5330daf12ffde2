"""What a led dialogue's reply is: the question alone, or behind the answer to what the user asked."""

from typing import Any

from services.generator.turns.composed import ComposedReply
from services.generator.turns.lead_composer import LeadComposer


class Answering:
    """A composer with one answer."""

    revises = False

    def __init__(self, reply: ComposedReply | None) -> None:
        self.reply = reply

    def compose(self, turn: dict[str, Any]) -> ComposedReply | None:
        return self.reply


def turn(**lead: Any) -> dict[str, Any]:
    known = {"act": "ask", "service": "order", "intent": "cancel", "slot": "number", "text": "Which order?"}
    return {"text": "…", "state": {"services": {}, "lead": known | lead}}


def composed(answer: ComposedReply | None, policy: str = "quote", **lead: Any) -> ComposedReply | None:
    return LeadComposer([Answering(answer)], lambda _: policy).compose(turn(**lead))


ANSWER = ComposedReply(("Returns are free.",), "evidence")


def test_a_lead_is_the_whole_reply_to_a_wish() -> None:
    reply = composed(ANSWER)
    assert reply is not None
    assert (reply.text, reply.by) == ("Which order?", "lead")


def test_a_lead_follows_the_answer_to_a_question() -> None:
    reply = composed(ANSWER, alone=False)
    assert reply is not None
    assert (reply.text, reply.by) == ("Returns are free. Which order?", "evidence")
    assert reply.about["lead"]["slot"] == "number"


def test_what_only_names_a_thing_is_answered_where_the_documents_surely_do() -> None:
    def reply(verdict: str, probability: float, **lead: Any) -> str:
        named = turn(**lead)
        named["grounding"] = {"evidence": {"answers": [{"verdict": verdict, "probability": probability}]}}
        composed = LeadComposer([Answering(ANSWER)], lambda _: "quote").compose(named)
        assert composed is not None
        return composed.text

    assert reply("answered", 0.9, wished=False) == "Returns are free. Which order?"
    assert reply("answered", 0.9) == "Which order?"
    assert reply("answered", 0.5, wished=False) == "Which order?"
    assert reply("unknown", 0.1, wished=False) == "Which order?"


def test_a_question_that_nobody_answers_is_the_engines() -> None:
    assert composed(None, alone=False) is None


def test_under_the_free_policy_the_engine_speaks() -> None:
    assert composed(ANSWER, policy="free") is None


def test_a_turn_that_is_not_led_is_left_alone() -> None:
    assert LeadComposer([Answering(ANSWER)], lambda _: "quote").compose({"text": "…", "state": None}) is None
