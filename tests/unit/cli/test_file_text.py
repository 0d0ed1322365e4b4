"""The text of a file that a command writes."""

from __future__ import annotations

import pytest
import yaml

from mooring.cli.file_text import file_text, plain, scalar
from mooring.cli.imported import Imported, ImportedHost
from mooring.config import AddressPolicy, parse
from mooring.model.spec import Port, Publish, ServiceKey
from mooring.protocols.registry import PROTOCOLS

HOSTS = (
    ImportedHost("10.20.0.11"),
    ImportedHost("fd00::b"),
    ImportedHost("10.20.0.12", "db2", "zone-a", maintenance=True),
    ImportedHost("db.example.com"),
)
PORTS = (Port("a", 3306), Port("b", 9104))


def one(name: str = "db", **fields: object) -> Imported:
    given = {
        "hosts": HOSTS,
        "ports": PORTS,
        "protocol": "mysql",
        "publish": Publish.BOTH,
        "unknown": ("why",),
        **fields,
    }
    return Imported(ServiceKey("shop", name), **given)  # type: ignore[arg-type] # fields by name


def test_what_is_written_is_what_is_read() -> None:
    """Hosts, ports, kind of object: all of it comes back from the file."""
    (spec,) = parse(file_text([one()]).encode(), "f", AddressPolicy()).services
    assert spec.key == ServiceKey("shop", "db")
    assert spec.publish is Publish.BOTH
    assert spec.ports == PORTS
    assert [(host.name, host.address, host.zone, host.maintenance) for host in spec.hosts] == [
        ("10.20.0.11", "10.20.0.11", "", False),
        ("fd00::b", "fd00::b", "", False),
        ("db2", "10.20.0.12", "zone-a", True),
        ("db.example.com", "db.example.com", "", False),
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_gives_a_valid_file(protocol: str) -> None:
    """Also several Services, and names that YAML takes for something else."""
    several = [one(name, protocol=protocol, ports=PORTS[:1]) for name in ("db", "null", "true", "on", "e1")]
    text = file_text(several)
    assert len(parse(text.encode(), "f", AddressPolicy()).services) == 5
    assert text.count("  # - why.\n") == 5


def test_what_is_unknown_cannot_end_its_comment() -> None:
    """Names in a cluster are chosen by others."""
    text = file_text([one(unknown=("a\nservices: []\x1b[31m\u2028b",))])
    assert len(yaml.safe_load(text)["services"]) == 1
    parse(text.encode(), "f", AddressPolicy())


@pytest.mark.parametrize(
    "text", ["db", "10.20.0.11", "a-b.c", "a_b", "1", "1.5", "null", "yes", "-", "fd00::", "a: b", "é"]
)
def test_a_scalar_is_read_as_the_text_that_it_was(text: str) -> None:
    """Whatever it looks like, also within braces."""
    assert yaml.load(f"{{a: {scalar(text)}, b: 1}}", yaml.BaseLoader) == {"a": text, "b": "1"}


def test_plain_keeps_letters_of_any_language() -> None:
    """And nothing that a terminal obeys."""
    assert plain(" 数据库 \n\x1b[0m ") == "数据库 ?[0m"
