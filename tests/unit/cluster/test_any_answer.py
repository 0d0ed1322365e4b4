"""Whatever answers in the place of an API server: no thread ends, and what comes is an error of ours or a value.

By property: shapes of JSON around what a real server says, each field missing, null, of another type or of another
object, under each status that such an answer may bear.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lab.values import KEY, PORTS, spec
from lab.waiting import wait_until
from mooring.cluster import cache
from mooring.cluster.client import Api, Query, client_factory
from mooring.cluster.endpoints import KubeCluster
from mooring.cluster.lease import KubeLeaseStore
from mooring.cluster.version import too_old
from mooring.leader.election import Claim, Lease
from mooring.model.errors import ClusterError
from mooring.model.objects import EndpointsWrite, Slice, SliceWrite, StoredEndpoints, StoredSlice, Subset
from support.fake_api import FakeApi, says, streams

ONE = (Subset(("10.20.0.11",), (), PORTS),)
SLICE = Slice("db-mooring-ipv4", "IPv4", (), PORTS)
WRITES = (
    EndpointsWrite(KEY, None, ONE),
    EndpointsWrite(KEY, StoredEndpoints(KEY, "7", managed=True, subsets=()), ONE),
    SliceWrite(KEY, None, SLICE),
    SliceWrite(KEY, StoredSlice("7", "mooring", SLICE), SLICE),
    SliceWrite(KEY, StoredSlice("7", "mooring", SLICE), None),
)
CLAIM = Claim(None, Lease("me", 15.0, 1))
FIELDS = (
    "kind", "metadata", "name", "namespace", "resourceVersion", "labels", "annotations", "managedFields",
    "ownerReferences", "items", "spec", "ports", "port", "targetPort", "selector", "type", "ipFamilies", "subsets",
    "addresses", "notReadyAddresses", "ip", "endpoints", "conditions", "ready", "hints", "forZones", "addressType",
    "holderIdentity", "leaseDurationSeconds", "leaseTransitions", "renewTime", "major", "minor", "continue", "message",
    "code", "object", "controller", "uid", "fieldsV1", "time", "manager",
)  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["mooring", KEY.name, KEY.namespace, "7", "9" * 5000, "Status", "Endpoints", "ADDED", "ERROR"])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=30,
)
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8)
METADATA = st.fixed_dictionaries(
    {"name": st.just(KEY.name) | LEAVES, "resourceVersion": st.just("7") | LEAVES},
    optional=dict.fromkeys(("labels", "annotations", "managedFields", "ownerReferences", "namespace"), VALUES),
)
NEARLY = st.fixed_dictionaries(
    {"metadata": METADATA}, optional={field: VALUES for field in FIELDS if field != "metadata"}
)
LISTS = st.fixed_dictionaries(
    {"metadata": METADATA, "items": st.lists(NEARLY | VALUES, max_size=3) | VALUES}, optional={"kind": VALUES}
)
ANSWERS = OBJECTS | NEARLY | LISTS | VALUES
EVENTS = st.fixed_dictionaries({"type": LEAVES, "object": NEARLY | VALUES}) | VALUES
FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class Said:
    """An ``Api`` without a server behind it: what it says is JSON, as the real one has made sure."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def _say(self) -> Any:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer if isinstance(answer, dict) else {}

    def get(self, path: str, query: Query = (), until: float = math.inf) -> Any:
        return self._say()

    def merge(self, path: str, body: Any, query: Query = (), until: float = math.inf) -> Any:
        return self._say()

    apply = merge

    def delete(self, path: str, version: str, until: float = math.inf) -> Any:
        return self._say()


def said(*answers: Any) -> Api:
    return cast("Api", Said(*answers))


@FEW
@given(answers=st.lists(ANSWERS, min_size=1, max_size=3))
def test_a_write_is_stored_or_an_error_of_ours(answers: list[Any]) -> None:
    """Each of the calls that a write may make gets another answer; the worker that wrote goes on."""
    for write in WRITES:
        cluster = KubeCluster(said(*answers), {KEY.namespace})
        with contextlib.suppress(ClusterError):
            if isinstance(write, EndpointsWrite):
                assert cluster.apply(write).key == KEY
            else:
                cluster.apply_slice(write)


