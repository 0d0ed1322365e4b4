"""Checks the credentials for a cluster before the client library does, whose messages say less."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mooring.cli.settings import Settings
from mooring.config.source import is_there
from mooring.model.errors import NoCredentials

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
MOST_BYTES = 1024 * 1024
WHAT_TO_DO = "Give --kubeconfig FILE (MOORING_KUBECONFIG), or --cluster local for a folder instead of a cluster."


def check_credentials(settings: Settings, environment: Mapping[str, str]) -> None:
    """Raises NoCredentials: there are plainly none. The login finds what is harder to see."""
    if settings.cluster == "in-cluster":
        if not SERVICE_ACCOUNT.exists():
            raise _missing(f"{SERVICE_ACCOUNT} is not there, so this is no pod. Outside of one, {_small(WHAT_TO_DO)}")
    elif settings.cluster == "kubeconfig" or not SERVICE_ACCOUNT.exists():
        _check_kubeconfig(settings, environment)


def kubeconfigs(kubeconfig: Path | None, environment: Mapping[str, str]) -> list[Path]:
    """The files that are read, by kubectl's own rules."""
    if kubeconfig:
        return [kubeconfig]
    listed = environment.get("KUBECONFIG") or "~/.kube/config"
    return [Path(text).expanduser() for text in listed.split(os.pathsep) if text]


def _check_kubeconfig(settings: Settings, environment: Mapping[str, str]) -> None:
    paths = kubeconfigs(settings.kubeconfig, environment)
    there = [path for path in paths if is_there(path)]
    shown = ", ".join(map(str, paths))
    if not there:
        raise _missing(f"{shown} is not there. {WHAT_TO_DO}")
    found = [_read(path) for path in there]
    contexts = [str(entry["name"]) for one in found for entry in _entries(one, "contexts") if "name" in entry]
    context = settings.context or next((str(one["current-context"]) for one in found if one.get("current-context")), "")
    if context not in contexts:
        names = ", ".join(contexts) or "none"
        said = f"has no context {context!r}" if context else "names no current context"
        raise _missing(f"{shown} {said}. Give --context NAME (MOORING_CONTEXT); there are: {names}")


def _read(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            found = yaml.safe_load(file.read(MOST_BYTES))
    except OSError as error:
        raise _missing(f"{path} cannot be read: {error.strerror}. {WHAT_TO_DO}") from None
    except (ValueError, yaml.YAMLError, RecursionError):
        raise _missing(f"{path} is no YAML. {WHAT_TO_DO}") from None
    if not isinstance(found, dict):
        raise _missing(f"{path} is no kubeconfig. {WHAT_TO_DO}")
    return found


def _entries(kubeconfig: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = kubeconfig.get(name)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _missing(why: str) -> NoCredentials:
    return NoCredentials(f"no usable credentials for a cluster: {why}")


def _small(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
