"""The API server is away, or turns the daemon away: probing goes on, nothing moves, and then each change is one write.

etcd is stopped on an API server of its own, for a minute that begins before the other tests and ends after them.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest

from kube.api import Api
from kube.redis_services import BOTH, FIRST, RIGHTS, TWO, Published, Stage, alive, probed, published, redis_servers
from kube.versions import Versions
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]

FROZEN_SECONDS = 30.0
WITHOUT_ETCD_SECONDS = 60.0
CONVERGES_SECONDS = 40.0  # calls that hang for 5 s each, the longest pause of 5 s, the server's way back to etcd
LOGGED = {"level": "Request", "verbs": ["create", "update", "patch"], "resources": [{"resources": ["endpoints"]}]}
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [LOGGED, {"level": "None"}],
}


class Scene:
    """Three Services: of one a host dies, of one a host recovers, of one nothing happens."""

    def __init__(self, api: Api, namespace: str, undo: ExitStack) -> None:
        self.api = api
        self.stage = Stage(api, namespace)
        self.user = api.user("mooring", namespace=namespace)
        self.user.allow(*RIGHTS)
        one, self.dying, two, self.recovering = undo.enter_context(redis_servers(4))
        self.recovering.kill()
        hosts = {"dies": [one, self.dying], "recovers": [two, self.recovering], "same": [one, two]}
        self.stage.serve(*hosts)
        text = self.stage.file(hosts)
        self.history = undo.enter_context(Versions(api, namespace))
        self.daemon = undo.enter_context(self.stage.daemon(text, kubeconfig=self.user.kubeconfig))
        wait_until(lambda: self.now() == [BOTH, FIRST, BOTH], 15, "all to be published")
        self.before = self.versions()

    def versions(self) -> list[list[Published | None]]:
        return [published(self.history, self.stage.key(name)) for name in ("dies", "recovers", "same")]

    def now(self) -> list[Published | None]:
        return [found[-1] if found else None for found in self.versions()]

    def change(self) -> None:
        """Hurts and heals hosts; returns when the daemon has judged them."""
        after = len(self.daemon.output)
        self.dying.kill()
        self.recovering.start()
        self.daemon.wait_log("host.not_ready", after=after, service=self.stage.key("dies"), address=TWO)
        self.daemon.wait_log("host.ready", after=after, service=self.stage.key("recovers"), address=TWO)

    def assert_goes_on(self) -> None:
        """Everybody is probed, it is alive, and what is stored is what was."""
        probed(self.daemon)
        assert alive(self.daemon)
        assert self.versions() == self.before

    def assert_stored_once(self) -> None:
        """Each change by one write, and no write where nothing changed."""
        dies, recovers, same = self.before
        wanted = [[*dies, FIRST], [*recovers, BOTH], same]
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: self.versions() == wanted, CONVERGES_SECONDS, "both changes to be stored")
        probed(self.daemon, rounds=6)
        assert self.versions() == wanted
        assert self.history.missed == 0
        wait_until(lambda: not self.errors(), CONVERGES_SECONDS, "no error to be shown any more")

    def errors(self) -> list[str]:
        return [service["error"] for service in self.daemon.status()["services"] if service["error"]]


@contextlib.contextmanager
def scene(api: Api) -> Iterator[Scene]:
    with ExitStack() as undo:
        yield Scene(api, undo.enter_context(api.namespace()), undo)


class Audited(Api):
    """An API server that logs every write of Endpoints with its body."""

    def _options(self) -> list[str]:
        policy = self.directory / "audit.json"
        policy.write_text(json.dumps(POLICY))
        self.audit = self.directory / "audit.log"
        return [*super()._options(), f"--audit-policy-file={policy}", f"--audit-log-path={self.audit}"]

    def writes(self) -> list[dict[str, Any]]:
        """What Mooring asked to be written, the oldest first."""
        whole = [line for line in self.audit.read_text().splitlines(keepends=True) if line.endswith("\n")]
        found = [json.loads(line) for line in whole]
        return [one for one in found if one["userAgent"].startswith("mooring/")]


@pytest.fixture(scope="module")
def without_etcd() -> Iterator[tuple[Scene, Audited, float]]:
    with Audited() as api, scene(api) as made:
        api.etcd.kill()
        since = time.monotonic()
        made.change()
        yield made, api, since
        api.server.kill()  # it calls itself not ready for half a minute more; started anew, it does not


@contextlib.contextmanager
def frozen(scene: Scene) -> Iterator[None]:
    scene.api.server.freeze()
    until = time.monotonic() + FROZEN_SECONDS
    yield
    time.sleep(max(0.0, until - time.monotonic()))
    scene.api.server.thaw()


@contextlib.contextmanager
def killed(scene: Scene) -> Iterator[None]:
    scene.api.server.kill()
    yield
    scene.api.server.start()


@contextlib.contextmanager
def revoked(scene: Scene) -> Iterator[None]:
    scene.user.revoke()
    yield
    scene.daemon.wait_log("endpoints.failed", service=scene.stage.key("dies"))
    scene.user.renew()


@contextlib.contextmanager
def forbidden(scene: Scene) -> Iterator[None]:
    scene.user.forbid()
    yield
    assert "403" in scene.daemon.wait_log("endpoints.refused", service=scene.stage.key("dies"))["why"]
    scene.user.allow(*RIGHTS)


@contextlib.contextmanager
def too_busy(scene: Scene) -> Iterator[None]:
    with scene.api.too_busy(scene.user):
        yield
        assert "429" in scene.daemon.wait_log("endpoints.failed", service=scene.stage.key("dies"))["why"]


FAULTS: dict[str, Callable[[Scene], AbstractContextManager[None]]] = {
    "frozen-30-s": frozen,
    "killed-and-restarted": killed,
    "token-revoked-and-renewed": revoked,
    "forbidden-and-allowed": forbidden,
    "too-many-requests": too_busy,
}


@pytest.mark.fault(
    "api",
    "It refuses or drops calls while hosts change",
    "Each change is one write afterwards, without a restart.",
    within="the next try, 5 s at most",
)
@pytest.mark.parametrize("fault", FAULTS)
def test_each_change_is_one_write_once_the_server_takes_it(
    api: Api, without_etcd: tuple[Scene, Audited, float], fault: str
) -> None:
    """A host died and another recovered meanwhile; the daemon needs no restart, also not for a new token."""
    with scene(api) as made:
        with FAULTS[fault](made):
            made.change()
            made.assert_goes_on()
        made.assert_stored_once()


@pytest.mark.fault(
    "api",
    "It does not answer when Mooring starts",
    "It is waited for; what was stored flips not.",
    within="nothing moves",
)
def test_started_while_nobody_answers(api: Api, without_etcd: tuple[Scene, Audited, float]) -> None:
    """An API server that does not answer is waited for: hosts are probed meanwhile, and what was stored flips not."""
    with scene(api) as made:
        made.daemon.kill()
        api.server.kill()
        after = len(made.daemon.output)
        made.daemon.start()
        made.daemon.wait_log("probe", after=after)
        made.assert_goes_on()
        made.recovering.start()
        made.dying.kill()
        probed(made.daemon)
        api.server.start()
        made.assert_stored_once()


@pytest.mark.fault(
    "api",
    "etcd stops for a minute",
    "One write for each change afterwards, each with a precondition.",
    within="the next try, 5 s at most",
)
def test_etcd_stopped_for_a_minute(without_etcd: tuple[Scene, Audited, float]) -> None:
    """Nothing can be stored for a minute: one write for each change afterwards, and every try had a precondition."""
    made, api, since = without_etcd
    time.sleep(max(0.0, since + WITHOUT_ETCD_SECONDS - time.monotonic()))
    made.assert_goes_on()
    assert len(api.writes()) < 60, "retries back off"
    api.etcd.start()
    made.assert_stored_once()
    asked = [write["requestObject"]["metadata"] for write in api.writes()]
    assert all(metadata["resourceVersion"] for metadata in asked)
