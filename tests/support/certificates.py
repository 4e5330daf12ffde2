"""A small authority for tests: certificates for servers and clients, and tokens signed by a key of a JWKS."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ISSUER, AUDIENCE = "https://login.example.org/", "antiphon"


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Authority:
    """Signs certificates; ``pem`` is its own."""

    def __init__(self, name: str = "Test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._builder(self._name, self._key).add_extension(x509.BasicConstraints(True, None), critical=True)
        self.pem = made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        at = datetime.now(UTC)
        return (
            x509.CertificateBuilder(issuer_name=self._name, subject_name=subject, public_key=key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at - timedelta(minutes=5))
            .not_valid_after(at + timedelta(days=1))
        )

    def issue(self, name: str) -> tuple[bytes, bytes]:
        """A certificate for this host or client name and its private key, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key)
        signed = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        return signed.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), _pem(key)


class TokenIssuer:
    """Signs tokens; ``write`` puts the public key where a gateway reads it."""

    def __init__(self, key_id: str = "k1") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.key_id = key_id

    def public(self) -> dict[str, Any]:
        made = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {**made, "kid": self.key_id, "use": "sig", "alg": "ES256"}

    def public_pem(self) -> bytes:
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def write(self, file: Path) -> Path:
        file.write_text(json.dumps({"keys": [self.public()]}))
        return file

    def token(self, tenant: str, role: Any = "operator", *, lifetime: float = 60, **claims: Any) -> str:
        """A token of this tenant that expires ``lifetime`` seconds from now; ``claims`` replace what it says."""
        said = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "tenant": tenant, "role": role,
            "exp": time.time() + lifetime, **claims,
        }  # fmt: skip
        return jwt.encode(said, _pem(self._key), algorithm="ES256", headers={"kid": self.key_id})
