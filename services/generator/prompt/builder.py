"""From a turn to token ids, in the order that lets a session's memory stay valid.

``system text | accepted turns (append-only ids, never tokenised again) | tail``; only the tail changes from
turn to turn, and the notes, the state and the feedback stand in it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.common.constraints import Constraint, check, merge_rounds, verifiable
from services.common.drafts import chosen_draft
from services.common.reply_format import format_text, reply_format
from services.common.state import state_text
from services.common.store import GroundingText
from services.common.tools.calls import offers, tools_text
from services.generator.prompt import wording
from services.models.chat import ChatFormat, TextCodec

_REFILL = 0.6  # share of the room that stays filled when old turns are dropped, so that it happens rarely
_CACHED_TURNS = 4_096


@dataclass(frozen=True)
class Prompt:
    """A prompt and what its manifest has to name."""

    history: tuple[int, ...]
    tail: tuple[int, ...]
    draft_ids: tuple[str, ...]
    dropped: tuple[int, int] | None
    constraints: tuple[Constraint, ...]
    about_round: int | None
    drawn_again: bool
    feedback: tuple[int, ...] = ()  # the feedback's own ids, for models that encode it beside the prompt
    notes: tuple[GroundingText, ...] = ()  # in the order of the numbers that the prompt gives them
    soft: tuple[int, ...] = ()  # ids of the soft tokens in the tail
    with_state: bool = True  # false where soft tokens stand for the text
    with_notes: bool = True

    def __len__(self) -> int:
        return len(self.history) + len(self.tail)


class PromptTooLong(ValueError):
    """The turn alone, without any history, does not fit the context."""


class PromptBuilder:
    """Builds prompts for one base model. Thread-safe but for its cache, which may compute a turn twice."""

    def __init__(
        self,
        codec: TextCodec,
        chat: ChatFormat,
        context_limit: int,
        system_text: str,
        note_sentences: int = 0,
        tokenizer: str = "",
        *,
        words_tools: bool = True,
    ) -> None:
        """`tokenizer` is the codec's hash: a reply whose manifest names another one is encoded anew. Without
        `words_tools` the system text says nothing of tools: a server's own template does."""
        self._codec = codec
        self._chat = chat
        self._limit = context_limit
        self._system_text = system_text
        self._note_sentences = note_sentences
        self._tokenizer = tokenizer
        self._words_tools = words_tools
        self._reply_open = tuple(codec.encode(chat.reply_open))
        self._next_open = tuple(codec.encode(chat.next_open))
        self._turns: OrderedDict[str, tuple[int, ...]] = OrderedDict()

    def build(
        self,
        turn: Mapping[str, Any],
        earlier: Sequence[Mapping[str, Any]],
        *,
        grounding: Sequence[GroundingText] = (),
        reply_tokens: int,
        system_text: str = "",
        soft: Sequence[int] = (),
        with_state: bool = True,
        with_notes: bool = True,
        known: str = "",
    ) -> Prompt:
        """The prompt of a turn's current round.

        ``earlier`` are the session's turns before it, oldest first; ``reply_tokens`` is the room kept for the
        reply. When the history does not fit, the oldest turns are dropped. ``grounding`` comes best first and stands
        in the prompt best last, nearest to the message. ``soft`` are the ids of soft tokens, which stand between the
        message and the opening of its reply; without ``with_state`` the state's text is left out, without
        ``with_notes`` that of ``grounding``. ``known`` is the reply in words that a JSON object is to be made of.

        Raises: PromptTooLong.
        """
        notes = tuple(reversed(grounding))
        noted = wording.notes(notes, str(turn["text"]), self._note_sentences) if with_notes else ""
        constraints = asked_constraints(turn)
        about = self._draft_in_question(turn, constraints)
        drawn_again = turn["round"] > 0 and about is None
        head = self._head(self._told(system_text or self._system_text, turn))
        stated = state_text(turn.get("state")) if with_state else ""
        tail = self._tail(turn, wording.context_text(noted, stated, known), constraints, about, soft)
        room = self._limit - reply_tokens - len(tail) - len(head)
        if room < 0:
            raise PromptTooLong(
                f"the message with its notes takes {len(tail) + len(head)} tokens and the reply {reply_tokens}; "
                f"the context holds {self._limit}"
            )
        turns = [(t, draft) for t in earlier if (draft := chosen_draft(t)) is not None]
        kept = self._kept([(t, draft, self._turn(t, draft)) for t, draft in turns], room)
        history = head
        for _, _, ids in kept:
            history += ids
        return Prompt(
            history=history,
            tail=tail,
            draft_ids=tuple(draft["id"] for _, draft, _ in kept),
            dropped=(turns[0][0]["n"], turns[len(turns) - len(kept) - 1][0]["n"]) if len(kept) < len(turns) else None,
            constraints=constraints,
            about_round=about["round"] if about else None,
            drawn_again=drawn_again,
            feedback=self._feedback(turn, constraints) if about else (),
            notes=notes,
            soft=tuple(soft),
            with_state=with_state,
            with_notes=with_notes,
        )

    def continued(self, prompt: Prompt, turn: Mapping[str, Any], token_ids: Sequence[int]) -> tuple[int, ...]:
        """The history once this reply is accepted: what the engine may compute in idle time."""
        user = tuple(self._chat.encode_text(self._codec, turn["text"]))
        return prompt.history + user + self._reply_open + tuple(token_ids) + self._next_open

    # -- parts ----------------------------------------------------------------------------------

    def _told(self, system_text: str, turn: Mapping[str, Any]) -> str:
        """The system text with what it says of tools and of the reply's format."""
        tools = tools_text(turn["offer"]["tools"]) if self._words_tools and offers(turn) else ""
        asked = reply_format(turn)
        return "\n\n".join(filter(None, (system_text, tools, format_text(asked) if asked else "")))

    def _head(self, system_text: str) -> tuple[int, ...]:
        return (
            *self._codec.encode(self._chat.head_open),
            *self._chat.encode_text(self._codec, system_text),
            *self._codec.encode(self._chat.head_close),
        )

    def _turn(self, turn: Mapping[str, Any], draft: Mapping[str, Any]) -> tuple[int, ...]:
        known = self._turns.get(draft["id"])
        if known is not None:
            return known
        reply = draft.get("token_ids")
        written_with = (draft.get("manifest") or {}).get("tokenizer_hash") or self._tokenizer
        if not reply or (self._tokenizer and written_with != self._tokenizer):
            reply = self._chat.encode_text(self._codec, draft.get("text", ""))
        user = self._chat.encode_text(self._codec, turn["text"])
        ids = (*user, *self._reply_open, *reply, *self._next_open)
        if draft["status"] == "completed":
            self._turns[draft["id"]] = ids
            while len(self._turns) > _CACHED_TURNS:
                self._turns.popitem(last=False)
        return ids

    @staticmethod
    def _kept(turns: list[Any], room: int) -> list[Any]:
        """Drop the oldest turns when they overflow ``room``, down to a share of it.

        A function of the lengths alone: the turns dropped once stay dropped on later turns, so that the memory
        of what is kept stays valid until the room overflows again.
        """
        first, total = 0, 0
        for at, (_, _, ids) in enumerate(turns):
            total += len(ids)
            if total > room:
                while first <= at and total > room * _REFILL:
                    total -= len(turns[first][2])
                    first += 1
        return turns[first:]

    def _tail(
        self,
        turn: Mapping[str, Any],
        context: str,
        constraints: Sequence[Constraint],
        about: Mapping[str, Any] | None,
        soft: Sequence[int],
    ) -> tuple[int, ...]:
        message = f"{context}\n\n{turn['text']}" if context else str(turn["text"])
        ids = [*self._chat.encode_text(self._codec, message), *soft, *self._reply_open]
        if about is not None:
            ids += self._chat.encode_text(self._codec, about.get("text", ""))
            ids += self._next_open
            ids += self._feedback(turn, constraints)
            ids += self._reply_open
        return tuple(ids)

    def _feedback(self, turn: Mapping[str, Any], constraints: Sequence[Constraint]) -> tuple[int, ...]:
        feedback = turn["drafts"][turn["round"]].get("feedback")
        text = wording.feedback_text(feedback, constraints)
        return tuple(self._chat.encode_text(self._codec, text))

    @staticmethod
    def _draft_in_question(turn: Mapping[str, Any], constraints: Sequence[Constraint]) -> Mapping[str, Any] | None:
        """The draft that the feedback is about, None for a mere new draw.

        A draft that was itself made to obey feedback and failed it is dropped from the context, since a model
        that reads its failed attempt repeats it: the draft before it is shown instead. So is one that does not
        satisfy its reader although the checks are content with it.
        """
        current = turn["drafts"][turn["round"]]
        if not current.get("feedback"):
            return None
        candidates = [d for d in turn["drafts"][: turn["round"]] if d.get("status") == "completed" and d.get("text")]
        must = [constraint for constraint in constraints if verifiable(constraint)]
        while len(candidates) > 1 and candidates[-1].get("feedback"):
            if not said_again(turn) and all(check(constraint, candidates[-1]["text"]) for constraint in must):
                break
            candidates.pop()
        return candidates[-1] if candidates else None


