"""Calls to a Kubernetes API server: JSON in, JSON out, each with a deadline, each error in words of ``errors``."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, list_kube_config_contexts, load_incluster_config, load_kube_config

from mooring import __version__
from mooring.cluster.deadline import Call
from mooring.cluster.status import of_status
from mooring.cluster.transport import POOLS, sends
from mooring.errors import ClusterError, NoCredentials, Unavailable

CONNECT_SECONDS = 3.0
CALL_SECONDS = 5.0
STREAM_SECONDS = 60.0
"""How long a watch stays open; it is begun anew where it ended, so that a lost connection is noticed in this time."""
STREAM_GRACE_SECONDS = 15.0
FIELD_MANAGER = "mooring"
ABSENT = "1"
"""No stored object has this resourceVersion, so an apply that names it creates or gives 409, and never updates."""
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
DEFAULT_NAMESPACE = "default"

MOST_BYTES = 256 * 1024 * 1024
"""Of one answer; a list of a namespace is the longest."""
MOST_LINE_BYTES = 16 * 1024 * 1024
"""Of one event of a watch; etcd takes objects of 1.5 MiB."""
PIECE_BYTES = 64 * 1024
NONSENSE = (urllib3.exceptions.HTTPError, OSError, ValueError, RecursionError)
"""What reading an answer may raise."""

Json = Mapping[str, Any]
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One call; ``kind`` is the content type of the body."""

    method: str
    path: str
    query: Query = ()
    body: Json | None = None
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def login(cluster: str, kubeconfig: Path | None, context: str | None) -> Callable[[], ApiClient]:
    """How to log in: ``in-cluster``, ``kubeconfig`` (without a file, where kubectl looks), or ``auto``."""
    if _in_cluster(cluster):
        return lambda: _client(_load_in_cluster)
    return lambda: _client(lambda into: _load_kubeconfig(into, str(kubeconfig) if kubeconfig else None, context))


def home(cluster: str, kubeconfig: Path | None, context: str | None) -> str:
    """The namespace that Mooring is at home in: its pod's, else the one of the context, else "default"."""
    if _in_cluster(cluster):
        with contextlib.suppress(OSError):
            return SERVICE_ACCOUNT.with_name("namespace").read_text().strip()
        return DEFAULT_NAMESPACE
    try:
        found, current = list_kube_config_contexts(str(kubeconfig) if kubeconfig else None)  # type: ignore[no-untyped-call]  # ships without
        one = next((entry for entry in found if entry["name"] == context), current)
        return str(one["context"].get("namespace") or DEFAULT_NAMESPACE)
    except (yaml.YAMLError, ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError):
        # What is wrong with it is told by the login.
        return DEFAULT_NAMESPACE


def _in_cluster(cluster: str) -> bool:
    return cluster == "in-cluster" or (cluster == "auto" and SERVICE_ACCOUNT.exists())


def _load_in_cluster(into: Configuration) -> None:
    load_incluster_config(client_configuration=into)  # type: ignore[no-untyped-call]  # ships without


def _load_kubeconfig(into: Configuration, file: str | None, context: str | None) -> None:
    load_kube_config(file, context, into, persist_config=False)  # type: ignore[no-untyped-call]  # ships without


def _client(load: Callable[[Configuration], None]) -> ApiClient:
    """Raises NoCredentials: they are not there, or cannot be read."""
    configuration = Configuration()
    try:
        load(configuration)
    except yaml.YAMLError:
        raise NoCredentials("no usable credentials for a cluster: the kubeconfig is no YAML") from None
    except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        # The library names an entry by all that it holds, and that may be a token.
        words = str(error).partition("{")[0]
        raise NoCredentials(f"no usable credentials for a cluster: {words or type(error).__name__}") from None
    # The caller decides what is tried again, and when: urllib3's own retries would hide an outage.
    configuration.retries = False
    client = ApiClient(configuration)
    client.rest_client.pool_manager.pool_classes_by_scheme = dict(POOLS)
    client.user_agent = f"mooring/{__version__}"
    return client


