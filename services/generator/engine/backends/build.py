"""Makes the backend that the settings name; what a backend does not need is not imported."""

from __future__ import annotations

from collections.abc import Callable

from services.generator.engine.backend import Backend
from services.generator.engine.backends.echo import EchoBackend
from services.generator.settings import GeneratorSettings


def build_backend(settings: GeneratorSettings, progress: Callable[[str, float], None] | None = None) -> Backend:
    """The backend of `settings`, its model loaded (and converted first, if need be).

    `progress` hears what is being done and the share that is done, 0 to 1.

    Raises:
        services.models.language_model.ModelNotFound: the model can't be had.
    """
    if settings.engine in ("echo", "echo-signed"):
        signed = settings.engine == "echo-signed"
        return EchoBackend(settings.max_batch_size, settings.echo_tokens, settings.echo_step_ms, signed=signed)
    from services.generator.engine.backends.torch_backends import build_torch_backend

    return build_torch_backend(settings, progress)
