"""Names of Services as people type them."""

from __future__ import annotations

from mooring.cli.annotations import service_key
from mooring.model.spec import ServiceKey


def test_a_service_is_named_with_or_without_its_namespace() -> None:
    """The context's namespace is the default."""
    assert service_key("db", "shop") == ServiceKey("shop", "db")
    assert service_key("other/db", "shop") == ServiceKey("other", "db")