@FEW
@given(answers=st.lists(ANSWERS, min_size=1, max_size=3))
def test_a_lease_is_stored_or_an_error_of_ours(answers: list[Any]) -> None:
    """The election goes on, whatever it is answered."""
    store = KubeLeaseStore(said(*answers), "here", "mooring")
    with contextlib.suppress(ClusterError):
        assert isinstance(store.put(CLAIM), Lease)


@FEW
@given(answers=st.lists(LISTS | ANSWERS, min_size=1, max_size=4))
def test_a_list_is_taken_or_an_error_of_ours(answers: list[Any]) -> None:
    """Lists of all that is followed: a Service is served, refused, or cannot be read now."""
    cluster = KubeCluster(said(*answers), {KEY.namespace})
    cluster._version.answered.set()
    for watch in cluster._watches():
        with contextlib.suppress(ClusterError, *cache.NONSENSE):  # what a watch's own thread expects
            watch._list()
    for read in (lambda: cluster.serving(spec("10.20.0.11")), lambda: cluster.read(KEY), lambda: cluster.slices(KEY)):
        with contextlib.suppress(ClusterError):
            read()
    store = KubeLeaseStore(said(*answers), "here", "mooring")
    with contextlib.suppress(ClusterError, *cache.NONSENSE):
        store._watch._list()
    with contextlib.suppress(ClusterError):
        store.read()


@FEW
@given(answer=ANSWERS)
def test_a_version_is_one_or_an_error_of_ours(answer: Any) -> None:
    with contextlib.suppress(ClusterError):
        assert too_old(said(answer)) is None or isinstance(too_old(said(answer)), str)


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Callable[[Any, int], None]]:
    """Asks a server that gives this answer, in each way that there is."""
    defects: list[threading.ExceptHookArgs] = []
    hook, threading.excepthook = threading.excepthook, defects.append

    def ask(body: Any, status: int) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        with FakeApi(says(status, content)) as server:
            api = Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None))
            for call in (
                lambda: api.get("/x"),
                lambda: api.merge("/x", {}),
                lambda: api.apply("/x", {}),
                lambda: api.post("/x", {}),
                lambda: api.delete("/x", "7"),
                lambda: too_old(api),
            ):
                with contextlib.suppress(ClusterError):
                    call()
        assert defects == []

    yield ask
    threading.excepthook = hook


@settings(FEW, max_examples=40)
@given(
    body=ANSWERS | st.binary(max_size=40) | st.just(b"<html>") | st.just(b'{"kind": "Sta'),
    status=st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 409, 410, 418, 422, 429, 500, 503]),
)
def test_every_call_ends_in_an_object_or_an_error_of_ours(
    calls: Callable[[Any, int], None], body: Any, status: int
) -> None:
    """Over real connections: empty, cut, wrong-typed, HTML and contradictory answers under each status."""
    calls(body, status)


@settings(FEW, max_examples=15, phases=(Phase.generate,))
@given(events=st.lists(EVENTS, min_size=1, max_size=4), listed=LISTS)
def test_a_watch_lives_whatever_it_is_told(tmp_path_factory: Any, events: list[Any], listed: Any) -> None:
    """Its thread goes on, and takes up what a real server says later."""
    item = {"metadata": {"name": KEY.name, "resourceVersion": "20"}, "subsets": None}
    good = {"metadata": {"resourceVersion": "20"}, "items": [item]}
    folder = tmp_path_factory.mktemp("watch")
    with FakeApi(says(200, listed), streams(*events), says(200, good)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "BACKOFF_SECONDS", (0.01, 0.01))
        api = Api(client_factory("kubeconfig", server.kubeconfig(folder / "kubeconfig", {}), None))
        cluster = KubeCluster(api, {KEY.namespace})
        watch = cluster._endpoints[KEY.namespace]
        watch.start()
        try:
            wait_until(lambda: reads(cluster), 20, "the object")
        finally:
            watch.stop()
            end = time.monotonic() + 5
            while time.monotonic() < end and any(one.name == "watch" for one in threading.enumerate()):
                time.sleep(0.01)


def reads(cluster: KubeCluster) -> bool:
    with contextlib.suppress(ClusterError):
        found = cluster.read(KEY)
        return found is not None and found.version == "20"
    return False
