"""The group `secrets`."""

from __future__ import annotations

from mooring.cli.doctor.secrets import findings


def test_each_file_that_cannot_be_used_is_one_finding() -> None:
    """Whichever Services name it; with the command that makes a Secret."""
    assert findings([]) == []
    (found,) = findings(["shop/db: check.mysql: /s/pw: empty"] * 2)
    assert found.what == "shop/db: check.mysql: /s/pw: empty"
    assert "kubectl -n mooring create secret generic" in found.mend


def test_a_file_that_two_services_share_is_one_finding() -> None:
    """It names both; another file, and another cause, is another finding."""
    missing = "check.mysql: the file /s/pw does not exist"
    found = findings([f"shop/db: {missing}", f"shop/carts: {missing}", "shop/carts: check.mysql: /s/ca: empty"])
    assert [one.what for one in found] == [f"shop/db, shop/carts: {missing}", "shop/carts: check.mysql: /s/ca: empty"]
