"""A conversation as the terminal keeps it: its session, its last turn, and what to show of both."""

from __future__ import annotations

from antiphon.client import Client, TurnStream
from antiphon.v1 import common_pb2, conversation_pb2, feedback_pb2, knowledge_pb2, state_pb2
from antiphon.v1.common_pb2 import DecodingSettings
from rich.console import Console
from rich.markup import escape

from services.cli.drafts import show_drafts
from services.cli.output import Failure, console
from services.cli.receipts import reach
from services.cli.render import (
    TurnView,
    constraint_words,
    correction_words,
    fact_words,
    settings_words,
    state_table,
    usage_words,
)


class Conversation:
    """What `antiphon chat` and its demonstration do; every method prints what it did."""

    def __init__(
        self,
        client: Client,
        session: conversation_pb2.Session,
        settings: DecodingSettings | None = None,
        out: Console = console,
    ) -> None:
        """Go on in ``session``, every reply decoded by ``settings``."""
        self._settings = settings
        self.session = session
        self._client = client
        self._out = out
        self._watermark = 0
        self._state = state_pb2.State()
        self._sources = conversation_pb2.TurnGrounding()
        self.turn_id = ""
        self.draft: conversation_pb2.Draft | None = None

    def say(self, text: str) -> None:
        """Send a message; what was taught before is searched for it."""
        self._follow(self._client.send(self.session.id, text, settings=self._settings, min_watermark=self._watermark))

    def revise(self, feedback: feedback_pb2.Feedback | str | None) -> None:
        """Ask for another draft of the last turn; None draws again."""
        stream = self._client.revise(self._turn(), feedback, settings=self._settings, min_watermark=self._watermark)
        self._follow(stream)

    def _follow(self, stream: TurnStream) -> None:
        """Show a turn; Ctrl-C cancels it."""
        view = TurnView(self._state, self._out)
        try:
            view.show_all(stream)
        except KeyboardInterrupt:
            if stream.turn_id:
                self._client.conversations.CancelTurn(conversation_pb2.CancelTurnRequest(turn_id=stream.turn_id))
                self._out.print("\n[dim]  cancelled[/dim]")
        finally:
            stream.close()
        self.turn_id = view.turn_id or stream.turn_id or self.turn_id
        self._state = view.state
        self._sources = view.sources if view.sources.ListFields() else self._sources
        self.draft = view.draft or self.draft

    def _turn(self) -> str:
        if not self.turn_id:
            raise Failure("nothing was said yet")
        return self.turn_id

    def accept(self, number: int | None) -> None:
        """Accept a draft of the last turn; None: the latest."""
        request = conversation_pb2.AcceptDraftRequest(turn_id=self._turn(), round=number)
        turn = self._client.conversations.AcceptDraft(request).turn
        accepted = next(draft.round for draft in turn.drafts if draft.accepted)
        self._out.print(f"[dim]  accepted: draft {accepted}[/dim]")

    def show_drafts(self) -> None:
        """Print the last turn's drafts with what changed from one to the next."""
        request = conversation_pb2.GetTurnRequest(turn_id=self._turn())
        show_drafts(self._client.conversations.GetTurn(request).turn, self._out)

    def rate(self, stars: int) -> None:
        """Store a rating of the last draft, 1 to 5."""
        self._submit(feedback_pb2.Feedback(rating=stars))
        self._out.print(f"[dim]  stored: {stars} of 5[/dim]")

    def edit(self, text: str) -> None:
        """Store the last draft as it should have been."""
        record = self._submit(feedback_pb2.Feedback(edited_text=text))
        self._out.print(f"[dim]  stored: your wording. {reach(record)}[/dim]")

    def _submit(self, feedback: feedback_pb2.Feedback) -> feedback_pb2.FeedbackRecord:
        request = feedback_pb2.SubmitFeedbackRequest(turn_id=self._turn(), feedback=feedback)
        return self._client.feedback.SubmitFeedback(request).record

    def teach(self, entity: str, slot: str, value: str) -> str:
        """Teach a fact that the next turn knows; returns its id."""
        request = knowledge_pb2.TeachFactRequest(entity=entity, slot=slot, value=value)
        request.provenance.turn_id = self.turn_id
        answer = self._client.knowledge.TeachFact(request)
        self._watermark = max(self._watermark, answer.watermark)
        self._out.print(f"[dim]  taught: {escape(fact_words(answer.fact))}[/dim]")
        return answer.fact.id

    def retract(self, fact_id: str) -> None:
        """Take a fact back."""
        answer = self._client.knowledge.RetractFact(knowledge_pb2.RetractFactRequest(fact_id=fact_id))
        self._watermark = max(self._watermark, answer.watermark)
        self._out.print(f"[dim]  retracted: {fact_id}[/dim]")

    def correct(self, service: str, slot: str, value: str | None) -> None:
        """Correct a slot of the state; None deletes it."""
        correction = state_pb2.StateCorrection(service=service, slot=slot, value=value)
        request = state_pb2.CorrectStateRequest(session_id=self.session.id, corrections=[correction])
        self._state = self._client.states.CorrectState(request).snapshot.state
        self._out.print(f"[dim]  corrected: {service}.{slot} = {escape(value or '(deleted)')}[/dim]")

    def show_state(self) -> None:
        """Print the state as it is now."""
        request = state_pb2.GetStateRequest(session_id=self.session.id)
        state = self._client.states.GetState(request).snapshot.state
        self._out.print(state_table(state) if state.services else "[dim]  Nothing is known yet.[/dim]")

    def show_facts(self) -> None:
        """Print the facts that hold."""
        answer = self._client.knowledge.ListFacts(knowledge_pb2.ListFactsRequest(page_size=50))
        for fact in answer.facts:
            self._out.print(f"  {escape(fact_words(fact))} [dim]{fact.id}[/dim]")
        if not answer.facts:
            self._out.print("[dim]  No facts yet; /teach ENTITY | SLOT | VALUE teaches one.[/dim]")

    def show_why(self) -> None:
        """Print what the last draft was made from: sources, constraints, settings, version, cost."""
        turn = self._client.conversations.GetTurn(conversation_pb2.GetTurnRequest(turn_id=self._turn())).turn
        if not turn.drafts:
            raise Failure("the last turn has no draft")
        draft = turn.drafts[-1]
        manifest = draft.manifest
        for fact in manifest.facts:
            words = self._fact(fact.id, fact.revision)
            self._out.print(f"  [green]fact {fact.mark}[/green] {escape(words)}")
        texts = self._passages(turn.text) if manifest.passages else {}
        for passage in manifest.passages:
            words = texts.get(passage.id, passage.id)
            self._out.print(f"  [cyan]passage {passage.mark}[/cyan] {escape(words)}")
        for answer in manifest.evidence.answers:
            self._show_answer(answer, draft)
        for citation in draft.citations:
            verdict = "borne out" if citation.supported else "[red]not borne out[/red]"
            sentence = escape(draft.text[citation.start : citation.end].strip())
            self._out.print(f"  cites {escape(citation.mark)}, {verdict}: [dim]{sentence}[/dim]")
        for constraint in draft.constraints:
            self._out.print(f"  [yellow]constraint[/yellow] {escape(constraint_words(constraint))}")
        if manifest.HasField("correction"):
            self._out.print(f"  [magenta]correction[/magenta] {escape(correction_words(manifest))}")
        if manifest.composed_by:
            self._out.print(f"[dim]  composed by {escape(manifest.composed_by)}, without the model's words[/dim]")
        self._out.print(f"[dim]  {len(manifest.history_draft_ids)} earlier drafts in the context[/dim]")
        self._out.print(f"[dim]  {escape(settings_words(manifest.settings))}; seed {manifest.seed}[/dim]")
        self._out.print(
            f"[dim]  version {manifest.version_id[:16]} of {escape(manifest.base_model)}, {manifest.dtype} "
            f"{manifest.kernels}, engine {manifest.engine}, worker {escape(manifest.worker)}[/dim]"
        )
        self._out.print(f"[dim]  {usage_words(draft.usage)}[/dim]")

    def _show_answer(self, answer: common_pb2.EvidenceAnswer, draft: conversation_pb2.Draft) -> None:
        """Print what answers a question: its probability, and each piece as the reply quotes it, with its place."""
        self._out.print(
            f"  [magenta]{escape(answer.kind)}, {escape(answer.verdict)}[/magenta] {answer.probability:.2f}"
        )
        quoted = {
            citation.passage.id or citation.fact.id: draft.text[citation.start : citation.end]
            for citation in draft.citations
        }
        for piece in answer.pieces:
            name = piece.passage.id or piece.fact.id
            place = f"passage {name}, {piece.start}–{piece.end}" if piece.HasField("passage") else f"fact {name}"
            words = escape(quoted.get(name, "").strip())
            self._out.print(f"    {piece.probability:.2f} [dim]{escape(place)}[/dim] {words}")

    def _fact(self, fact_id: str, revision: int) -> str:
        request = knowledge_pb2.FactHistoryRequest(fact_id=fact_id, page_size=500)
        revisions = self._client.knowledge.FactHistory(request).revisions
        return next((fact_words(one) for one in revisions if one.revision == revision), fact_id)

    def _passages(self, query: str) -> dict[str, str]:
        """Id to heading and text of the passages that the message finds."""
        hits = self._client.knowledge.Search(knowledge_pb2.SearchRequest(query=query, limit=50)).hits
        return {
            hit.passage.id: " › ".join([hit.passage.document_name, *hit.passage.headings]) + f": {hit.passage.text}"
            for hit in hits
            if hit.WhichOneof("item") == "passage"
        }
