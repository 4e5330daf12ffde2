"""Settings every service has, read from ``ANTIPHON_…`` variables and checked at start."""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict


def _host() -> str:
    return socket.gethostname().split(".")[0]


class RenamedVariables(PydanticBaseSettingsSource):
    """Reads variables by the names that they had in the release before, and says for each what it is called now."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """What an old variable says of the field; None where none is set."""
        settings: type[CommonSettings] = self.settings_cls  # type: ignore[assignment]
        for old, new in settings.renamed.items():
            value = os.environ.get(f"ANTIPHON_{old.upper()}") if new == field_name else None
            if value is not None:
                warnings.warn(
                    f"ANTIPHON_{old.upper()} is called ANTIPHON_{new.upper()} now; the old name goes soon",
                    FutureWarning,
                    stacklevel=2,
                )
                return value, field_name, False
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The fields that old variables set."""
        fields = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in fields.items() if value is not None}


class CommonSettings(BaseSettings):
    """What each service needs to find the database, the broker and its place to write."""

    # A folder of files named as the variables, such as a mounted secret; what the environment says goes first.
    model_config = SettingsConfigDict(
        env_prefix="ANTIPHON_", extra="ignore", secrets_dir=os.environ.get("ANTIPHON_SECRETS_DIR")
    )

    renamed: ClassVar[Mapping[str, str]] = {}
    """Settings that had another name in the release before: the old name and the new one."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where settings come from, the first that has one first."""
        return init_settings, env_settings, RenamedVariables(settings_cls), file_secret_settings

    mongo_url: str = Field(
        "mongodb://127.0.0.1:27017/?replicaSet=antiphon",
        description="MongoDB connection string; a replica set, also when it has one member.",
    )
    mongo_database: str = Field("antiphon", description="Database that holds every collection.")
    broker_url: str = Field(
        "redis://127.0.0.1:6379/0",
        description="Broker: amqp://… for RabbitMQ (production) or redis://… (embedded).",
    )
    broker_declares: bool = Field(
        True,
        description="Declare queues and exchanges; off where RabbitMQ has them from `deploy.broker` and users may not.",
    )
    cache_dir: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "antiphon",
        description="Folder for converted models and other things that can be made again.",
    )
    # What the generator serves and what versions are trained on must be the same.
    model: str = Field(
        "SmolLM2-135M-Instruct",
        description="Base model: the bundled SmolLM2-135M-Instruct, a folder, or a Hugging Face id.",
    )
    system_text: str = Field(
        "You are a helpful customer service assistant. Answer briefly and only with what you know.",
        min_length=1,
        description="Text that opens every prompt, unless the session brings its own.",
    )
    worker_name: str = Field(default_factory=_host, description="Name of this process in logs, leases and ListServing.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level logged.")
    log_format: Literal["console", "json"] = Field("json", description="One JSON object a line, or colours.")
    metrics_port: int = Field(0, ge=0, le=65535, description="Port of the Prometheus page; 0 turns it off.")
    liveness_file: Path | None = Field(
        None, description="File touched every two seconds while the service is alive, for a liveness probe."
    )
    otlp_endpoint: str = Field("", description="OTLP gRPC endpoint for traces; empty turns tracing off.")
    otlp_texts: bool = Field(
        False, description="Put messages, replies and questions into the attributes of spans, masked and cut."
    )
    drain_seconds: float = Field(30.0, gt=0, description="Seconds that running work gets to finish after SIGTERM.")

    # The lease of a turn: renew well before it ends, or a busy worker loses its own turn.
    lease_seconds: float = Field(10.0, gt=0, description="A worker's hold on a turn without renewal.")
    renew_seconds: float = Field(2.0, gt=0, description="How often a decoding turn renews its lease.")
    silent_seconds: float = Field(
        4.0, gt=0, description="A redelivered turn may be taken over once its holder was silent this long."
    )
    max_attempts: int = Field(5, ge=1, description="Attempts a round gets before its turn has failed.")
    turn_deadline_seconds: float = Field(600.0, gt=0, description="A turn that is still open then has failed.")
    max_rounds: int = Field(5, ge=1, description="Drafts a turn may have, the first one counted.")

    def model_post_init(self, _context: object) -> None:
        if self.renew_seconds * 2 > self.lease_seconds:
            raise ValueError("ANTIPHON_LEASE_SECONDS must be at least twice ANTIPHON_RENEW_SECONDS")
        if not self.renew_seconds < self.silent_seconds <= self.lease_seconds:
            raise ValueError(
                "ANTIPHON_SILENT_SECONDS must lie between ANTIPHON_RENEW_SECONDS and ANTIPHON_LEASE_SECONDS"
            )
