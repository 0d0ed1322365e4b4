"""Who may speak to the API server: its certificate, the key that signs tokens, kubeconfigs."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from lab import certificates

SERVICE_IP = "10.96.0.1"  # the first of the Services' range: the API server as pods know it


class Credentials:
    """The files of one API server, made new in ``directory``."""

    def __init__(self, directory: Path, address: str) -> None:
        directory.mkdir()
        self.server = certificates.issue(directory, address, SERVICE_IP, "kubernetes.default.svc")
        self.signing_key = directory / "tokens.key"
        self.signing_public_key = directory / "tokens.pub"
        self.known_tokens = directory / "tokens.csv"
        self.admin_token = secrets.token_urlsafe(24)
        self._write_signing_key()
        self.known_tokens.write_text(f'{self.admin_token},admin,admin,"system:masters"\n')

    def _write_signing_key(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.signing_key.write_bytes(private)
        self.signing_public_key.write_bytes(public)

    def kubeconfig(self, path: Path, server: str, user: dict[str, Any], *, namespace: str = "default") -> Path:
        """Writes a kubeconfig of one context; ``user`` is its users[].user, such as {"token": "..."}."""
        cluster = {"server": server, "certificate-authority": str(self.server.authority)}
        context = {"cluster": "tests", "user": "user", "namespace": namespace}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "tests",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "contexts": [{"name": "tests", "context": context}],
            "users": [{"name": "user", "user": user}],
        }
        path.write_text(yaml.safe_dump(document))
        path.chmod(0o600)
        return path
