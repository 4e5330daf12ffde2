"""What a generator loads before it serves: the base model in its backend, its chat format, heads and projectors."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from services.common.store import Document
from services.generator.conditioning.soft_inputs import SoftInputs
from services.generator.engine.backend import Backend
from services.generator.engine.backends.build import build_backend
from services.generator.settings import GeneratorSettings
from services.models.chat import CHATML, ChatFormat, chat_format

if TYPE_CHECKING:
    from services.generator.conditioning.feedback_fusion import FeedbackFusion, FusionLoader
    from services.models.scope.scope import ScopeJudge

log = structlog.get_logger(__name__)


@dataclass
class LoadedModel:
    """`identity` holds the manifest's fields that don't change between turns; `fusion` is the head of revisions whose
    version has none of its own, `loader` what makes versions' heads ready, `soft_inputs` what makes
    soft tokens, and `scopes` what judges whether a message belongs to a correction."""

    chat: ChatFormat
    backend: Backend
    identity: Document
    fusion: FeedbackFusion | None = None
    loader: FusionLoader | None = None
    soft_inputs: SoftInputs = field(default_factory=SoftInputs)
    scopes: ScopeJudge | None = None


def load_model(settings: GeneratorSettings, worker: str) -> LoadedModel:
    """Load what the settings name."""
    backend = build_backend(settings, _log_progress)
    identity: Document = {"engine": settings.engine, "worker": worker, "tokenizer_hash": backend.codec.digest}
    if settings.engine in ("echo", "echo-signed"):
        identity |= {"version_id": "echo", "base_model": "echo", "dtype": "none", "kernels": "none"}
        loaded = LoadedModel(CHATML, backend, identity)
    else:
        loaded = _with_heads(settings, backend, identity)
    chat = loaded.chat
    template = json.dumps([chat.head_open, chat.head_close, chat.reply_open, chat.next_open])
    identity["template_hash"] = hashlib.sha256(template.encode()).hexdigest()[:16]
    return loaded


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
    loaded = LoadedModel(chat_format(folder), backend, identity)
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
