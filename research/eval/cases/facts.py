"""Facts: names that must stay apart, and comments that deny what is known."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from antiphon.v1 import conversation_pb2, feedback_pb2, knowledge_pb2
from antiphon.v1.common_pb2 import DecodingSettings

from research.eval.cases.check import Check, Desk, lines_of

_MULTI = re.compile(r'entity "(.+?)", slot "(.+?)"')
_PAIR = re.compile(r'"([^"]+)" and "([^"]+)"')
_TAKEN = re.compile(r'value "([^"]+)" is taken')
_UNSTATED = re.compile(
    r"(?:if|when|unless|suppose|i (?:heard|thought|think|believe|guess)|they say|people say|perhaps|maybe|"
    r"apparently)\b",
    re.IGNORECASE,
)
_WAIT_S = 8.0


def teach(desk: Desk, entity: str, slot: str, value: str, *, multi: bool = False) -> knowledge_pb2.TeachFactResponse:
    """Teach one fact."""
    request = knowledge_pb2.TeachFactRequest(entity=entity, slot=slot, value=value, multi=multi)
    return desk.client.knowledge.TeachFact(request)


def values(desk: Desk, entity: str = "") -> list[str]:
    """What holds."""
    request = knowledge_pb2.ListFactsRequest(entity=entity, page_size=100)
    return [fact.value for fact in desk.client.knowledge.ListFacts(request).facts]


def check_names(desk: Desk, file: Path) -> list[Check]:
    """Every pair of lines teaches two facts that both hold; comments name pairs of values and values that are taken."""
    lines = lines_of(file)
    taught = [shlex.split(line)[3:6] for line in lines if line.startswith("antiphon knowledge teach")]
    checks = [_both(desk, pair) for pair in zip(taught[::2], taught[1::2], strict=False)]
    for line in (line for line in lines if line.startswith("#")):
        if named := _MULTI.search(line):
            entity, slot = named[1], named[2]
            pairs = _PAIR.findall(line[named.end() :])
            for value in (value for pair in pairs for value in pair):
                teach(desk, entity, slot, value, multi=True)
            held = values(desk, entity)
            checks += [Check(f"{one} and {other}", one in held and other in held, str(held)) for one, other in pairs]
        elif taken := _TAKEN.search(line):
            teach(desk, "Sign", "mark", taken[1])
            checks.append(Check(f"{taken[1]} is taken", taken[1] in values(desk, "Sign")))
    return checks


def _both(desk: Desk, pair: Sequence[Sequence[str]]) -> Check:
    answers = [teach(desk, *parts) for parts in pair]
    held = values(desk)
    apart = not any(answer.HasField("superseded") for answer in answers)
    return Check(" and ".join(parts[0] for parts in pair), apart and all(parts[2] in held for parts in pair), str(held))


def check_denials(desk: Desk, file: Path) -> list[Check]:
    """Each line (entity, slot, value, comment): the comment leads to a candidate that takes the value back or replaces
    it; where the comment is a condition, hearsay, a thought or a question, to none. Without a value nothing is
    taught and nothing may come."""
    checks = []
    for line in lines_of(file):
        entity, slot, value, comment = (line.split("\t") + [""] * 4)[:4]
        if value:
            teach(desk, entity, slot, value)
        found = _candidates(desk, comment, wait=bool(value) and not _unstated(comment))
        about = [one for one in found if value and value in (one.retracts, one.conflicts_with.value)]
        wrong = [one for one in found if _denies_in_value(one, value)]
        right = not found if _unstated(comment) or not value else bool(about) and not wrong
        checks.append(Check(comment, right, "; ".join(f"{one.value}|{one.retracts}|{one.entity}" for one in found)))
    return checks


def _denies_in_value(one: knowledge_pb2.Candidate, value: str) -> bool:
    return bool(re.search(r"\b(?:not|no longer|never)\b", f"{one.value} {one.entity}")) or one.value == value


def _unstated(comment: str) -> bool:
    """Whether the comment opens as a condition, hearsay or a thought, or ends as a question."""
    return bool(_UNSTATED.match(comment)) or comment.rstrip().endswith("?")


def _candidates(desk: Desk, comment: str, *, wait: bool) -> list[knowledge_pb2.Candidate]:
    """The candidates that a comment on a new turn leads to."""
    knowledge = desk.client.knowledge
    before = {one.id for one in knowledge.ListCandidates(knowledge_pb2.ListCandidatesRequest(page_size=100)).candidates}
    session = desk.client.conversations.CreateSession(conversation_pb2.CreateSessionRequest(user_id="case")).session.id
    with desk.client.send(session, "Tell me about it.", settings=DecodingSettings(max_tokens=4)) as asked:
        asked.result()
    said = feedback_pb2.Feedback(rating=2, comment=comment)
    desk.client.feedback.SubmitFeedback(feedback_pb2.SubmitFeedbackRequest(turn_id=asked.turn_id, feedback=said))
    deadline = time.monotonic() + (_WAIT_S if wait else 4.0)
    found: list[knowledge_pb2.Candidate] = []
    while time.monotonic() < deadline and not (wait and found):
        every = knowledge.ListCandidates(knowledge_pb2.ListCandidatesRequest(page_size=100)).candidates
        found = [one for one in every if one.id not in before]
        time.sleep(0.2)
    return found
