"""The whole way from bytes to values, by what a user may write."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mooring.config import AddressPolicy, load, parse
from mooring.model.errors import ConfigError
from mooring.model.spec import Config

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "config" / "example.yaml"
DATA = EXAMPLE.read_bytes()
POLICY = AddressPolicy()
PIECES = ("", "-1", ".nan", "[", "}", ": ", "&a ", "*a", "!!map ", "\n", "  ", "'", "null", "\x00", "é")


def read(data: bytes) -> Config | None:
    """The configuration, or None where it is refused; any other end of it fails the test."""
    try:
        return parse(data, "f", POLICY)
    except ConfigError:
        return None


def test_the_example_is_a_good_file() -> None:
    """A newcomer may start from config/example.yaml, also without a cluster."""
    config = load(EXAMPLE, AddressPolicy(loopback_probes=False), ports_required=True)
    assert [str(service.key) for service in config.services] == [
        "default/mysql-external",
        "default/sessions",
        "default/mail-relay",
        "default/orders-rw",
        "default/orders-ro",
    ]


def test_loading_twice_gives_equal_values() -> None:
    """An unchanged file is no change, also by its hash."""
    first, second = load(EXAMPLE, POLICY), parse(DATA, "another name", POLICY)
    assert first == second
    assert hash(first.services) == hash(second.services)
    assert first.hash == hashlib.sha256(DATA).hexdigest()


def test_a_comment_changes_the_hash_and_nothing_else() -> None:
    """The hash is of the bytes, the values of what they mean."""
    first, second = parse(DATA, "f", POLICY), parse(DATA + b"# more\n", "f", POLICY)
    assert first.services == second.services
    assert first.hash != second.hash


@pytest.mark.slow
def test_a_file_cut_off_anywhere_is_refused_or_whole() -> None:
    """A half-written file never means zero Services, and never makes the reader fail."""
    read_ones = [config for end in range(len(DATA)) if (config := read(DATA[:end]))]
    assert read_ones
    assert all(config.services and all(service.hosts for service in config.services) for config in read_ones)


def test_a_big_file_is_read_in_seconds() -> None:
    """A thousand Services of ten hosts are no burden."""
    services = [
        {
            "name": f"s{i}",
            "ports": [{"port": 3306}],
            "hosts": [f"10.{i // 250}.{i % 250}.{n}" for n in range(1, 11)],
            "check": {"mysql": {"user": "mooring", "passwordFile": "/etc/p"}},
        }
        for i in range(1000)
    ]
    data = yaml.safe_dump({"version": 1, "services": services}).encode()
    started = time.process_time()
    config = parse(data, "f", POLICY)
    assert time.process_time() - started < 30
    assert sum(len(service.hosts) for service in config.services) == 10_000


@pytest.mark.parametrize(("hosts", "good"), [(1000, True), (1001, False)])
def test_a_service_has_a_thousand_hosts_at_most(hosts: int, good: bool) -> None:  # noqa: FBT001 -- a column of the table
    """The limit itself is allowed; beyond it the message has the number."""
    listed = ", ".join(f"10.20.{n // 250}.{n % 250}" for n in range(hosts))
    data = f"version: 1\nservices: [{{name: a, check: {{tcp: {{}}}}, hosts: [{listed}]}}]\n".encode()
    if good:
        assert len(parse(data, "f", POLICY).services[0].hosts) == hosts
        return
    with pytest.raises(ConfigError) as caught:
        parse(data, "f", POLICY)
    expected = "f:2:47: services[0].hosts: must be a list of 1 to 1000 entries, has 1001"
    assert caught.value.problems == (expected,)


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Random bytes are refused as every other bad file."""
    assert read(data) is None


@given(st.text(alphabet="abk:-[]{},&*!|>'\"%@`#?~. \n\t01\\u", max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Texts of YAML's own marks are refused like every other bad file."""
    assert read(text.encode()) is None


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(DATA)),
            st.integers(0, 12),
            st.sampled_from(
                ["", "-1", ".nan", "[", "}", ": ", "&a ", "*a", "!!map ", "\n", "  ", "'", "null", "\x00", "é"]
            ),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_no_mutation_breaks_the_reader(edits: list[tuple[int, int, str]]) -> None:
    """A good file with anything cut out or put in is refused or read, never a crash and never without Services."""
    data = DATA
    for start, length, text in edits:
        data = data[:start] + text.encode() + data[start + length :]
    config = read(data)
    assert config is None or config.services


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 70000), st.floats(), st.text(max_size=8))
KEYS = (
    *("version", "defaults", "check", "services", "name", "namespace", "hosts", "ports", "port", "address"),
    *("probeAddress", "mysql", "redis", "tcp", "tls", "periodSeconds", "timeoutSeconds", "user", "role"),
)


def blocks(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner))


TREES = st.recursive(SCALARS, blocks, max_leaves=12)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(TREES, TREES, TREES)
def test_no_shape_breaks_the_reader(defaults: object, service: object, check: object) -> None:
    """Known fields with values of any shape, anywhere, are errors with a message."""
    whole = {
        "version": 1,
        "defaults": {"check": defaults},
        "services": [service, {"name": "db", "hosts": ["10.20.0.11"], "check": check}],
    }
    config = read(yaml.safe_dump(whole, allow_unicode=True).encode())
    assert config is None or config.services
