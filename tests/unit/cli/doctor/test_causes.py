"""What several hosts have for the same cause is one finding."""

from __future__ import annotations

from mooring.cli.doctor.causes import Fault, findings, named
from mooring.cli.doctor.finding import Level
from mooring.model.spec import ServiceKey

ORDERS, REPORTS = ServiceKey("shop", "orders"), ServiceKey("shop", "reports")


def fault(
    last: int, said: str = "auth: 1045", of: ServiceKey = ORDERS, port: int = 3306, level: Level = Level.PROBLEM
) -> Fault:
    address = f"10.20.0.{last}"
    return Fault(of, f"db{last}", address, port, said, "why", f"mend {address}", level)


def whats(*faults: Fault) -> list[str]:
    return [one.what for one in findings(faults)]


def test_a_wrong_password_is_one_finding_whatever_the_number_of_hosts() -> None:
    """It names the hosts, in the order of the file, and what mends the first of them."""
    (found,) = findings([fault(11), fault(12)])
    assert found.what == "shop/orders: db11, db12: auth: 1045"
    assert (found.why, found.mend, found.level) == ("why", "mend 10.20.0.11", Level.PROBLEM)


def test_a_host_that_says_its_own_address_has_the_same_fault() -> None:
    """The first one's words are shown."""
    said = "wrong: I am 10.20.0.{}, at 10.20.0.{}:3306"
    assert whats(fault(1, said.format(1, 1)), fault(2, said.format(2, 2))) == [
        f"shop/orders: db1, db2: {said.format(1, 1)}"
    ]


def test_different_faults_are_different_findings() -> None:
    """Also the same words of a problem and of a warning."""
    found = whats(fault(11), fault(12, "refused: no"), fault(13, level=Level.WARNING))
    assert found == ["shop/orders: db11: auth: 1045", "shop/orders: db12: refused: no", "shop/orders: db13: auth: 1045"]


def test_a_host_of_two_services_is_one_finding() -> None:
    """As the same databases for writers and for readers; other hosts of another Service are another cause."""
    assert whats(fault(11), fault(11, of=REPORTS)) == ["shop/orders, shop/reports: db11: auth: 1045"]
    assert len(whats(fault(11), fault(12, of=REPORTS))) == 2
    assert len(whats(fault(11), fault(11, of=REPORTS, port=3307))) == 2


def test_a_long_list_is_cut() -> None:
    """A line stays readable; how many more there are is said."""
    assert named(map(str, range(8))) == "0, 1, 2, 3, 4, 5, 6, 7"
    assert named(map(str, range(10))) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"
