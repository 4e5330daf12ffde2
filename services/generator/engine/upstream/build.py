"""Finds the servers that the settings name and starts the engine over them."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.generator.engine.upstream.engine import UpstreamEngine
from services.generator.engine.upstream.pool import Patience
from services.generator.engine.upstream.probe import BadUpstream, probe
from services.generator.settings import GeneratorSettings


def build_upstream(
    settings: GeneratorSettings, on_step_end: Callable[[], None] | None = None
) -> tuple[UpstreamEngine, str]:
    """The engine over the servers of `settings` and the name of the model that they serve.

    Raises:
        BadUpstream: names the setting to change.
    """
    urls = [url.strip().rstrip("/").removesuffix("/v1") for url in settings.upstream_urls.split(",") if url.strip()]
    if not urls:
        raise BadUpstream("ANTIPHON_UPSTREAM_URLS must name a server where ANTIPHON_ENGINE is upstream")
    key = _key(settings)
    deadline = time.monotonic() + settings.upstream_start_seconds
    servers = [probe(url, settings.upstream_model, key, max(0.0, deadline - time.monotonic())) for url in urls]
    if len(models := sorted({server.model for server in servers})) > 1:
        raise BadUpstream(f"ANTIPHON_UPSTREAM_URLS: the servers serve different models, {', '.join(models)}")
    engine = UpstreamEngine(
        servers,
        key=key,
        capacity=settings.max_batch_size,
        waiting_limit=settings.waiting_drafts,
        context=settings.upstream_context,
        patience=Patience(
            settings.upstream_silence_seconds, settings.upstream_first_token_seconds, settings.upstream_full_seconds
        ),
        on_step_end=on_step_end,
    )
    return engine, models[0]


def _key(settings: GeneratorSettings) -> str:
    if settings.upstream_key_file is None:
        return ""
    try:
        return settings.upstream_key_file.read_text().strip()
    except OSError as error:
        raise BadUpstream(f"ANTIPHON_UPSTREAM_KEY_FILE cannot be read: {error}") from error
