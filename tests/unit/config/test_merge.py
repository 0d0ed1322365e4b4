"""Defaults merged into each Service, and short forms written out."""

from __future__ import annotations

from typing import Any

import pytest

from mooring.config.merge import merge_defaults
from mooring.config.node import Node
from mooring.config.problems import Problems
from mooring.config.source import tree


def merge(defaults: str, check: str | None) -> Node:
    own = "" if check is None else f", check: {check}"
    text = f"defaults: {{check: {defaults}}}\nservices: [{{name: db{own}}}]\n"
    return merge_defaults(tree(text.encode(), Problems("f")))


def checked(root: Node) -> Node:
    check = root.fields["services"].items[0].get("check")
    assert check is not None
    return check


MERGES: dict[str, tuple[str, str | None, Any]] = {
    "the service has no check": ("{periodSeconds: 2, tcp: {}}", None, {"periodSeconds": 2, "tcp": {}}),
    "the own value stands": ("{periodSeconds: 2}", "{periodSeconds: 1, tcp: {}}", {"periodSeconds": 1, "tcp": {}}),
    "a named protocol inherits its own block only": (
        "{mysql: {user: u}, redis: {user: r, key: k}}",
        "{redis: {user: x}}",
        {"redis": {"user": "x", "key": "k"}},
    ),
    "no named protocol inherits the only one": (
        "{redis: {key: k}}",
        "{periodSeconds: 1}",
        {"periodSeconds": 1, "redis": {"key": "k"}},
    ),
    "tls is merged field by field": (
        "{mysql: {tls: {mode: verify-ca, caFile: /ca}}}",
        "{mysql: {tls: {serverName: db}}}",
        {"mysql": {"tls": {"mode": "verify-ca", "caFile": "/ca", "serverName": "db"}}},
    ),
    "null takes back": ("{mysql: {user: u, tls: {}}}", "{mysql: {tls: }}", {"mysql": {"user": "u", "tls": None}}),
    "an empty block is a block": ("{}", "{tcp: }", {"tcp": {}}),
    "an empty default block is a block": ("{tcp: }", None, {"tcp": {}}),
    "a wrong own block stays": ("{mysql: {user: u}}", "{mysql: root}", {"mysql": "root"}),
    "a wrong default stays": ("{mysql: root}", "{mysql: {user: u}}", {"mysql": {"user": "u"}}),
}


@pytest.mark.parametrize(("defaults", "check", "expected"), MERGES.values(), ids=MERGES)
def test_defaults_stand_wherever_a_service_says_nothing(defaults: str, check: str | None, expected: Any) -> None:
    """Field by field, also inside a protocol's block and its tls."""
    assert checked(merge(defaults, check)).plain() == expected


def test_an_inherited_value_keeps_its_place() -> None:
    """A complaint about a default points to the default."""
    check = checked(merge("{periodSeconds: 2, mysql: {user: u}}", "{mysql: {query: q}}"))
    assert check.path == "services[0].check"
    assert check.fields["periodSeconds"].path == "defaults.check.periodSeconds"
    assert {node.path for node in check.fields["mysql"].fields.values()} == {
        "defaults.check.mysql.user",
        "services[0].check.mysql.query",
    }


def test_the_short_form_of_a_host_becomes_its_block() -> None:
    """An address alone means the block with that address, and its problems are reported at the address."""
    root = merge_defaults(tree(b"services: [{hosts: [10.20.0.11, {address: a}, 5]}]", Problems("f")))
    hosts = root.fields["services"].items[0].fields["hosts"]
    assert hosts.plain() == [{"address": "10.20.0.11"}, {"address": "a"}, 5]
    assert hosts.items[0].fields["address"].path == "services[0].hosts[0]"


@pytest.mark.parametrize(
    "text",
    ["[]", "services: 1", "services: [1, ~]", "defaults: 1\nservices: [{check: 1}]", "services: [{hosts: {}}]", "x"],
)
def test_what_has_the_wrong_shape_is_left_for_the_models(text: str) -> None:
    """Merging refuses nothing and breaks on nothing."""
    root = tree(text.encode(), Problems("f"))
    assert merge_defaults(root).is_mapping == root.is_mapping
