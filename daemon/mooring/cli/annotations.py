"""Commands that overrule Mooring by an annotation of a Service: who gives them needs the right to patch it."""

from __future__ import annotations

import contextlib
import getpass
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from mooring.cli.settings import load_settings
from mooring.cluster.client import Api, client_factory, own_namespace
from mooring.cluster.reading import Json
from mooring.cluster.status import Missing
from mooring.model.addresses import canonical, parse
from mooring.model.errors import ConfigError, Conflict, Rejected
from mooring.model.overrides import Drained, Pause
from mooring.model.spec import ServiceKey
from mooring.plan.annotation import head
from mooring.plan.drain import ANNOTATION, parse_drain, write_drain
from mooring.plan.overrides import PAUSED, write_pause

REFUSED = 1
TRIES = 3
"""To store a change of an annotation, where somebody else changes the Service meanwhile."""


def service_key(text: str, namespace: str) -> ServiceKey:
    """``NAMESPACE/NAME``, or ``NAME`` in the namespace of the context."""
    first, slash, second = text.partition("/")
    return ServiceKey(first, second) if slash else ServiceKey(namespace, first)


def connect(service: str, given: Mapping[str, object]) -> tuple[Api, ServiceKey]:
    """The API server by the options of a command, and the Service that is meant.

    Raises:
        ConfigError: wrong options. NoCredentials: none that can be used.
    """
    settings = load_settings(given)
    if settings.cluster == "local":
        raise ConfigError("--cluster local has no Services to annotate; set maintenance: true in the file")
    where = (settings.cluster, settings.kubeconfig, settings.context)
    return Api(client_factory(*where)), service_key(service, own_namespace(*where))


def pause(api: Api, key: ServiceKey, *, until: float | None, reason: str = "") -> int:
    """Leaves the Service's objects as they are until then (Unix seconds), or until ``resume``.

    Returns the exit code. Raises ClusterError: nothing answers, or the right to patch is missing.
    """
    return _annotate(api, key, write_pause(Pause(until, getpass.getuser(), reason)), "paused")


def resume(api: Api, key: ServiceKey) -> int:
    """Keeps the Service's objects again. Returns and raises as ``pause``."""
    return _annotate(api, key, None, "kept again")


def drain(api: Api, key: ServiceKey, hosts: Sequence[Drained], *, force: bool) -> int:
    """Takes these hosts out of the Service; an entry of the same host that is there already is replaced.

    Refuses where no ready host may be left, unless ``force``. Returns and raises as ``pause``.
    """

    def add(before: Sequence[Drained]) -> list[Drained]:
        if not force and _may_empty(api, key, hosts, before):
            raise Rejected("no ready host would be left; --force drains them all the same")
        names = {one.host for one in hosts}
        return [*(one for one in before if one.host not in names), *hosts]

    with _reporting(key) as result:
        _change_drain(api, key, add)
        result.done(f"drained {', '.join(one.host for one in hosts)}")
    return result.code


def undrain(api: Api, key: ServiceKey, hosts: Sequence[str]) -> int:
    """Lets these hosts back in. Returns and raises as ``pause``; a host that is not drained is refused."""
    names = [head(host) for host in hosts]

    def take_out(before: Sequence[Drained]) -> list[Drained]:
        if missing := sorted(set(names) - {one.host for one in before}):
            raise Rejected(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not drained")
        return [one for one in before if one.host not in names]

    with _reporting(key) as result:
        _change_drain(api, key, take_out)
        result.done(f"no longer drained: {', '.join(names)}")
    return result.code


def _service_path(key: ServiceKey) -> str:
    return f"/api/v1/namespaces/{key.namespace}/services/{key.name}"


def _drained(service: Json) -> tuple[Drained, ...]:
    """What the annotation of the Service says, but for what has ended."""
    annotations = service.get("metadata", {}).get("annotations") or {}
    found = parse_drain(str(annotations.get(ANNOTATION) or ""))
    return tuple(one for one in found if one.until is None or one.until > time.time())


def _may_empty(api: Api, key: ServiceKey, hosts: Sequence[Drained], before: Sequence[Drained]) -> bool:
    """Whether the Service may lose its last ready address; False where none is ready, or it has no Endpoints.

    A name may stand for any ready address. Hosts that were drained ``before`` by name have left already.
    """
    try:
        found = api.get(f"/api/v1/namespaces/{key.namespace}/endpoints/{key.name}")
    except Missing:
        return False
    ready = {canonical(one["ip"]) for subset in found.get("subsets") or () for one in subset.get("addresses") or ()}
    names = {one.host for one in hosts if parse(one.host) is None}
    left = ready - {one.host for one in (*hosts, *before)}
    return bool(ready) and len(left) <= len(names)


def _change_drain(api: Api, key: ServiceKey, change: Callable[[Sequence[Drained]], Sequence[Drained]]) -> None:
    """Stores what ``change`` makes of the annotation; where somebody else changes the Service meanwhile, once more."""
    for number in range(TRIES):
        service = api.get(_service_path(key))
        text = write_drain(change(_drained(service))) or None
        version = service["metadata"]["resourceVersion"]
        try:
            api.merge(_service_path(key), {"metadata": {"resourceVersion": version, "annotations": {ANNOTATION: text}}})
        except Conflict:
            if number == TRIES - 1:
                raise
        else:
            return


class _Result:
    """What a command has done; it is printed, and its exit code is 0."""

    def __init__(self, key: ServiceKey) -> None:
        self.key = key
        self.code = REFUSED

    def done(self, what: str) -> None:
        sys.stdout.write(f"{self.key}: {what}\n")
        self.code = 0


@contextlib.contextmanager
def _reporting(key: ServiceKey) -> Iterator[_Result]:
    """Prints why the cluster, or Mooring, refuses."""
    result = _Result(key)
    try:
        yield result
    except Missing:
        sys.stderr.write(f"{key}: there is no such Service\n")
    except (Conflict, Rejected) as error:
        sys.stderr.write(f"{key}: {error}\n")


def _annotate(api: Api, key: ServiceKey, text: str | None, done: str) -> int:
    with _reporting(key) as result:
        api.merge(_service_path(key), {"metadata": {"annotations": {PAUSED: text}}})
        result.done(done)
    return result.code
