"""A draft that is searched for: the engine proposes tokens and forks sequences, the search chooses among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.generator.engine import (
    Branch,
    Branching,
    DraftEngine,
    DraftListener,
    DraftRequest,
    FinishedDraft,
    Proposals,
)
from services.generator.engine.detokenizer import Detokenizer
from services.generator.revision.beam_search import Beams, Search


def submit(engine: DraftEngine, request: DraftRequest, listener: DraftListener, beams: Beams | None) -> None:
    """Have a draft written, or searched for where `beams` are asked for and the engine proposes tokens; raises what
    Engine.submit raises."""
    if beams is None or not engine.proposes:
        engine.submit(request, listener)
    else:
        BeamDraft(engine, request, listener, beams).submit()


class BeamDraft:
    """The engine's listener of one searched draft; `listener` hears the best hypothesis, whole, when it is found."""

    def __init__(self, engine: DraftEngine, request: DraftRequest, listener: DraftListener, beams: Beams) -> None:
        codec, settings = engine.codec, request.settings
        self._engine = engine
        self._request = request
        self._listener = listener
        room = engine.context_limit - len(request.history) - len(request.tail)
        self._search = Search(
            beams,
            max(1, min(settings.max_new_tokens, room)),
            codec.end_ids,
            settings.stop,
            codec.token_bytes,
            codec.decode,
            lambda phrase: (codec.encode(" " + phrase), codec.encode(phrase)),
        )

    def submit(self) -> None:
        """Ask the engine; raises what Engine.submit raises."""
        branching = Branching(self._search.width, tuple(self._search.owed(0)))
        self._engine.submit(replace(self._request, branching=branching), self)

    # -- on the engine's thread -----------------------------------------------------------------

    def on_proposals(self, proposals: Sequence[Proposals]) -> list[Branch]:
        """Choose what goes on; nothing where the search is over."""
        going_on = self._search.advance(proposals)
        if self._search.done:
            return []
        return [
            Branch(source, hypothesis.ids[-1], tuple(self._search.owed(place)))
            for place, (source, hypothesis) in enumerate(going_on)
        ]

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        """Nothing is shown of the sequences."""

    def on_progress(self) -> None:
        self._listener.on_progress()

    def on_finish(self, draft: FinishedDraft) -> None:
        """Tell the best hypothesis, cancelled or not."""
        best = self._search.best()
        shown = Detokenizer(self._engine.codec, self._request.settings.stop)
        text = "".join(shown.push(token) for token in best.ids) + shown.flush()
        ids = best.ids[: shown.whole_tokens()]
        if text:
            self._listener.on_delta(text, list(ids))
        cancelled = draft.finish_reason == "cancelled"
        searched = replace(
            draft,
            text=text,
            token_ids=ids,
            finish_reason="cancelled" if cancelled else best.ended or "length",
            usage=replace(draft.usage, completion=len(best.ids)),
            log_likelihood=best.own,
        )
        self._listener.on_finish(searched)

    def on_error(self, error: Exception) -> None:
        self._listener.on_error(error)
