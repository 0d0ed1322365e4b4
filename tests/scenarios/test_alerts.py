"""deploy/alerts.yaml, judged by Prometheus' own tool over samples."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from mooring.observe.families import FAMILIES
from support.promtool import firing, promtool, rules_of

pytestmark = pytest.mark.needs_promtool

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "deploy" / "alerts.yaml"
RULES = rules_of(MANIFEST)
BY_NAME = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"]}
ME, OTHER = 'instance="a:8080",job="mooring"', 'instance="b:8080",job="mooring"'
HOST = 'namespace="default",service="mysql",host="db1",address="10.20.0.11"'
SERVICE = 'namespace="default",service="mysql"'
OF_HOST = {"namespace": "default", "service": "mysql", "host": "db1", "address": "10.20.0.11"}
OF_SERVICE = {"namespace": "default", "service": "mysql"}
LEADING = {f"mooring_leader{{{ME}}}": "1x80", f"mooring_leader{{{OTHER}}}": "0x80"}
UP = {f'mooring_build_info{{{ME},version="1"}}': "1x80"}


@dataclass(frozen=True)
class Case:
    """Samples, the alert that they are about, and the labels of each that fires after ten minutes, or ``at``."""

    alert: str
    series: dict[str, str]
    fires: list[dict[str, str]] = field(default_factory=list)
    at: str = "10m"


CASES = {
    "paused for an hour": Case(
        "MooringPaused",
        {f"mooring_service_paused{{{SERVICE},{ME}}}": "1x300", f"mooring_leader{{{ME}}}": "1x300"},
        [OF_SERVICE],
        at="70m",
    ),
    "paused for a while": Case("MooringPaused", {f"mooring_service_paused{{{SERVICE},{ME}}}": "1x80"} | LEADING),
    "certificate of a day": Case(
        "MooringCertificateExpires", {f"mooring_tls_not_after_seconds{{{HOST},{ME}}}": "86400x80"} | LEADING, [OF_HOST]
    ),
    "certificate of twenty days": Case(
        "MooringCertificateExpires", {f"mooring_tls_not_after_seconds{{{HOST},{ME}}}": "1728000x80"} | LEADING
    ),
    "certificate as a standby saw it": Case(
        "MooringCertificateExpires", {f"mooring_tls_not_after_seconds{{{HOST},{OTHER}}}": "86400x80"} | LEADING
    ),
    "log dropped": Case(
        "MooringLogDropped",
        {f'mooring_log_dropped_total{{listener="log",{ME}}}': "0x20 5x60"},
        [{"instance": "a:8080", "job": "mooring", "listener": "log"}],
    ),
    "log dropped long ago": Case("MooringLogDropped", {f'mooring_log_dropped_total{{listener="log",{ME}}}': "5x80"}),
    "host down": Case("MooringHostDown", {f"mooring_host_ready{{{HOST},{ME}}}": "0x80"} | LEADING, [OF_HOST]),
    "host up": Case("MooringHostDown", {f"mooring_host_ready{{{HOST},{ME}}}": "1x80"} | LEADING),
    "host down for a minute": Case("MooringHostDown", {f"mooring_host_ready{{{HOST},{ME}}}": "1x36 0x40"} | LEADING),
    "host down for the leader alone": Case(
        "MooringHostDown",
        {f"mooring_host_ready{{{HOST},{ME}}}": "0x80", f"mooring_host_ready{{{HOST},{OTHER}}}": "1x80"} | LEADING,
        [OF_HOST],
    ),
    "host down for a standby alone": Case(
        "MooringHostDown",
        {f"mooring_host_ready{{{HOST},{ME}}}": "1x80", f"mooring_host_ready{{{HOST},{OTHER}}}": "0x80"} | LEADING,
    ),
    "host down while another begins to lead": Case(
        "MooringHostDown",
        {
            f"mooring_host_ready{{{HOST},{ME}}}": "0x80",
            f"mooring_host_ready{{{HOST},{OTHER}}}": "0x80",
            f"mooring_leader{{{ME}}}": "1x36 0x40",
            f"mooring_leader{{{OTHER}}}": "0x36 1x40",
        },
        [OF_HOST],
    ),
    "host in maintenance": Case(
        "MooringHostDown",
        {f"mooring_host_ready{{{HOST},{ME}}}": "0x80", f"mooring_host_maintenance{{{HOST},{ME}}}": "1x80"} | LEADING,
    ),
    "host not in maintenance": Case(
        "MooringHostDown",
        {f"mooring_host_ready{{{HOST},{ME}}}": "0x80", f"mooring_host_maintenance{{{HOST},{ME}}}": "0x80"} | LEADING,
        [OF_HOST],
    ),
    "host that has another role": Case(
        "MooringHostDown",
        {f"mooring_host_ready{{{HOST},{ME}}}": "0x80", f"mooring_host_wrong_role{{{HOST},{ME}}}": "1x80"} | LEADING,
    ),
    "host down that had another role": Case(
        "MooringHostDown",
        {
            f"mooring_host_ready{{{HOST},{ME}}}": "0x80",
            f"mooring_host_wrong_role{{{HOST},{ME}}}": "1x20 0x60",
        }
        | LEADING,
        [OF_HOST],
    ),
    "auth": Case(
        "MooringHostUnknown",
        {f'mooring_host_unknown{{{HOST},{ME},reason="auth"}}': "1x80"},
        [OF_HOST | {"reason": "auth"}],
    ),
    "auth was mended": Case("MooringHostUnknown", {f'mooring_host_unknown{{{HOST},{ME},reason="auth"}}': "1x36 stale"}),
    "blind is told once and not for each host": Case(
        "MooringHostUnknown", {f'mooring_host_unknown{{{HOST},{ME},reason="blind"}}': "1x80"}
    ),
    "blind": Case("MooringBlind", {f"mooring_blind{{{ME}}}": "1x80"}, [{"instance": "a:8080", "job": "mooring"}]),
    "seeing": Case("MooringBlind", {f"mooring_blind{{{ME}}}": "0x80"}),
    "empty": Case(
        "MooringServiceEmpty", {f"mooring_service_ready_hosts{{{SERVICE},{ME}}}": "0x80"} | LEADING, [OF_SERVICE]
    ),
    "not empty": Case("MooringServiceEmpty", {f"mooring_service_ready_hosts{{{SERVICE},{ME}}}": "1x80"} | LEADING),
    "reload failed": Case(
        "MooringReloadFailed",
        {f"mooring_config_last_reload_successful{{{ME}}}": "0x80"},
        [{"instance": "a:8080", "job": "mooring"}],
    ),
    "reload worked": Case("MooringReloadFailed", {f"mooring_config_last_reload_successful{{{ME}}}": "1x80"}),
    "no leader": Case(
        "MooringNoLeader",
        {f"mooring_leader{{{ME}}}": "0x80", f"mooring_leader{{{OTHER}}}": "0x80"},
        [{"job": "mooring"}],
    ),
    "a leader and a standby": Case(
        "MooringNoLeader", {f"mooring_leader{{{ME}}}": "0x80", f"mooring_leader{{{OTHER}}}": "1x80"}
    ),
    "two installations over one Lease": Case(
        "MooringLeaseShared", {f"mooring_lease_shared{{{ME}}}": "1x80"}, [{"job": "mooring"}]
    ),
    "a Lease of its own": Case("MooringLeaseShared", {f"mooring_lease_shared{{{ME}}}": "0x80"}),
    "writes fail": Case(
        "MooringWritesFailing",
        {f"mooring_service_error{{{SERVICE},{ME}}}": "1x80", f"mooring_leader{{{ME}}}": "1x80"},
        [OF_SERVICE],
    ),
    "writes work": Case(
        "MooringWritesFailing",
        {f"mooring_service_error{{{SERVICE},{ME}}}": "0x80", f"mooring_leader{{{ME}}}": "1x80"},
    ),
    "what a standby last met": Case(
        "MooringWritesFailing",
        {f"mooring_service_error{{{SERVICE},{ME}}}": "1x80", f"mooring_leader{{{ME}}}": "0x80"},
    ),
    "writes work, and something else is in the way": Case(
        "MooringWritesFailing",
        {
            f"mooring_service_error{{{SERVICE},{ME}}}": "1x80",
            f'mooring_service_traffic_warning{{{SERVICE},{ME},kind="NotMirrored"}}': "1x80",
        }
        | LEADING,
    ),
    "a traffic warning": Case(
        "MooringServiceTrafficWarning",
        {f'mooring_service_traffic_warning{{{SERVICE},{ME},kind="NotMirrored"}}': "1x80"} | LEADING,
        [OF_SERVICE | {"kind": "NotMirrored"}],
    ),
    "a traffic warning that went": Case(
        "MooringServiceTrafficWarning",
        {f'mooring_service_traffic_warning{{{SERVICE},{ME},kind="ForeignSlices"}}': "1x36 stale"} | LEADING,
    ),
    "a traffic warning that a former leader saw": Case(
        "MooringServiceTrafficWarning",
        {f'mooring_service_traffic_warning{{{SERVICE},{OTHER},kind="NotMirrored"}}': "1x80"} | LEADING,
    ),
    "two writers": Case(
        "MooringSplitBrain", {f"mooring_service_split_brain{{{SERVICE},{ME}}}": "1x80"} | LEADING, [OF_SERVICE]
    ),
    "one writer": Case("MooringSplitBrain", {f"mooring_service_split_brain{{{SERVICE},{ME}}}": "1x36 0x40"} | LEADING),
    "two writers that a standby alone sees": Case(
        "MooringSplitBrain", {f"mooring_service_split_brain{{{SERVICE},{OTHER}}}": "1x80"} | LEADING
    ),
    "absent": Case("MooringAbsent", {"up{}": "1x80"}, [{}]),
    "present": Case("MooringAbsent", UP),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_alert_fires_when_it_should_and_only_then(case: Case, tmp_path: Path) -> None:
    """After ten minutes of these samples, or as long as the case says, exactly these alerts of this name fire."""
    severity = BY_NAME[case.alert]["labels"]
    expected = {case.alert: [labels | severity for labels in case.fires]}
    # What promtool compares are labels and annotations: here the labels are looked at, the words are not.
    rules = {"groups": [{"name": "bare", "rules": [{**BY_NAME[case.alert], "annotations": {}}]}]}
    code, said = firing(tmp_path, rules, case.series, case.at, expected)
    assert code == 0, said


def test_every_alert_is_shown_firing_and_not_firing() -> None:
    """No rule is without both."""
    shown = {(case.alert, bool(case.fires)) for case in CASES.values()}
    assert shown == {(name, fires) for name in BY_NAME for fires in (True, False)}


def test_promtool_finds_nothing_wrong(tmp_path: Path) -> None:
    """The rules are valid, and lint finds no fault."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES))
    code, said = promtool("check", "rules", "--lint=all", "--lint-fatal", str(tmp_path / "rules.yaml"))
    assert code == 0, said


