"""The API alone: a real API server over a real etcd, which a test can hurt and heal."""

from __future__ import annotations

from pathlib import Path

import pytest
from kubernetes.client import CoreV1Api

from cluster.library import client
from kube import build, kubectl
from kube.api import Api
from kube.versions import Versions
from lab.waiting import wait_until

pytestmark = pytest.mark.needs_api

READ = {"apiGroups": [""], "resources": ["endpoints"], "verbs": ["get", "list", "watch"]}
WITHOUT_CACHE = "--watch-cache-sizes=endpoints#0"


def endpoints(namespace: str, name: str = "") -> str:
    path = f"/api/v1/namespaces/{namespace}/endpoints"
    return f"{path}/{name}" if name else path


def stored(api: Api, namespace: str, name: str = "db") -> str:
    """Makes an Endpoints object; returns its version."""
    made = api.rest.create(endpoints(namespace), {"metadata": {"name": name}})
    return str(made["metadata"]["resourceVersion"])


def touch(api: Api, namespace: str, value: str) -> None:
    api.rest.patch(endpoints(namespace, "db"), {"metadata": {"labels": {"touched": value}}})


def test_each_client_sees_the_same_server(api: Api, namespace: str) -> None:
    """A test may ask by plain HTTPS, by kubectl, or by Kubernetes' own client."""
    stored(api, namespace)
    assert api.kubectl("-n", namespace, "get", "endpoints", "-o", "name") == "endpoints/db\n"
    with client(api) as library:
        found = CoreV1Api(library).list_namespaced_endpoints(namespace, _request_timeout=30)
    assert [one.metadata and one.metadata.name for one in found.items] == ["db"]


def test_users_may_do_what_they_were_granted(api: Api, namespace: str) -> None:
    """A new user may do nothing, then what the test grants, until the grant or the token is taken back."""
    user = api.user("reader", namespace=namespace)
    theirs = api.rest.as_user(user.token())
    assert theirs.ask("GET", endpoints(namespace)).status == 403
    user.allow(READ)
    assert kubectl.run(user.kubeconfig, "get", "endpoints", "-o", "name", netns=None) == ""
    assert theirs.ask("DELETE", endpoints(namespace, "db")).status == 403
    user.forbid()
    assert theirs.ask("GET", endpoints(namespace)).status == 403
    user.revoke()
    assert theirs.ask("GET", endpoints(namespace)).status == 401
    user.renew()
    assert api.rest.as_user(user.token()).ask("GET", endpoints(namespace)).status == 403


def test_too_busy_for_one_user(api: Api, namespace: str) -> None:
    """Where a test wants it, the API server answers one user 429 and tells when to come again, and nobody else."""
    user = api.user("writer", namespace=namespace)
    user.allow(READ)
    theirs = api.rest.as_user(user.token())
    with api.too_busy(user):
        refused = theirs.ask("GET", endpoints(namespace))
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        assert api.rest.ask("GET", endpoints(namespace)).status == 200
    assert theirs.ask("GET", endpoints(namespace)).status == 200


def test_frozen_server(api: Api, namespace: str) -> None:
    """A frozen API server accepts connections and answers nothing; thawed, it serves again."""
    api.server.freeze()
    with pytest.raises(TimeoutError):
        api.rest.ask("GET", endpoints(namespace), timeout=0.5)
    api.server.thaw()
    assert api.rest.get(endpoints(namespace))["items"] == []


def test_killed_server_and_etcd_keep_what_is_stored(api: Api, namespace: str) -> None:
    """Kills lose nothing that was stored."""
    version = stored(api, namespace)
    api.server.kill()
    with pytest.raises(ConnectionRefusedError):
        api.rest.get(endpoints(namespace, "db"))
    api.etcd.kill()
    api.etcd.start()
    api.server.start()
    assert api.rest.get(endpoints(namespace, "db"))["metadata"]["resourceVersion"] == version


def test_watch_from_before_a_compaction(api: Api, namespace: str) -> None:
    """Where nobody remembers the version that a watch asks for, it is told so: 410."""
    version = stored(api, namespace)
    api.server.restart(WITHOUT_CACHE)
    touch(api, namespace, "once")
    api.compact()
    first = next(api.rest.watch(endpoints(namespace), since=version))
    assert (first["type"], first["object"]["code"]) == ("ERROR", 410)


def test_parts_are_healed_after_each_test(api: Api) -> None:
    """Whatever a test did to the parts, the next one finds them serving, without its options."""
    api.etcd.kill()
    api.server.freeze()
    api.heal()
    assert WITHOUT_CACHE not in Path(f"/proc/{api.server.pid}/cmdline").read_text()
    assert api.rest.ask("GET", "/readyz").status == 200


def test_every_version_is_recorded(api: Api, namespace: str) -> None:
    """The record of what was stored has each version once, also those written while nobody could watch."""
    stored(api, namespace)
    with Versions(api, namespace) as history:
        for number in range(5):
            touch(api, namespace, str(number))
        api.etcd.kill()
        api.etcd.start()
        wait_until(lambda: api.rest.ask("GET", endpoints(namespace, "db")).status == 200, 20, "its way back to etcd")
        api.rest.delete(endpoints(namespace, "db"))
    found = [version.manifest for version in history.of(f"{namespace}/db")]
    labels = [manifest and manifest["metadata"].get("labels", {}).get("touched") for manifest in found]
    assert labels == [None, "0", "1", "2", "3", "4", None]
    assert found[-1] is None
    assert history.missed == 0


def test_ready_made_programs_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where KUBEBUILDER_ASSETS names a folder, the API runs what lies there."""
    for name in ("etcd", "kube-apiserver"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nexec {build.directory() / "k8s"} {name} "$@"\n')
        program.chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with Api() as other:
        assert other.rest.get("/version")["gitVersion"].startswith("v1.")
        assert other.server._words[0] == str(tmp_path / "kube-apiserver")


def test_start_that_fails_shows_the_log(api: Api) -> None:
    """When a part does not start, the message has the end of what it said."""
    with pytest.raises(RuntimeError, match=r"(?s)kube-apiserver ended with 1\n.*unknown flag: --no-such-flag"):
        api.server.restart("--no-such-flag")
