"""One wrong file for each rule, with the exact words of the complaint."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from mooring.config import AddressPolicy, FilePolicy, load
from mooring.model.errors import ConfigError

BAD = Path(__file__).parent / "bad"
POLICIES = {
    "address-outside-cidrs": AddressPolicy(allowed=(ip_network("10.20.0.0/16"), ip_network("fd00:20::/32"))),
    "probe-address-loopback": AddressPolicy(loopback_probes=False),
    "sentinel-outside-cidrs": AddressPolicy(probed=(ip_network("10.20.0.0/16"),)),
    "sentinel-loopback": AddressPolicy(loopback_probes=False),
}
FILES = {"file-outside-secret-dirs": FilePolicy(("/etc/mooring/secrets", "/etc/mooring/tls"))}


@pytest.mark.parametrize("name", sorted(path.stem for path in BAD.glob("*.yaml")))
def test_a_bad_file_is_refused_with_every_problem_at_its_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of each rule has file, line, column, path, what is wrong and what is allowed."""
    monkeypatch.chdir(BAD)
    with pytest.raises(ConfigError) as caught:
        load(
            Path(f"{name}.yaml"),
            POLICIES.get(name, AddressPolicy()),
            ports_required=name == "ports-required",
            files=FILES.get(name, FilePolicy()),
        )
    assert "\n".join(caught.value.problems) + "\n" == (BAD / f"{name}.txt").read_text(encoding="utf-8")


def test_each_expected_text_has_its_file() -> None:
    """No expectation is left behind without the file that it is about."""
    assert {path.stem for path in BAD.glob("*.txt")} == {path.stem for path in BAD.glob("*.yaml")}
