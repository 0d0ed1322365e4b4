"""Flags and environment: which wins, what they may say, and how a wrong one is told."""

from __future__ import annotations

import argparse
import os
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.decide.addresses import AddressPolicy
from mooring.errors import ConfigError
from mooring.settings import Listen, Settings, add_options, flag, load_settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MOORING_")]:
        monkeypatch.delenv(name)


def parsed(*arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return vars(parser.parse_args(arguments))


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
    """So that a default of the parser never hides a variable."""
    assert parsed() == {}


def test_leader_election_has_two_flags() -> None:
    """On and off can both be said."""
    assert (parsed("--leader-elect"), parsed("--no-leader-elect")) == ({"leader_elect": True}, {"leader_elect": False})


def test_help_names_every_flag_and_its_variable() -> None:
    """`--help` is the reference of the settings."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    words = " ".join(parser.format_help().split())
    for name in Settings.model_fields:
        assert flag(name) in words
        assert f"MOORING_{name.upper()})" in words


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
WRONG = {
    "cluster": ("moon", "--cluster (MOORING_CLUSTER): must be auto, in-cluster, kubeconfig or local, is 'moon'"),
    "log_format": ("xml", "--log-format (MOORING_LOG_FORMAT): must be auto, json or console, is 'xml'"),
    "log_level": ("loud", "--log-level (MOORING_LOG_LEVEL): must be debug, info, warning or error, is 'loud'"),
    "leader_elect": ("maybe", "--leader-elect (MOORING_LEADER_ELECT): must be true or false, is 'maybe'"),
    "lease_name": (
        "My Lease",
        f"--lease-name (MOORING_LEASE_NAME): {NAME}, is 'My Lease'",
    ),
    "allowed_cidrs": (
        "10.0.0.1/8",
        f"--allowed-cidrs (MOORING_ALLOWED_CIDRS): {CIDRS}: 10.0.0.1/8 has host bits set, is '10.0.0.1/8'",
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
    assert settings.address_policy().loopback_probes is not leader_election


def test_the_policy_holds_the_allowed_cidrs() -> None:
    """What `--allowed-cidrs` says is what addresses are held against."""
    policy = load_settings({"allowed_cidrs": "10.20.0.0/16"}).address_policy()
    assert policy == AddressPolicy(allowed=(ip_network("10.20.0.0/16"),), loopback_probes=False)


@given(st.sampled_from(sorted(VALUES)), st.text())
def test_no_text_breaks_a_setting(name: str, text: str) -> None:
    """Any text is a value or a problem in one line of its own, never a crash."""
    try:
        load_settings({name: text})
    except ConfigError as error:
        assert [problem.startswith(flag(name)) for problem in error.problems] == [True]  # noqa: PT017 -- either may come
