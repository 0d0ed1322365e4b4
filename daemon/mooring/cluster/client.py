"""Calls to a Kubernetes API server: JSON in, JSON out, each with a deadline; every error is one of ``model.errors``."""

from __future__ import annotations

import contextlib
import json
import math
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, list_kube_config_contexts, load_incluster_config, load_kube_config

from mooring import __version__
from mooring.cluster.deadline import Deadline
from mooring.cluster.login import BoundedLogin
from mooring.cluster.reading import Json, event_of, lines, whole
from mooring.cluster.status import date_of, no_status, of_status
from mooring.cluster.transport import CONNECT_SECONDS, POOL_SIZE, POOLS, sends
from mooring.model.errors import ClusterError, NoCredentials, Unavailable

CALL_SECONDS = 5.0
STREAM_SECONDS = 60.0
"""How long a watch stays open before it is begun anew; so a lost connection is noticed within this time."""
STREAM_GRACE_SECONDS = 15.0
FIELD_MANAGER = "mooring"
ABSENT = "1"
"""No stored object has this resourceVersion, so an apply that names it creates or gives 409, and never updates."""
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
DEFAULT_NAMESPACE = "default"

NONSENSE = (urllib3.exceptions.HTTPError, OSError, ValueError, RecursionError)
"""What urllib3 and json raise where an answer cannot be read."""

Query = tuple[tuple[str, str], ...]
Login = Callable[[float], ApiClient]
"""Logs in, and waits at most so many seconds for that. Raises NoCredentials."""


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


def client_factory(cluster: str, kubeconfig: Path | None, context: str | None) -> Login:
    """What logs in: ``in-cluster``, by a ``kubeconfig`` (without a file: kubectl's own), or ``auto``."""
    if in_pod(cluster):
        return lambda _seconds: _client(_load_in_cluster)
    file = str(kubeconfig) if kubeconfig else None
    return BoundedLogin(lambda: _client(lambda into: _load_kubeconfig(into, file, context)))


def own_namespace(cluster: str, kubeconfig: Path | None, context: str | None) -> str:
    """The namespace that Mooring runs in: that of its pod, else that of the context, else "default"."""
    if in_pod(cluster):
        with contextlib.suppress(OSError):
            return SERVICE_ACCOUNT.with_name("namespace").read_text().strip()
        return DEFAULT_NAMESPACE
    try:
        found, current = list_kube_config_contexts(str(kubeconfig) if kubeconfig else None)  # type: ignore[no-untyped-call]  # ships without
        one = next((entry for entry in found if entry["name"] == context), current)
        return str(one["context"].get("namespace") or DEFAULT_NAMESPACE)
    except (yaml.YAMLError, ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError):
        # The login reports what is wrong with the kubeconfig.
        return DEFAULT_NAMESPACE


def in_pod(cluster: str) -> bool:
    """Whether these settings log in as the pod that we are in."""
    return cluster == "in-cluster" or (cluster == "auto" and SERVICE_ACCOUNT.exists())


def _load_in_cluster(into: Configuration) -> None:
    load_incluster_config(client_configuration=into)  # type: ignore[no-untyped-call]  # ships without


def _load_kubeconfig(into: Configuration, file: str | None, context: str | None) -> None:
    load_kube_config(file, context, into, persist_config=False)  # type: ignore[no-untyped-call]  # ships without
    # Before each call with an old token it would run the program that gives tokens, in each thread, without a bound.
    into.refresh_api_key_hook = None


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
    configuration.connection_pool_maxsize = POOL_SIZE
    client = ApiClient(configuration)
    client.rest_client.pool_manager.pool_classes_by_scheme = dict(POOLS)
    client.user_agent = f"mooring/{__version__}"
    return client