class Api:
    """One API server. ``login`` makes a client; it is called again when the server no longer knows our token."""

    def __init__(self, login: Callable[[], ApiClient]) -> None:
        self._login = login
        self._lock = threading.Lock()
        self._client = login()

    def get(self, path: str, query: Query = ()) -> Json:
        """Raises Missing, Unavailable, Rejected."""
        return self._call(Request("GET", path, query))

    def merge(self, path: str, body: Json, query: Query = ()) -> Json:
        """A merge patch (RFC 7386). Raises Conflict, Missing, Unavailable, Rejected."""
        return self._call(Request("PATCH", path, _managed(query), body, "application/merge-patch+json"))

    def apply(self, path: str, body: Json, query: Query = ()) -> Json:
        """A server-side apply. Raises Conflict, Unavailable, Rejected."""
        return self._call(Request("PATCH", path, _managed(query), body, "application/apply-patch+yaml"))

    def post(self, path: str, body: Json) -> Json:
        """Creates. Raises Conflict, Unavailable, Rejected."""
        return self._call(Request("POST", path, (), body, "application/json"))

    def delete(self, path: str, version: str) -> Json:
        """Deletes that version. Raises Conflict, Missing, Unavailable, Rejected."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"resourceVersion": version}}
        return self._call(Request("DELETE", path, (), body, "application/json"))

    def watch(self, path: str, version: str, call: Call, query: Query = ()) -> Iterator[Json]:
        """The events after that version, until the server ends the stream. Raises Expired, Unavailable, Rejected.

        ``call`` is the caller's, who may end it.
        """
        query = (
            *query,
            ("watch", "true"),
            ("resourceVersion", version),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", str(int(STREAM_SECONDS))),
        )
        response = self._send(Request("GET", path, query), call)
        call.lasts(STREAM_SECONDS + STREAM_GRACE_SECONDS)
        try:
            for line in _lines(response, call):
                yield _event(line)
        except NONSENSE as error:
            raise Unavailable(f"the watch of {path} broke: {_cause(error)}") from error
        finally:
            response.close()

    def _call(self, request: Request) -> Json:
        with Call(CALL_SECONDS) as call:
            response = self._send(request, call)
            try:
                answer = json.loads(_whole(response, call))
            except NONSENSE as error:
                raise Unavailable(f"the API server broke off its answer to {request}: {_cause(error)}") from error
            finally:
                response.close()
        if not isinstance(answer, dict):
            raise Unavailable(f"the API server answered {request} with no object")
        return answer

    def _send(self, request: Request, call: Call) -> urllib3.BaseHTTPResponse:
        """Sends, and once more with a token read anew where ours was not accepted."""
        client = self._client
        response = _sent(client, request, call)
        if response.status == HTTPStatus.UNAUTHORIZED:
            response.close()
            response = _sent(self._relogin(client), request, call)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise _error(request, response, call)
        return response

    def _relogin(self, old: ApiClient) -> ApiClient:
        with self._lock:
            if self._client is old:
                try:
                    self._client = self._login()
                except NoCredentials as error:
                    raise Unavailable(str(error)) from error
            return self._client


def _managed(query: Query) -> Query:
    return (*query, ("fieldManager", FIELD_MANAGER))


def _sent(client: ApiClient, request: Request, call: Call) -> urllib3.BaseHTTPResponse:
    sends(call)
    try:
        method, url, headers = _serialized(client, request)
        return client.rest_client.pool_manager.request(
            method,
            url,
            body=None if request.body is None else json.dumps(request.body),
            headers=headers,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=STREAM_SECONDS + STREAM_GRACE_SECONDS),
            preload_content=False,
            retries=False,
        )
    except ConfigException as error:
        raise Unavailable(f"no usable credentials for a cluster: {error}") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        late = " within its deadline" if call.ended else f": {_cause(error)}"
        raise Unavailable(f"the API server does not answer{late}") from error
    except ValueError:
        # What is wrong with a header is told with all of it.
        raise Unavailable("the token has characters that no token has") from None


def _serialized(client: ApiClient, request: Request) -> tuple[str, str, Mapping[str, str]]:
    headers = {"Accept": "application/json"} | ({"Content-Type": request.kind} if request.kind else {})
    method, url, headers, _body, _post = client.param_serialize(
        request.method, request.path, None, list(request.query), headers, None, auth_settings=["BearerToken"]
    )
    # A file that holds a token often ends with a line end, which kubectl leaves out, too.
    return method, url, {name: value.strip() for name, value in headers.items()}


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:256]


def _pieces(response: urllib3.BaseHTTPResponse, call: Call) -> Iterator[bytes]:
    while piece := response.read1(PIECE_BYTES):
        yield piece
    if call.ended:
        raise TimeoutError("no whole answer in time")


def _whole(response: urllib3.BaseHTTPResponse, call: Call) -> bytes:
    held = bytearray()
    for piece in _pieces(response, call):
        held += piece
        if len(held) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes")
    return bytes(held)


def _lines(response: urllib3.BaseHTTPResponse, call: Call) -> Iterator[bytes]:
    held = bytearray()
    for piece in _pieces(response, call):
        *lines, rest = piece.split(b"\n")
        for line in lines:
            if whole := bytes(held + line).strip():
                yield whole
            held.clear()
        held += rest
        if len(held) > MOST_LINE_BYTES:
            raise ValueError(f"more than {MOST_LINE_BYTES} bytes in one event")


def _event(line: bytes) -> Json:
    """An event of a watch (API concepts, "Efficient detection of changes"), of the shape that everybody relies on."""
    event = json.loads(line)
    try:
        found = event["object"]
        if event["type"] == "ERROR":
            raise of_status({"code": found.get("code"), "message": found.get("message")})
        version, named = found["metadata"]["resourceVersion"], event["type"] == "BOOKMARK" or found["metadata"]["name"]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("an event without an object") from error
    if not (isinstance(event, dict) and version and named):
        raise ValueError("an event without an object")
    return event


def _error(request: Request, response: urllib3.BaseHTTPResponse, call: Call) -> ClusterError:
    try:
        body = json.loads(_whole(response, call) or b"{}")
    except NONSENSE:
        body = {}
    finally:
        response.close()
    status = body if isinstance(body, dict) else {}
    return of_status({**status, "code": response.status}, f"{request}: ", response.headers.get("Retry-After"))
