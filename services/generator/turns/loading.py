"""What a generator loads before it serves: the base model in its backend, its chat format, heads and projectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from services.common.store import Document
from services.generator.conditioning.soft_inputs import SoftInputs
from services.generator.engine import DraftEngine, Engine
from services.generator.engine.backend import Backend
from services.generator.engine.backends.build import build_backend
from services.generator.settings import GeneratorSettings
from services.models.chat import CHATML, ChatFormat, kept_chat_format

if TYPE_CHECKING:
    from services.generator.conditioning.feedback_fusion import FeedbackFusion, FusionLoader
    from services.models.scope.scope import ScopeJudge

log = structlog.get_logger(__name__)


@dataclass
class Loaded:
    """`identity` holds the manifest's fields that don't change between turns; `fusion` is the head of revisions whose
    version has none of its own, `loader` what makes versions' heads ready, `soft_inputs` what makes
    soft tokens, and `scopes` what judges whether a message belongs to a correction."""

    chat: ChatFormat
    identity: Document
    fusion: FeedbackFusion | None = None
    loader: FusionLoader | None = None
    soft_inputs: SoftInputs = field(default_factory=SoftInputs)
    scopes: ScopeJudge | None = None


@dataclass(kw_only=True)
class LoadedModel(Loaded):
    """What is loaded where the model is computed here."""

    backend: Backend


def start_engine(
    settings: GeneratorSettings, worker: str, on_step_end: Callable[[], None]
) -> tuple[DraftEngine, Loaded]:
    """The engine that the settings name, its model loaded or its servers found, and what belongs to it.

    Raises:
        services.models.language_model.ModelNotFound: the model can't be had.
        ValueError: a server can't be used; names the setting.
    """
    if settings.engine == "upstream":
        return _upstream(settings, worker, on_step_end)
    loaded = load_model(settings, worker)
    engine = Engine(
        loaded.backend,
        waiting_limit=settings.waiting_drafts,
        prefill_ms=settings.prefill_ms,
        on_step_end=on_step_end,
    )
    return engine, loaded


def _upstream(settings: GeneratorSettings, worker: str, on_step_end: Callable[[], None]) -> tuple[DraftEngine, Loaded]:
    from services.generator.engine.upstream.build import build_upstream

    engine, model = build_upstream(settings, on_step_end)
    identity: Document = {
        "engine": settings.engine,
        "worker": worker,
        "tokenizer_hash": engine.codec.digest,
        "version_id": f"upstream:{model}",
        "base_model": model,
        "dtype": "",
        "kernels": "",
        **engine.identity,
        "template_hash": _template_hash(CHATML),
    }
    log.info("upstream", server=identity["server"], model=model, withheld=identity["withheld"])
    return engine, Loaded(CHATML, identity)


def load_model(settings: GeneratorSettings, worker: str) -> LoadedModel:
    """Load what the settings name."""
    backend = build_backend(settings, _log_progress)
    identity: Document = {"engine": settings.engine, "worker": worker, "tokenizer_hash": backend.codec.digest}
    if settings.engine in ("echo", "echo-signed"):
        identity |= {"version_id": "echo", "base_model": "echo", "dtype": "none", "kernels": "none"}
        loaded = LoadedModel(CHATML, identity, backend=backend)
    else:
        loaded = _with_heads(settings, backend, identity)
    identity["template_hash"] = _template_hash(loaded.chat)
    return loaded


def _template_hash(chat: ChatFormat) -> str:
    template = json.dumps([chat.head_open, chat.head_close, chat.reply_open, chat.next_open])
    return hashlib.sha256(template.encode()).hexdigest()[:16]


def _with_heads(settings: GeneratorSettings, backend: Backend, identity: Document) -> LoadedModel:
    from services.generator.conditioning.feedback_fusion import FusionLoader
    from services.models.language_model import content_hash, find_model

    folder = find_model(settings.model, settings.cache_dir)
    base = content_hash(folder, settings.cache_dir)
    identity |= {
        "version_id": base,
        "base_model": settings.model,
        "dtype": getattr(backend, "dtype", ""),
        "kernels": getattr(backend, "kernel", settings.kernel),
    }
    loaded = LoadedModel(kept_chat_format(folder, settings.cache_dir), identity, backend=backend)
    loaded.loader = FusionLoader(folder, base, backend.codec)
    if settings.fusion_head:
        loaded.fusion = loaded.loader.load(Path(settings.fusion_head), backend)
    identity["fusion_head"] = loaded.fusion.head if loaded.fusion else ""
    loaded.soft_inputs = SoftInputs.load(settings, base)
    if settings.corrections != "off":
        from services.models.scope.scope import ScopeJudge

        loaded.scopes = ScopeJudge.load()
    return loaded


def _log_progress(what: str, share: float) -> None:
    log.info("loading", what=what, share=round(share, 2))
