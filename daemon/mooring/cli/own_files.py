"""The files that Mooring itself logs in to a cluster with: no configuration may have them sent to a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mooring.cli.credentials import kubeconfigs

_MOST_BYTES = 1024 * 1024
_SECRETS = ("tokenFile", "client-key", "client-certificate")


def own_files(kubeconfig: Path | None, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Each kubeconfig that may be used, by kubectl's own rules, and the tokens and keys that it names."""
    paths = kubeconfigs(kubeconfig, environment)
    return tuple(dict.fromkeys(str(file) for path in paths for file in (path, *_named_by(path))))


def _named_by(kubeconfig: Path) -> Iterator[Path]:
    for user in _users(kubeconfig):
        for key in _SECRETS:
            if isinstance(name := user.get(key), str):
                yield kubeconfig.parent / name


def _users(kubeconfig: Path) -> Iterator[Mapping[str, Any]]:
    """The users of the kubeconfig; the login reports what is wrong with the file."""
    try:
        with kubeconfig.open("rb") as file:
            found = yaml.safe_load(file.read(_MOST_BYTES))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return
    entries = found.get("users") if isinstance(found, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(user := entry.get("user"), dict):
            yield user