def asked_constraints(turn: Mapping[str, Any]) -> tuple[Constraint, ...]:
    """The constraints of all rounds up to the turn's current one, gathered in one list."""
    understood = turn.get("understood") or {}
    rounds = [
        [Constraint.from_json(record) for record in understood[str(number)].get("constraints", ())]
        for number in range(1, turn["round"] + 1)
        if str(number) in understood
    ]
    return tuple(merge_rounds(rounds))


def said_again(turn: Mapping[str, Any]) -> bool:
    """Whether the reader asks again for what the draft before was made for: in the same words, or in words that were
    understood as wishes known already, of which the draft misses none."""
    number = turn["round"]
    before = turn["drafts"][number - 1] if number > 1 else {}
    if not before.get("feedback") or not before.get("text"):
        return False
    comments = [str((draft.get("feedback") or {}).get("comment") or "") for draft in turn["drafts"][: number + 1]]
    if comments[-1].strip() and comments[-1] in comments[:-1]:
        return True
    understood = turn.get("understood") or {}
    *earlier, latest = [
        (understood.get(str(earlier_round)) or {}).get("constraints") or [] for earlier_round in range(1, number + 1)
    ]
    known = [(wish["kind"], wish["value"], wish["unit"]) for wishes in earlier for wish in wishes]
    return bool(latest) and all(
        (wish["kind"], wish["value"], wish["unit"]) in known and check(Constraint.from_json(wish), before["text"])
        for wish in latest
    )
