"""The HTTP service's settings: where it listens, which gateways it calls, and what it takes."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.common.settings import CommonSettings


class WebSettings(CommonSettings):
    """What the HTTP service needs beside the common settings; of those it uses neither database nor broker."""

    web_host: str = Field("127.0.0.1", description="Address the HTTP service listens on; 0.0.0.0 for all.")
    web_port: int = Field(8080, ge=0, le=65535, description="Port of the HTTP service; 0 takes a free one.")
    web_gateways: str = Field(
        "127.0.0.1:50051", min_length=1, description="Gateways that the HTTP service calls, HOST:PORT[,HOST:PORT…]."
    )
    web_gateway_tls: bool = Field(False, description="Speak TLS to the gateways, trusting the system's authorities.")
    web_gateway_ca: Path | None = Field(None, description="Authority (PEM) to trust at the gateways; turns TLS on.")
    web_certificate: Path | None = Field(None, description="Own certificate chain (PEM), for mutual TLS to gateways.")
    web_certificate_key: Path | None = Field(None, description="Private key (PEM) of that certificate.")
    web_origins: str = Field(
        "",
        description="Origins whose pages may call from a browser (CORS), with commas between; * for any; empty: none.",
    )
    web_max_body_bytes: int = Field(4 * 2**20, ge=2**10, description="Largest body, or message of a stream, taken.")
    web_body_seconds: float = Field(30.0, gt=0, description="How long a client may take to send a body.")
    web_call_seconds: float = Field(30.0, gt=0, description="How long a single answer of a gateway may take.")
    web_patience_seconds: float = Field(
        10.0, ge=0, description="How long gateways that do not answer are tried before the caller is told."
    )
    web_ping_seconds: float = Field(15.0, gt=0, description="A silent event stream gets a comment this often.")
    web_connections: int = Field(2_000, ge=1, description="Connections held at a time; more are told to come back.")

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        if (self.web_certificate is None) != (self.web_certificate_key is None):
            raise ValueError("ANTIPHON_WEB_CERTIFICATE and ANTIPHON_WEB_CERTIFICATE_KEY are set together")

    @property
    def origins(self) -> list[str]:
        """The origins one by one."""
        return [origin.strip() for origin in self.web_origins.split(",") if origin.strip()]