class Api:
    """One API server. ``client_factory`` logs in; it is called again when the server no longer knows our token.

    Each call ends within ``CALL_SECONDS``, and before ``until`` where that moment is earlier.
    """

    def __init__(self, client_factory: Login) -> None:
        self._login = client_factory
        self._lock = threading.Lock()
        self._client = client_factory(math.inf)
        self.date: float | None = None
        """The date in the server's last answer, in Unix seconds; None: no answer had one."""
        self.heard_at = time.time()
        """When the server last sent anything, in Unix seconds; at first when this object was made."""
        self.unheard_since: float | None = None
        """Since when, in Unix seconds, nothing was heard of the server; None: the last call had an answer."""

    @property
    def authority(self) -> str | None:
        """The file of the CA that signs this cluster's certificates; None: the system's, or none is checked."""
        configuration = self._client.configuration
        return configuration.ssl_ca_cert if configuration.verify_ssl else None

    def get(self, path: str, query: Query = (), until: float = math.inf) -> Json:
        """Raises Missing, Unavailable, Rejected."""
        return self._call(Request("GET", path, query), until)

    def merge(self, path: str, body: Json, query: Query = (), until: float = math.inf) -> Json:
        """A merge patch (RFC 7386). Raises Conflict, Missing, Unavailable, Rejected."""
        return self._call(Request("PATCH", path, _managed(query), body, "application/merge-patch+json"), until)

    def apply(self, path: str, body: Json, query: Query = (), until: float = math.inf) -> Json:
        """A server-side apply. Raises Conflict, Unavailable, Rejected."""
        return self._call(Request("PATCH", path, _managed(query), body, "application/apply-patch+yaml"), until)

    def post(self, path: str, body: Json, until: float = math.inf) -> Json:
        """Creates. Raises Conflict, Unavailable, Rejected."""
        return self._call(Request("POST", path, (), body, "application/json"), until)

    def delete(self, path: str, version: str, until: float = math.inf) -> Json:
        """Deletes that version. Raises Conflict, Missing, Unavailable, Rejected."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"resourceVersion": version}}
        return self._call(Request("DELETE", path, (), body, "application/json"), until)

    def watch(self, path: str, version: str, call: Deadline, query: Query = ()) -> Iterator[Json]:
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
        call.extend(STREAM_SECONDS + STREAM_GRACE_SECONDS)
        try:
            for line in lines(response, call):
                self._note_heard()
                yield event_of(line)
        except NONSENSE as error:
            raise Unavailable(f"the watch of {path} broke: {_cause(error)}") from error
        finally:
            response.close()

    def _call(self, request: Request, until: float) -> Json:
        with Deadline(CALL_SECONDS, until) as call:
            response = self._send(request, call)
            try:
                answer = json.loads(whole(response, call))
            except NONSENSE as error:
                raise Unavailable(f"the API server broke off its answer to {request}: {_cause(error)}") from error
            finally:
                response.close()
        if not isinstance(answer, dict):
            raise Unavailable(f"the API server answered {request} with no object")
        return answer

    def _send(self, request: Request, call: Deadline) -> urllib3.BaseHTTPResponse:
        """Sends the request; after a 401 once more, with the token read anew."""
        client = self._client
        try:
            response = _sent(client, request, call)
        except Unavailable:
            self.unheard_since = self.heard_at
            raise
        self._note_heard()
        if response.status == HTTPStatus.UNAUTHORIZED:
            response.close()
            response = _sent(self._relogin(client, call), request, call)
        self.date = date_of(response.headers.get("Date")) or self.date
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise _error(request, response, call)
        return response

    def _note_heard(self) -> None:
        self.heard_at, self.unheard_since = time.time(), None

    def _relogin(self, old: ApiClient, call: Deadline) -> ApiClient:
        """Logs in anew, unless somebody else has meanwhile. A login that takes longer than the call serves the next."""
        if self._client is old:
            try:
                found = self._login(call.remaining)
            except NoCredentials as error:
                raise Unavailable(str(error)) from error
            with self._lock:
                self._client = found if self._client is old else self._client
        return self._client


def _managed(query: Query) -> Query:
    return (*query, ("fieldManager", FIELD_MANAGER))


def _sent(client: ApiClient, request: Request, call: Deadline) -> urllib3.BaseHTTPResponse:
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
        raise Unavailable(f"the API server does not answer{late} ({_where(client)})") from error
    except ValueError:
        # The library's message would show the whole header, and so the token.
        raise Unavailable("the token has characters that no token has") from None


def _where(client: ApiClient) -> str:
    """The address of the API server as it was given, without a login that may be written in it."""
    scheme, separator, rest = str(client.configuration.host).partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


def _serialized(client: ApiClient, request: Request) -> tuple[str, str, Mapping[str, str]]:
    headers = {"Accept": "application/json"} | ({"Content-Type": request.kind} if request.kind else {})
    method, url, headers, _body, _post = client.param_serialize(
        request.method, request.path, None, list(request.query), headers, None, auth_settings=["BearerToken"]
    )
    # A token file often ends with a line end; kubectl strips it, too.
    return method, url, {name: value.strip() for name, value in headers.items()}


def _cause(error: BaseException) -> str:
    """What went wrong by the operating system or TLS, where one of them said so; a library's own words otherwise."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLCertVerificationError):
            return f"its certificate does not pass: {inner.verify_message}"
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = inner.__cause__ or inner.__context__
    return f"{type(error).__name__}: {error}"[:256]


def _error(request: Request, response: urllib3.BaseHTTPResponse, call: Deadline) -> ClusterError:
    """An answer without a Status of Kubernetes says nothing of the object: something before the API server gave it."""
    try:
        body = json.loads(whole(response, call) or b"{}")
    except NONSENSE:
        body = {}
    finally:
        response.close()
    retry_after = response.headers.get("Retry-After")
    if isinstance(body, dict) and body.get("kind") == "Status":
        return of_status({**body, "code": response.status}, f"{request}: ", retry_after)
    return no_status(f"{request}: {response.status}", retry_after)
