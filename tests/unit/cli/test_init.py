"""`mooring init` as a user types it."""

from __future__ import annotations

import io
from itertools import combinations

import pytest

from mooring.cli.init import example
from mooring.cli.main import main
from mooring.config import AddressPolicy, parse
from mooring.model.spec import Role
from mooring.protocols.registry import PROTOCOLS

pytestmark = pytest.mark.usefixtures("alone")

BLOCKS = [names for count in range(1, len(PROTOCOLS) + 1) for names in combinations(PROTOCOLS, count)]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("names", BLOCKS, ids="+".join)
def test_every_example_is_a_valid_file(names: tuple[str, ...], role: Role) -> None:
    """Whichever blocks are asked for; each is one Service, without a warning."""
    config = parse(example(names, role).encode(), "example", AddressPolicy(loopback_probes=False))
    assert [spec.check.protocol for spec in config.services] == [*names]
    assert config.warnings == ()


def test_the_role_that_is_asked_for_stands_in_every_block_that_has_roles() -> None:
    """So that a database is published by the part that it plays."""
    for role in Role:
        config = parse(example(["mysql", "redis"], role).encode(), "example", AddressPolicy())
        assert {spec.check.requirement.role for spec in config.services} == {role}


@pytest.mark.parametrize(
    ("flags", "wanted"), [([], ["mysql", "redis"]), (["--redis"], ["redis"]), (["--tcp", "--mysql"], ["mysql", "tcp"])]
)
def test_init_writes_the_blocks_that_are_asked_for(
    flags: list[str], wanted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a word, those of the databases."""
    assert main(["init", *flags]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert [name for name in PROTOCOLS if f"      {name}:" in shown.out] == wanted


def test_what_init_writes_passes_validate(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`mooring init | mooring validate -`."""
    assert main(["init", "--mysql", "--role", "primary"]) == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(capsys.readouterr().out.encode())))
    assert main(["validate", "-"]) == 0
    assert capsys.readouterr().out == "<stdin>: valid, 1 Service, 2 hosts\n"


def test_a_role_of_what_has_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """No file says less than was asked for."""
    assert main(["init", "--tcp", "--role", "primary"]) == 2
    assert "the hosts of tcp have no roles" in capsys.readouterr().err
