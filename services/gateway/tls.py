"""The gateway's side of TLS: its certificate, the authority of its callers, both read again when they change."""

from __future__ import annotations

from pathlib import Path

import grpc
import structlog

from services.gateway.settings import GatewaySettings

log = structlog.get_logger(__name__)
Stamps = tuple[tuple[int, int], ...]


class Certificates:
    """The files that the settings name. With a client authority only callers with a certificate of it connect."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._key = Path(settings.tls_key)
        self._certificate = Path(settings.tls_certificate)
        self._clients = Path(settings.tls_client_ca) if settings.tls_client_ca else None
        self._stamps: Stamps = ()

    def credentials(self) -> grpc.ServerCredentials:
        """For a server; every new connection meets the files as they are then (certificates are renewed in place)."""
        first = self._load()
        return grpc.dynamic_ssl_server_credentials(
            first,
            self._changed,  # type: ignore[arg-type]  # None is "go on", as grpc's own documentation has it
            require_client_authentication=self._clients is not None,
        )

    def _files(self) -> list[Path]:
        return [self._key, self._certificate, *([self._clients] if self._clients else [])]

    def _stamp(self) -> Stamps:
        return tuple((status.st_mtime_ns, status.st_size) for status in (file.stat() for file in self._files()))

    def _load(self) -> grpc.ServerCertificateConfiguration:
        self._stamps = self._stamp()
        roots = self._clients.read_bytes() if self._clients else None
        return grpc.ssl_server_certificate_configuration(
            [(self._key.read_bytes(), self._certificate.read_bytes())], root_certificates=roots
        )

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """The new configuration, or None to go on with the one before; also where the files are being replaced."""
        try:
            if self._stamp() == self._stamps:
                return None
            changed = self._load()
        except OSError as error:
            log.error("certificate_unreadable", error=repr(error))
            return None
        log.info("certificate_changed", file=str(self._certificate))
        return changed
