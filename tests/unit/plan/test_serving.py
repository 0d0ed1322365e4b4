"""Which Services are served, and with which ports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import KEY
from mooring.model.objects import PublishTarget, Refusal, ServiceFacts, ServicePort
from mooring.model.spec import Port, ServiceKey
from mooring.plan.serving import of_family, serving

MYSQL = ServicePort("mysql", 3366, 3306)
PLAIN = ServiceFacts((MYSQL,))
LISTED = (Port("mysql", 3307),)


@pytest.mark.parametrize(
    ("own", "published"),
    [
        (MYSQL, Port("mysql", 3306)),
        (ServicePort("", 6379), Port("", 6379)),
        (ServicePort("dns", 53, 5353, "UDP"), Port("dns", 5353, "UDP")),
        (ServicePort("mysql", 3306, 0), Port("mysql", 3306)),
    ],
    ids=["target", "no-target", "udp", "zero"],
)
def test_without_ports_in_the_file_the_services_targets_are_published(own: ServicePort, published: Port) -> None:
    """The port name, the numeric targetPort (the port where there is none) and the protocol of the Service."""
    assert serving(KEY, (), ServiceFacts((own,))) == PublishTarget((published,), ("IPv4",), mirrored=True)


def test_the_files_numbers_win_under_the_same_names() -> None:
    """The file says the database's port; the Service gives name and protocol."""
    assert serving(KEY, LISTED, PLAIN) == PublishTarget((Port("mysql", 3307),), ("IPv4",), mirrored=True)


def test_a_named_target_is_served_with_ports_in_the_file() -> None:
    """A targetPort that is a name means something only to pods."""
    named = ServiceFacts((ServicePort("mysql", 3366, "db"),))
    assert serving(KEY, LISTED, named) == PublishTarget((Port("mysql", 3307),), ("IPv4",), mirrored=True)
    refused = serving(KEY, (), named)
    assert refused == Refusal(
        "port 'mysql' has the targetPort 'db', a name that only pods have; list ports in the file"
    )


@pytest.mark.parametrize(
    ("key", "facts", "why"),
    [
        (KEY, None, "there is no such Service; create it without a selector"),
        (ServiceKey("default", "kubernetes"), PLAIN, "this is the API server's own Service; choose another"),
        (
            KEY,
            replace(PLAIN, selector=True),
            "the Service has a selector, so Kubernetes keeps its Endpoints; remove the selector",
        ),
        (
            KEY,
            replace(PLAIN, type="ExternalName"),
            "the Service is of type ExternalName, which has no Endpoints; make it a ClusterIP Service",
        ),
        (
            KEY,
            replace(PLAIN, owner="Cluster/pg"),
            "the Service belongs to Cluster/pg, which manages its Endpoints; use a Service of your own",
        ),
        (KEY, ServiceFacts(()), "the Service has no ports; give it one"),
    ],
    ids=["missing", "kubernetes", "selector", "external-name", "owner", "no-ports"],
)
def test_a_service_that_is_not_ours_is_refused(key: ServiceKey, facts: ServiceFacts | None, why: str) -> None:
    """Each refusal says what is in the way and what to do."""
    assert serving(key, (), facts) == Refusal(why)


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ((Port("db", 3306),), "the file has 'db', the Service has 'mysql'"),
        ((Port("", 3306),), "the file has one without a name, the Service has 'mysql'"),
        ((*LISTED, Port("admin", 33062)), "the file has 'admin', 'mysql', the Service has 'mysql'"),
    ],
)
def test_port_names_that_do_not_match_are_refused(listed: tuple[Port, ...], names: str) -> None:
    """kube-proxy joins ports by name: a wrong name would be a Service without endpoints."""
    assert serving(KEY, listed, PLAIN) == Refusal(f"the port names do not match: {names}")


@pytest.mark.parametrize(
    ("address", "families", "fits"),
    [
        ("10.20.0.11", ("IPv4",), True),
        ("fd00::b", ("IPv4",), False),
        ("fd00::b", ("IPv4", "IPv6"), True),
        ("10.20.0.11", ("IPv6",), False),
    ],
)
def test_an_address_fits_a_service_of_its_family(address: str, families: tuple[str, ...], *, fits: bool) -> None:
    """A Service with IPv4 only cannot use an IPv6 address."""
    assert of_family(address, families) is fits
