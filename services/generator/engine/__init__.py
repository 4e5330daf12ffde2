"""The engine: many drafts, one model.

How the generator's steps use it, through `DraftEngine`, which the engine of an upstream server has too::

    backend = build_backend(settings, progress)              # services.generator.engine.backends.build
    engine = Engine(backend, waiting_limit=256, prefill_ms=50.0, on_step_end=send_events)
    engine.submit(DraftRequest(...), listener)               # EngineFull, EngineClosed, DuplicateKey,
                                                             # PromptTooLong, ValueError
    engine.fork(key, other, listener, settings) -> Future[bool]  # another draft that goes on from an open one
    engine.cancel(key) -> bool                               # within two steps; False: not open
    engine.remember(tenant, session, version, history)       # compute an accepted history in idle time
    engine.forget(tenant, session)                           # erase a session's memory
    engine.hold(VersionParts(name, adapter, head_name, head))     # serve a version; release(parts) -> bool
    engine.between_steps(call) -> Future                     # on the engine thread
    engine.apply(lambda backend: ...) -> Future              # the same of the own engine, with its backend
    engine.close(drain=True, timeout=25.0) -> bool
    engine.stats() -> EngineStats

    engine.codec.encode(text) -> list[int]                   # template markers become special ids
    engine.codec.decode(ids) -> str
    engine.codec.end_ids, engine.codec.digest                # tokenizer and template hash
    engine.capacity, engine.context_limit

    DraftRequest(key, tenant, session, version, history=(...), tail=(...), settings=DecodeSettings(),
                 soft={}, fusion=FusionInput(head, {"feedback": vector}) or None, priority=0,
                 branching=Branching(width) or None)     # then the listener is asked what goes on: on_proposals
    ids, soft = soft_tokens(version, vectors)                # embeddings in the tail: tail=(…, *ids, …), soft=soft
    DecodeSettings(max_new_tokens=256, min_new_tokens=0, temperature=0.0, top_p=1.0, top_k=0,
                   min_p=0.0, repetition_penalty=1.0, seed=0, stop=(), forbid=(), include=(), refuse=(), allow=())

    class DraftListener(Protocol):                           # always on the engine thread; never block
        def on_delta(self, text: str, token_ids: list[int]) -> None
        def on_progress(self) -> None                        # renew the lease
        def on_finish(self, draft: FinishedDraft) -> None    # text, token_ids, finish_reason, usage, timings
        def on_error(self, error: Exception) -> None         # EngineError of its own family or the backend's

`finish_reason` is stop, length or cancelled; `usage` is (prompt, reused, completion) tokens; `timings` are seconds:
(queue, prefill, first_token, decode). Memory is keyed by (tenant, session, version) and compared by token prefix;
correctness never depends on it.
"""

from services.generator.decoding.settings import DecodeSettings
from services.generator.engine.draft_engine import ALL_ABILITIES, Ability, DraftEngine, VersionParts
from services.generator.engine.engine import Engine
from services.generator.engine.errors import (
    DuplicateKey,
    EngineClosed,
    EngineError,
    EngineFull,
    EngineLacks,
    PromptTooLong,
    UnknownHead,
    UnknownVersion,
)
from services.generator.engine.request import (
    Branch,
    Branching,
    BranchListener,
    DraftListener,
    DraftRequest,
    FinishedDraft,
    FinishReason,
    FusionInput,
    Proposals,
    Timings,
    Usage,
)
from services.generator.engine.soft_tokens import soft_tokens
from services.generator.engine.stats import EngineStats

__all__ = [
    "ALL_ABILITIES",
    "Ability",
    "Branch",
    "BranchListener",
    "Branching",
    "DecodeSettings",
    "DraftEngine",
    "DraftListener",
    "DraftRequest",
    "DuplicateKey",
    "Engine",
    "EngineClosed",
    "EngineError",
    "EngineFull",
    "EngineLacks",
    "EngineStats",
    "FinishReason",
    "FinishedDraft",
    "FusionInput",
    "PromptTooLong",
    "Proposals",
    "Timings",
    "UnknownHead",
    "UnknownVersion",
    "Usage",
    "VersionParts",
    "soft_tokens",
]
