"""What a scrape of the real daemon says of real servers that die, refuse our login, and leave the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lab.configuration import at, file, service
from lab.mooring import Daemon
from lab.process import start_all
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until
from mooring.observe.families import FAMILIES, Kind
from support.promtool import promtool

pytestmark = pytest.mark.needs_servers

DB, SHUT, ONE, TWO = "10.20.0.11", "10.20.0.12", "10.20.0.21", "10.20.0.22"
Scrape = dict[str, dict[tuple[str, ...], float]]
"""Name of a sample → values of its labels → value."""


@dataclass
class Stage:
    """A MariaDB, which knows one account and not the other, two Redis servers in two Services, and the daemon."""

    daemon: Daemon
    redis: tuple[Redis, Redis]
    texts: dict[str, str]

    def text(self) -> str:
        status, body = self.daemon.get("/metrics")
        assert status == 200
        return body.decode()

    def scrape(self) -> Scrape:
        found: Scrape = {}
        for family in text_string_to_metric_families(self.text()):
            for sample in family.samples:
                found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
        return found


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    with ExitStack() as undo:
        mariadb, redis = Mariadb(accounts={"mooring": "pw-for-tests"}), (Redis(), Redis())
        for server in (mariadb, *redis):
            undo.callback(server.close)
        start_all(mariadb, *redis)
        (folder / "password").write_text("pw-for-tests\n")
        (folder / "wrong").write_text("another\n")
        logins = [{"user": "mooring", "passwordFile": str(folder / name)} for name in ("password", "wrong")]
        kept = [
            service("mysql", "mysql", [at(DB, mariadb)], block=logins[0]),
            service("cache", "redis", [at(ONE, redis[0]), at(TWO, redis[1])]),
        ]
        leaving = [
            service("shut", "mysql", [at(SHUT, mariadb)], block=logins[1]),
            service("again", "redis", [at(TWO, redis[1])], check={"failureThreshold": 5}),
        ]
        texts = {"all": file(*kept, *leaving), "kept": file(*kept)}
        daemon = undo.enter_context(Daemon(texts["all"], folder / "state"))
        daemon.wait_ready("default/cache", [ONE, TWO])
        daemon.wait_ready("default/again", [TWO])
        daemon.wait_ready("default/mysql", [DB])
        yield Stage(daemon, redis, texts)


def host(name: str, address: str) -> tuple[str, ...]:
    return "default", name, address, address


def counters(found: Scrape) -> dict[tuple[str, ...], float]:
    names = {f.name for f in FAMILIES if f.kind is Kind.COUNTER}
    names |= {f"{f.name}_count" for f in FAMILIES if f.kind is Kind.HISTOGRAM}
    return {(name, *labels): value for name in names for labels, value in found.get(name, {}).items()}


@pytest.mark.needs_promtool
def test_promtool_finds_nothing_wrong_in_a_scrape(stage: Stage) -> None:
    """Names, types, units and meanings are as Prometheus' own linter wants them."""
    code, said = promtool("check", "metrics", given=stage.text())
    assert (code, said) == (0, "")


def test_a_scrape_tells_what_is_so(stage: Stage) -> None:
    """Ready hosts, a login that is refused, what is published, writes and probes."""
    wait_until(lambda: (*host("shut", SHUT), "auth") in stage.scrape()["mooring_host_unknown"], 10, "the refusal")
    ready = dict.fromkeys((host("mysql", DB), host("cache", ONE), host("cache", TWO), host("again", TWO)), 1)
    wait_until(lambda: stage.scrape()["mooring_host_ready"] == ready | {host("shut", SHUT): 0}, 10, "four of five")
    wait_until(lambda: stage.scrape()["mooring_service_ready_hosts"][("default", "cache")] == 2, 10, "their write")
    wait_until(lambda: stage.scrape()["mooring_writes_total"][("stored",)] >= 4, 10, "each write to be counted")
    found = stage.scrape()
    assert found["mooring_host_unknown"] == {(*host("shut", SHUT), "auth"): 1}
    assert found["mooring_service_ready_hosts"][("default", "shut")] == 0
    assert found["mooring_probes_total"][(*host("shut", SHUT), "unknown", "auth")] >= 1
    assert {labels[0] for labels in found["mooring_probe_duration_seconds_count"]} == {"mysql", "redis"}
    assert (found["mooring_blind"], found["mooring_leader"]) == ({(): 0}, {(): 1})
    assert found["mooring_transitions_total"][(*host("cache", TWO), "ready")] >= 1


def test_a_death_is_seen_counted_and_timed(stage: Stage) -> None:
    """Not ready in each Service at its own threshold; no counter falls; how long it took is in the histograms."""
    before = stage.scrape()
    stage.redis[1].kill()
    wait_until(lambda: stage.scrape()["mooring_host_ready"][host("again", TWO)] == 0, 10, "the later of the two")
    wait_until(lambda: stage.scrape()["mooring_service_ready_hosts"][("default", "again")] == 0, 10, "its write")
    name = "mooring_publish_seconds_count"
    wait_until(lambda: stage.scrape()[name][()] >= before[name][()] + 2, 10, "both writes to be counted")
    after = stage.scrape()
    assert [after["mooring_host_ready"][host("cache", address)] for address in (ONE, TWO)] == [1, 0]
    assert after["mooring_service_ready_hosts"][("default", "cache")] == 1
    died = (*host("cache", TWO), "not-ready")
    assert after["mooring_transitions_total"][died] == before["mooring_transitions_total"][died] + 1
    assert after["mooring_probes_total"][(*host("cache", TWO), "failure", "refused")] >= 3
    assert after["mooring_detection_seconds_count"][()] >= before["mooring_detection_seconds_count"][()] + 2
    assert after["mooring_detection_seconds_sum"][()] > before["mooring_detection_seconds_sum"][()]
    was, now = counters(before), counters(after)
    assert was.keys() <= now.keys()
    assert all(value <= now[name] for name, value in was.items())


def test_what_leaves_the_file_leaves_the_page(stage: Stage) -> None:
    """A Service that is in the file no more has no series, the others count on; a refused file is told."""
    before = stage.scrape()
    stage.daemon.config.write_text("version: 1\nservices: []\n")
    wait_until(lambda: stage.scrape()["mooring_config_last_reload_successful"] == {(): 0}, 10, "the refusal")
    stage.daemon.config.write_text(stage.texts["kept"])
    wait_until(lambda: stage.scrape()["mooring_config_last_reload_successful"] == {(): 1}, 10, "the reload")
    after = stage.scrape()
    shown = {labels[:2] for samples in after.values() for labels in samples if labels[:1] == ("default",)}
    assert shown == {("default", "mysql"), ("default", "cache")}
    name = "mooring_config_last_reload_success_timestamp_seconds"
    assert after[name][()] > before[name][()]
    of_one = (*host("cache", ONE), "success", "ok")
    assert after["mooring_probes_total"][of_one] >= before["mooring_probes_total"][of_one]
