"""What is in a release: the locked packages as a bill of materials, CycloneDX 1.5 in JSON."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any

from release import project

LOCK = project.ROOT / "requirements/run.txt"
_PINNED = re.compile(r"^([\w.-]+)==(\S+)((?:.*\\\n)+.*)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NAME = re.compile(r"^[\w.-]+")
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "mooring/sbom")


@dataclass(frozen=True, slots=True)
class Package:
    """One of the lock; ``hashes`` are SHA-256 of each file that may be installed for it."""

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def locked(text: str) -> list[Package]:
    """The packages of a file of requirements that pins each with its hashes."""
    return [Package(normal(name), version, tuple(_HASH.findall(rest))) for name, version, rest in _PINNED.findall(text)]


def normal(name: str) -> str:
    """As the package index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(name: str) -> str | None:
    """What the package says of itself, where it is installed."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return None
    text = next((told[key] for key in ("License-Expression", "License") if key in told), "")
    return text if text and "\n" not in text else None


def _needs(name: str, known: Mapping[str, Package]) -> list[str]:
    """The purls of what it asks for by name, extras included, as far as the lock has it."""
    try:
        asked = requires(name) or []
    except PackageNotFoundError:
        return []
    names = {normal(found[0]) for one in asked if (found := _NAME.match(one))}
    return sorted(known[one].purl for one in names & known.keys())


def _component(package: Package) -> dict[str, Any]:
    said = licence(package.name)
    more = {"licenses": [{"license": {"name": said}}]} if said else {}
    hashes = [{"name": "lock:sha256", "value": value} for value in package.hashes]
    named = {"type": "library", "bom-ref": package.purl, "name": package.name, "version": package.version}
    return named | {"purl": package.purl} | more | {"properties": hashes}


def document(packages: list[Package], version: str, moment: int) -> dict[str, Any]:
    """The bill as JSON's values; the same for the same lock, version and moment (seconds since 1970)."""
    known = {package.name: package for package in packages}
    own = f"pkg:pypi/mooring@{version}"
    refs = {own: "mooring"} | {package.purl: package.name for package in packages}
    mooring = {"type": "application", "bom-ref": own, "name": "mooring", "version": version, "purl": own}
    about = {"timestamp": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "component": mooring}
    content = " ".join(sorted(refs))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SPACE, f'{moment} {content}')}",
        "version": 1,
        "metadata": about,
        "components": [_component(package) for package in packages],
        "dependencies": [{"ref": ref, "dependsOn": _needs(name, known)} for ref, name in refs.items()],
    }


def bill(dist: Path) -> Iterator[Path]:
    """Writes it into this folder."""
    file = dist / f"mooring-{project.version()}.cdx.json"
    made = document(locked(LOCK.read_text()), project.version(), project.moment())
    file.write_text(json.dumps(made, indent=1) + "\n")
    yield file
