"""The gateway's settings: where it listens, what it takes, and how often it looks around."""

from __future__ import annotations

from pydantic import Field

from services.common.settings import CommonSettings

LOOPBACK = ("http://127.0.0.1:", "http://[::1]:", "http://localhost:")  # a sidecar that ends TLS


class GatewaySettings(CommonSettings):
    """What a gateway needs beside the common settings."""

    gateway_host: str = Field("127.0.0.1", description="Address the gateway listens on; 0.0.0.0 for all.")
    gateway_port: int = Field(50051, ge=0, le=65535, description="Port of the gateway; 0 takes a free one.")
    gateway_threads: int = Field(
        16, ge=1, le=256, description="Turns that are accepted at a time; as many other calls are made beside them."
    )
    gateway_reflection: bool = Field(True, description="Serve gRPC reflection, for grpcurl and the like.")
    tls_certificate: str = Field("", description="Path of the certificate chain (PEM); empty: no TLS here.")
    tls_key: str = Field("", description="Path of the certificate's private key (PEM).")
    tls_client_ca: str = Field(
        "", description="Path of the authority (PEM) whose certificates callers must show (mutual TLS); empty: none."
    )
    jwt_jwks: str = Field(
        "", description="File or https URL of the JWKS that tokens are checked with; empty: keys only."
    )
    jwt_issuer: str = Field("", description="What a token's `iss` must be.")
    jwt_audience: str = Field("antiphon", description="What a token's `aud` must hold.")
    jwt_tenant_claim: str = Field(
        "tenant", description="Claim that names the tenant; a path such as `org.id` also does."
    )
    jwt_role_claim: str = Field("role", description="Claim with the role, or with a list of roles; the highest counts.")
    jwt_scope_claim: str = Field(
        "scope", description="Claim with what is granted beside the role: `sessions:all`, `access:NAME`, `access:*`."
    )
    jwt_groups_claim: str = Field(
        "groups",
        description="Claim with the labels of limited access that are granted, as a list; empty: none is read.",
    )
    calls_per_second: float = Field(
        1_000, ge=0, description="Calls a second that each gateway takes of a tenant, twice as many at once; 0: any."
    )
    max_metadata_bytes: int = Field(8_192, ge=1_024, le=2**16, description="Metadata a call may bring.")

    connection_age_seconds: float = Field(
        1_800, ge=1, description="After that a connection is asked to go, so that callers spread over new gateways."
    )
    connection_grace_seconds: float = Field(
        900, ge=1, description="How long the streams of such a connection may go on."
    )
    max_message_bytes: int = Field(4 * 2**20, ge=2**16, description="Largest gRPC message that is taken.")
    max_text: int = Field(32_000, ge=1, description="Code points a user's message or a reply may have.")
    max_history: int = Field(500, ge=0, description="Messages a session may be seeded with.")
    open_turns_per_tenant: int = Field(1_000, ge=1, description="Open turns of a tenant before it is told to wait.")
    open_turns: int = Field(10_000, ge=1, description="Open turns of all tenants before everybody is told to wait.")
    open_turns_least: int = Field(
        64, ge=1, description="Open turns of all tenants that are let in however long turns wait for a generator."
    )
    turn_wait_seconds: float = Field(
        2.0, gt=0, description="How long turns may wait for a generator before fewer of them are let in."
    )
    retry_after_seconds: float = Field(2.0, gt=0, description="What a caller at a limit is told to wait.")

    sweep_seconds: float = Field(1.0, gt=0, description="How often a gateway looks for turns left behind.")
    webhook_private_targets: bool = Field(
        False, description="Webhooks may be in private networks and speak plain HTTP; else they are public and https."
    )
    webhook_seconds: float = Field(15.0, gt=0, le=60, description="How long a webhook may take to answer.")
    webhook_retry_seconds: float = Field(
        5.0, gt=0, description="When an event is sent again that was not taken; then after twice as long each time."
    )
    webhook_hours: float = Field(72.0, gt=0, description="How long an event is tried for.")
    key_cache_seconds: float = Field(
        5.0, ge=0, le=10, description="How long an API key is trusted without being looked up again."
    )
    stream_backlog: int = Field(
        65_536, ge=1, description="Code points that wait for a slow client before it is caught up by a snapshot."
    )

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("ANTIPHON_TLS_CERTIFICATE and ANTIPHON_TLS_KEY are set together")
        if self.tls_client_ca and not self.tls_certificate:
            raise ValueError("ANTIPHON_TLS_CLIENT_CA needs ANTIPHON_TLS_CERTIFICATE")
        if self.jwt_jwks and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError("ANTIPHON_JWT_JWKS needs ANTIPHON_JWT_ISSUER and ANTIPHON_JWT_AUDIENCE")
        if self.jwt_jwks.startswith("http://") and not self.jwt_jwks.startswith(LOOPBACK):
            raise ValueError("ANTIPHON_JWT_JWKS is a file or an https URL: whoever can change it can make tokens")
