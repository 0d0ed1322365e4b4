"""What this machine's pip knows of its index, for a pip inside an image that is built."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

_HANDED_ON = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout", "retries")
_AUTHORITIES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_SYSTEM = "/etc/ssl/certs/ca-certificates.crt"
_INSIDE = "/run/secrets/ca.crt"


def _configured() -> str:
    """What ``pip config list`` says; nothing where there is no pip."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    return subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60).stdout


def settings(listed: str) -> dict[str, str]:
    """What of ``pip config list`` holds on another machine too; the environment, which it lists first, wins."""
    lines = sorted(listed.splitlines(), key=lambda line: line.startswith(":env:"))
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    found = {key.rpartition(".")[2]: value.strip("'\"") for key, value in pairs}
    return {name: value for name, value in found.items() if name in _HANDED_ON}


def authorities(env: Mapping[str, str]) -> Path | None:
    """The file of authorities that this machine trusts."""
    named = [env[name] for name in _AUTHORITIES if env.get(name)]
    return next((path for path in map(Path, [*named, _SYSTEM]) if path.is_file()), None)


def index() -> dict[str, str]:
    """Variables by which uv finds what pip finds: it reads none of pip's settings. What the environment has stays."""
    trusted = authorities(os.environ)
    found = {"UV_DEFAULT_INDEX": settings(_configured()).get("index-url"), "SSL_CERT_FILE": trusted and str(trusted)}
    return {name: value for name, value in found.items() if value and name not in os.environ}


@contextlib.contextmanager
def files() -> Iterator[dict[str, Path]]:
    """What is to be in ``/run/secrets`` where pip runs, by its name there, for as long as it is needed."""
    with tempfile.TemporaryDirectory() as place:
        file, trusted = Path(place) / "pip.conf", authorities(os.environ)
        values = settings(_configured()) | ({"cert": _INSIDE} if trusted else {})
        file.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in values.items()))
        yield {"pip.conf": file} | ({"ca.crt": trusted} if trusted else {})


@contextlib.contextmanager
def secrets() -> Iterator[list[str]]:
    """Options of a build, for as long as it lasts."""
    with files() as found:
        yield [word for name, path in found.items() for word in ("--secret", f"id={name},src={path}")]
