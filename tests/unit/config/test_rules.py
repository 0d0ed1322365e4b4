"""The rules between fields; the exact words of each are in ``bad``."""

from __future__ import annotations

import pytest

from mooring.config.merge import merge_defaults
from mooring.config.problems import Problems
from mooring.config.rules import check_rules
from mooring.config.source import tree
from mooring.model.addresses import AddressPolicy
from mooring.model.errors import ConfigError


def problems(service: str, *, defaults: str = "{}", ports_required: bool = False) -> tuple[str, ...]:
    """The messages of the rules alone, without those of single fields."""
    found = Problems("f")
    text = f"version: 1\ndefaults: {defaults}\nservices:\n  - {{name: a, hosts: [10.20.0.11], {service}}}\n"
    check_rules(merge_defaults(tree(text.encode(), found)), AddressPolicy(), found, ports_required=ports_required)
    try:
        found.raise_if_any()
    except ConfigError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    "service",
    [
        "check: {tcp: }",
        "check: {mysql: {user: u}}",
        "check: {redis: {role: primary}}, onSplitBrain: publishNone",
        "check: {redis: {role: primary}}, onDemote: killSessions, killUsers: [app]",
        "check: {tcp: }, ports: [{name: a, port: 1}, {name: b, port: 2}]",
        "check: {periodSeconds: 1, timeoutSeconds: 1, tcp: }",
        "check: {tcp: }, publish: both, lastResort: [lagging]",
    ],
)
def test_a_sound_service_breaks_no_rule(service: str) -> None:
    """Each of these is near to one that is refused."""
    assert problems(service, ports_required="ports" in service) == ()


def test_a_rule_holds_beside_a_field_that_is_wrong_by_itself() -> None:
    """All problems come at once: fixing one does not uncover the next."""
    (told,) = problems("check: {periodSeconds: often, redis: {user: 5}}")
    assert told.endswith("user: user without passwordFile; add the file with its password")


def test_what_is_inherited_is_complained_about_where_it_stands() -> None:
    """Once, however many Services inherit it."""
    (told,) = problems("check: {}", defaults="{check: {mysql: {role: primary}}}")
    assert told.startswith("f:2:27: defaults.check.mysql.user: is missing")


def test_a_user_may_come_from_the_defaults() -> None:
    """Required of a whole check, not of each place where a part of it is written."""
    assert problems("check: {mysql: {role: primary}}", defaults="{check: {mysql: {user: u}}}") == ()
    assert problems("check: {mysql: {user: u}}", defaults="{check: {mysql: {tls: {}}}}") == ()
