"""Flags and environment: which wins, what they may say, and how a wrong one is told."""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.cli.options import ALL, takes
from mooring.cli.settings import Listen, Purpose, Settings, flag, load_settings
from mooring.model.addresses import AddressPolicy, Network
from mooring.model.damping import DemotionLimit
from mooring.model.errors import ConfigError
from mooring.model.file_policy import FilePolicy


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MOORING_")]:
        monkeypatch.delenv(name)


def parsed(*arguments: str) -> dict[str, object]:
    @takes(ALL)
    def command(**given: object) -> int:
        found.update(given)
        return 0

    found: dict[str, object] = {}
    click.command()(command).main(arguments, standalone_mode=False)
    return found


def problems(**overrides: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_settings(overrides)
    return caught.value.problems


def test_the_defaults_are_those_of_a_pod() -> None:
    """With no flag and no variable: the mounted file, the cluster that is there, a port for probes."""
    settings = load_settings()
    assert settings.config == Path("/etc/mooring/config.yaml")
    assert settings.cluster == "auto"
    assert settings.listen == Listen("0.0.0.0", 8080)
    assert (settings.kubeconfig, settings.context, settings.lease_namespace) == (None, None, None)
    assert (settings.log_format, settings.log_level, settings.allowed_cidrs) == ("auto", "info", ())


VALUES = {
    "config": ("/c.yaml", Path("/c.yaml")),
    "cluster": ("local", "local"),
    "kubeconfig": ("/k", Path("/k")),
    "context": ("c", "c"),
    "state_dir": ("s", Path("s")),
    "leader_elect": ("false", False),
    "lease_name": ("mooring.blue", "mooring.blue"),
    "lease_namespace": ("ops", "ops"),
    "listen": ("127.0.0.1:0", Listen("127.0.0.1", 0)),
    "log_format": ("json", "json"),
    "log_level": ("debug", "debug"),
    "allowed_cidrs": ("10.0.0.0/8", (ip_network("10.0.0.0/8"),)),
    "probe_cidrs": ("10.0.0.0/8", (ip_network("10.0.0.0/8"),)),
    "secret_dirs": ("/a,/b", ("/a", "/b")),
    "max_demotions": ("50%/1m", DemotionLimit(50, 60.0)),
}


def test_every_setting_is_in_the_table() -> None:
    """The two tests below leave out no setting."""
    assert set(VALUES) == set(Settings.model_fields)


@pytest.mark.parametrize(("name", "text", "value"), [(name, *pair) for name, pair in VALUES.items()], ids=VALUES)
def test_each_setting_has_a_variable(name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """MOORING_ and the flag's name in capitals."""
    monkeypatch.setenv(f"MOORING_{name.upper()}", text)
    assert getattr(load_settings(), name) == value


@pytest.mark.parametrize(("name", "text", "value"), [(name, *pair) for name, pair in VALUES.items()], ids=VALUES)
def test_each_setting_has_a_flag(name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag that is given wins over the variable, also over a wrong one."""
    monkeypatch.setenv(f"MOORING_{name.upper()}", "!wrong!")
    arguments = ["--no-leader-elect"] if name == "leader_elect" else [flag(name), text]
    assert getattr(load_settings(parsed(*arguments)), name) == value


def test_flags_that_are_not_given_are_absent() -> None:
    """So that a default of the command line never hides a variable."""
    assert set(parsed().values()) == {None}


def test_leader_election_has_two_flags() -> None:
    """On and off can both be said."""
    assert [parsed(option)["leader_elect"] for option in ("--leader-elect", "--no-leader-elect")] == [True, False]


def test_other_arguments_and_variables_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubernetes itself sets MOORING_SERVICE_HOST and the like beside a Service of that name."""
    monkeypatch.setenv("MOORING_SERVICE_HOST", "10.96.0.9")
    monkeypatch.setenv("MOORING_PORT", "tcp://10.96.0.9:80")
    assert load_settings({"command": "run", "context": None, "once": True}) == load_settings()


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates leave empty values behind; only for `listen` nothing is a value: off."""
    for name in Settings.model_fields:
        monkeypatch.setenv(f"MOORING_{name.upper()}", "")
    assert load_settings() == load_settings({"listen": ""})
    assert load_settings({"listen": "[::1]:1"}).listen == Listen("::1", 1)


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("0.0.0.0:8080", Listen("0.0.0.0", 8080)),
        ("127.0.0.1:0", Listen("127.0.0.1", 0)),
        ("[::1]:8080", Listen("::1", 8080)),
        ("[::]:65535", Listen("::", 65535)),
        ("", None),
        ("none", None),
    ],
)
def test_where_to_listen(text: str, listen: Listen | None) -> None:
    """An address and a port, IPv6 in brackets, or nothing at all."""
    assert load_settings({"listen": text}).listen == listen
    assert listen is None or str(listen) == text


@pytest.mark.parametrize(
    "text",
    ["8080", ":8080", "::1:8080", "[127.0.0.1]:80", "host:80", "0.0.0.0:65536", "0.0.0.0:-1", "0.0.0.0:", "[::1]"],
)
def test_where_nobody_can_listen(text: str) -> None:
    """What is no address with a port is told with an example."""
    assert problems(listen=text) == (
        f"--listen (MOORING_LISTEN): must be ADDRESS:PORT such as 0.0.0.0:8080 or [::]:8080, or none, is '{text}'",
    )


@pytest.mark.parametrize(
    "text", ["10.0.0.0/8,fd00::/8", "10.0.0.0/8 fd00::/8", " 10.0.0.0/8 ,\n fd00::/8, "], ids=["comma", "space", "both"]
)
def test_cidrs_are_a_list(text: str) -> None:
    """Separated by commas or spaces, as a variable of a manifest would have them."""
    assert load_settings({"allowed_cidrs": text}).allowed_cidrs == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


NAME = "must be a name as Kubernetes allows it: a-z, 0-9 and -, at most 63"
CIDRS = "must be CIDRs such as 10.20.0.0/16, separated by commas"
FOLDERS_WANTED = "must be absolute paths of folders, separated by commas"
DEMOTIONS = "must be a part of all hosts and a time of at most an hour, such as 50%/1m, or off"
WRONG = {
    "cluster": ("moon", "--cluster (MOORING_CLUSTER): must be auto, in-cluster, kubeconfig or local, is 'moon'"),
    "log_format": ("xml", "--log-format (MOORING_LOG_FORMAT): must be auto, json or console, is 'xml'"),
    "log_level": ("loud", "--log-level (MOORING_LOG_LEVEL): must be debug, info, warning or error, is 'loud'"),
    "leader_elect": ("maybe", "--leader-elect (MOORING_LEADER_ELECT): must be true or false, is 'maybe'"),
    "lease_name": (
        "My Lease",
        f"--lease-name (MOORING_LEASE_NAME): {NAME}, is 'My Lease'",
    ),
    "secret_dirs": (
        "secrets",
        f"--secret-dirs (MOORING_SECRET_DIRS): {FOLDERS_WANTED}: 'secrets' is no absolute path, is 'secrets'",
    ),
    "probe_cidrs": (
        "x",
        f"--probe-cidrs (MOORING_PROBE_CIDRS): {CIDRS}: 'x' does not appear to be an IPv4 or IPv6 network, is 'x'",
    ),
    "allowed_cidrs": (
        "10.0.0.1/8",
        f"--allowed-cidrs (MOORING_ALLOWED_CIDRS): {CIDRS}: 10.0.0.1/8 has host bits set, is '10.0.0.1/8'",
    ),
    "max_demotions": (
        "50",
        f"--max-demotions (MOORING_MAX_DEMOTIONS): {DEMOTIONS}, is '50'",
    ),
}


@pytest.mark.parametrize(("name", "text", "problem"), [(name, *pair) for name, pair in WRONG.items()], ids=WRONG)
def test_a_wrong_setting_is_told_by_both_its_names(
    name: str, text: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The complaint names the flag and the variable, what is wrong and what is allowed."""
    assert problems(**{name: text}) == (problem,)
    monkeypatch.setenv(f"MOORING_{name.upper()}", text)
    assert problems() == (problem,)


def test_all_wrong_settings_are_told_at_once() -> None:
    """Nobody mends them one by one."""
    assert len(problems(**{name: text for name, (text, _) in WRONG.items()})) == len(WRONG)


def test_capitals_in_a_log_level_are_welcome() -> None:
    """INFO and info are one level."""
    assert load_settings({"log_level": "WARNING"}).log_level == "warning"


@pytest.mark.parametrize(
    ("overrides", "leader_election"),
    [
        ({}, True),
        ({"cluster": "kubeconfig"}, True),
        ({"leader_elect": False}, False),
        ({"leader_elect": True}, True),
        ({"cluster": "local"}, False),
        ({"cluster": "local", "leader_elect": True}, False),
    ],
)
def test_leader_election_is_on_where_there_is_a_cluster(overrides: dict[str, object], leader_election: bool) -> None:  # noqa: FBT001 -- a column of the table
    """A folder has one writer; a cluster may have several, each probing from another machine."""
    settings = load_settings(overrides)
    assert settings.leader_election is leader_election
    for purpose in (Purpose.RUN, Purpose.PLAN):
        assert settings.address_policy(purpose).loopback_probes is not leader_election
    for purpose in (Purpose.ONCE, Purpose.CHECK):
        assert settings.address_policy(purpose).loopback_probes


NETWORKS = (ip_network("10.20.0.0/16"),)
OTHERS = (ip_network("10.99.0.0/16"),)


@pytest.mark.parametrize(
    ("overrides", "allowed", "probed"),
    [
        ({}, (), ()),
        ({"allowed_cidrs": "10.20.0.0/16"}, NETWORKS, NETWORKS),
        ({"allowed_cidrs": "10.20.0.0/16", "probe_cidrs": "10.99.0.0/16"}, NETWORKS, OTHERS),
        ({"probe_cidrs": "10.99.0.0/16"}, (), OTHERS),
    ],
)
def test_what_is_probed_lies_inside_what_is_allowed_unless_told_otherwise(
    overrides: dict[str, object], allowed: tuple[Network, ...], probed: tuple[Network, ...]
) -> None:
    """``--probe-cidrs`` is, without a word, what ``--allowed-cidrs`` says."""
    policy = load_settings(overrides).address_policy(Purpose.RUN)
    assert policy == AddressPolicy(allowed=allowed, loopback_probes=False, probed=probed)


FOLDERS = ("/etc/mooring/secrets", "/etc/mooring/tls")


@pytest.mark.parametrize(
    ("cluster", "purpose", "dirs"),
    [
        ("auto", Purpose.RUN, FOLDERS),
        ("in-cluster", Purpose.RUN, FOLDERS),
        ("kubeconfig", Purpose.RUN, FOLDERS),
        ("kubeconfig", Purpose.ONCE, FOLDERS),
        ("kubeconfig", Purpose.PLAN, None),
        ("kubeconfig", Purpose.CHECK, None),
        ("local", Purpose.RUN, None),
        ("local", Purpose.ONCE, None),
    ],
)
def test_only_a_daemon_of_a_real_cluster_is_confined_by_default(
    cluster: str, purpose: Purpose, dirs: tuple[str, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There others may edit the file, in a ConfigMap; what a person starts by hand reads with that person's rights."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    settings = load_settings({"cluster": cluster})
    assert settings.file_policy(purpose, ("/k",)) == FilePolicy(dirs, ("/k",))
    given = load_settings({"cluster": cluster, "secret_dirs": "/a, /b"})
    assert given.file_policy(purpose) == FilePolicy(("/a", "/b"))


def test_a_unit_may_read_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that systemd shows it is one of the default ones, and may be named."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x")
    settings = load_settings({"cluster": "kubeconfig"})
    assert settings.file_policy(Purpose.RUN).dirs == (*FOLDERS, "/run/credentials/x")
    named = load_settings({"secret_dirs": "${CREDENTIALS_DIRECTORY}/secrets"})
    assert named.secret_dirs == ("/run/credentials/x/secrets",)


@pytest.mark.slow
@given(st.sampled_from(sorted(VALUES)), st.text())
def test_no_text_breaks_a_setting(name: str, text: str) -> None:
    """Any text is a value or a problem in one line of its own, never a crash."""
    try:
        load_settings({name: text})
    except ConfigError as error:
        assert [problem.startswith(flag(name)) for problem in error.problems] == [True]  # noqa: PT017 -- either may come


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("off", None),
        ("1%/1s", DemotionLimit(1, 1.0)),
        ("100%/60m", DemotionLimit(100, 3600.0)),
        ("50%/1h", DemotionLimit(50, 3600.0)),
    ],
)
def test_the_limit_of_demotions_is_a_part_and_a_time(text: str, limit: DemotionLimit | None) -> None:
    """Seconds, minutes or an hour; or off."""
    assert load_settings({"max_demotions": text}).max_demotions == limit


@pytest.mark.parametrize("text", ["0%/1m", "101%/1m", "50%", "50%/0s", "50%/2h", "50/1m", "5e1%/1m"])
def test_another_limit_of_demotions_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ConfigError):
        load_settings({"max_demotions": text})