def test_no_rule_is_over_what_is_not_exported() -> None:
    """Every metric of a rule, and of the samples that it was tried with, is one of the daemon's, with these labels."""
    labels = {family.name: {*family.labels, "instance", "job"} for family in FAMILIES}
    for rule in BY_NAME.values():
        names = set(re.findall(r"mooring_\w+", rule["expr"]))
        assert names, rule["alert"]
        assert names <= labels.keys()
    for case in CASES.values():
        for series in case.series:
            name, _, told = series.partition("{")
            assert name == "up" or set(re.findall(r"(\w+)=", told)) <= labels[name]


@pytest.mark.parametrize("folder", ["kustomize/components/pod-monitor", "helm/mooring/templates"])
def test_a_scrape_by_the_operator_keeps_our_labels(folder: str) -> None:
    """The label `namespace` that rules go by is the Service's, not that of Mooring's pod."""
    (endpoint,) = re.findall(r"- {port: http.*", (ROOT / "deploy" / folder / "podmonitor.yaml").read_text())
    assert "honorLabels: true" in endpoint


@pytest.mark.parametrize("rule", BY_NAME.values(), ids=BY_NAME)
def test_an_alert_says_what_happened_and_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    """Severity, a summary, a description, and a section of docs/operations.md under its name."""
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert {"summary", "description", "runbook"} == rule["annotations"].keys()
    page = (ROOT / "docs" / "operations.md").read_text()
    assert f"\n### {rule['alert']}\n" in page
    words = {word for text in rule["annotations"].values() for word in re.findall(r"\$labels\.(\w+)", text)}
    by = re.search(r"by \(([^)]*)\)", str(rule["expr"]))
    assert words <= (set(by[1].split(", ")) if by else {"instance", "job"})
