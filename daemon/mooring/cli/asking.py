"""Asks a running daemon over HTTP, for commands that only show what it says."""

from __future__ import annotations

import importlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from difflib import get_close_matches
from http.client import HTTPException
from typing import Any, Protocol, TypeVar

import click

from mooring.cli.codes import NO_CLUSTER
from mooring.cli.environment import misspelt
from mooring.observe import streams
from mooring.observe.summary import Document

URL = "http://127.0.0.1:8080"
THROUGH_API = "mooring.cli.through_api"
"""Imported where it is needed: the client of Kubernetes takes longer than the rest of such a command."""
FETCH_SECONDS = 5.0
MOST_NAMED = 10
WHAT_TO_DO = (
    "Name a running daemon by --url or MOORING_URL, or one in a cluster by --in-cluster NAMESPACE; or: "
    "kubectl -n mooring exec deploy/mooring -- mooring {command}"
)
NO_ANSWER = (OSError, ValueError, HTTPException)
"""What ``fetch`` raises where no Mooring answers."""
Function = TypeVar("Function", bound=Callable[..., int])


class Daemon(Protocol):
    """A running daemon, however it is reached; ``where`` names it for people."""

    where: str

    def get(self, path: str) -> Any:
        """The JSON at this path. Raises one of ``NO_ANSWER``; in a cluster ClusterError."""


class AtUrl:
    """A daemon that listens there."""

    def __init__(self, url: str) -> None:
        self.where = url

    def get(self, path: str) -> Any:
        return fetch(self.where.rstrip("/") + path)


class AtHand:
    """A daemon on this machine; where none listens and there is a kubeconfig, the one that leads in its cluster."""

    def __init__(self) -> None:
        self.where = URL

    def get(self, path: str) -> Any:
        try:
            return fetch(URL + path)
        except urllib.error.URLError:
            leader = importlib.import_module(THROUGH_API).by_settings()
            if leader is None:
                raise
            return leader.get(path)


def takes_daemon(function: Function) -> Function:
    """Adds the options ``--url`` and ``--in-cluster``."""
    sentence = f"where the daemon listens (default: {URL}; MOORING_URL)"
    function = click.option(
        "--in-cluster",
        metavar="NS[/NAME]",
        help="ask the leader by its Lease (default: mooring), through the API server",
    )(function)
    return click.option("--url", envvar="MOORING_URL", default=None, callback=_checked, help=sentence)(function)


def daemon_of(url: str | None, in_cluster: str | None) -> Daemon:
    """The daemon by these options. Raises ConfigError, NoCredentials."""
    if in_cluster is not None:
        found: Daemon = importlib.import_module(THROUGH_API).LeaderInCluster(in_cluster)
        return found
    return AtUrl(url) if url is not None else AtHand()


def _checked(_context: click.Context, _parameter: click.Parameter, url: str | None) -> str | None:
    if url is None:
        return None
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter(f"must begin with http:// or https://, is {url!r}", param_hint="--url (MOORING_URL)")
    for sentence in misspelt({name: "" for name in os.environ if name.startswith("MOORING_U")}, ("url",)):
        streams.complain(f"warning: {sentence}")
    return url


def fetch(url: str) -> Any:
    """The JSON there. Raises one of ``NO_ANSWER``."""
    with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as answer:  # noqa: S310 -- ``--url`` checks the scheme
        return json.load(answer)


class NoServiceError(Exception):
    """The daemon keeps no Service or host of that name; the message says which ones it keeps."""


def no_such(what: str, name: str, known: list[str]) -> NoServiceError:
    """``known``: what there is."""
    near = get_close_matches(name, [*known, *(one.rpartition("/")[2] for one in known)], 1)
    guess = f"; did you mean {near[0]}?" if near else f"; it keeps {', '.join(sorted(known)[:MOST_NAMED])}"
    return NoServiceError(f"this Mooring keeps no {what} {name}{guess if known else ''}")


def services(found: Document) -> dict[str, Document]:
    """By ``NAMESPACE/NAME``."""
    return {f"{one['namespace']}/{one['name']}": one for one in found["services"]}


def no_answer(url: str, command: str, error: Exception) -> int:
    """Says that no Mooring answers, and why; returns the exit code."""
    why = reason(error)
    streams.complain(f"no Mooring answers at {url} ({why}). {WHAT_TO_DO.format(command=command)}")
    return NO_CLUSTER


def reason(error: Exception) -> str:
    """What went wrong, without the words of Python's own library."""
    if isinstance(error, urllib.error.HTTPError):
        return f"it answers {error.code} {error.reason}"
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(inner, TimeoutError):
        return f"no answer within {FETCH_SECONDS:g} s"
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror[0].lower() + inner.strerror[1:]
    strange = isinstance(inner, ValueError | HTTPException | KeyError | TypeError)
    return "what answers is no Mooring" if strange else str(inner)
