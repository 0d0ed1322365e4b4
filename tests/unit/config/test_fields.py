"""The errors of the models as messages."""

from __future__ import annotations

import pytest

from mooring.config import AddressPolicy, parse
from mooring.model.errors import ConfigError


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), "f", AddressPolicy())
    return caught.value.problems


def test_nothing_follows_from_what_was_reported() -> None:
    """An alias is one problem, and not also a missing list."""
    found = problems("version: 1\nservices: *all\n")
    assert found == ("f:2:11: services: is a YAML alias, which this file must not have; write the value out",)


@pytest.mark.parametrize(
    ("key", "guess"),
    [
        ("adress", "address"),
        ("probeadress", "probeAddress"),
        ("probe_port", "probePort"),
        ("maintenence", "maintenance"),
    ],
)
def test_a_slip_of_the_pen_is_recognised(key: str, guess: str) -> None:
    """The message on a misspelt field names the likely one."""
    found = problems(
        f"version: 1\nservices: [{{name: a, check: {{tcp: }}, hosts: [{{address: 10.20.0.11, {key}: 1}}]}}]\n"
    )
    assert any(
        problem.endswith(f"services[0].hosts[0].{key}: is no field here; did you mean {guess}?") for problem in found
    )


def test_what_is_far_from_every_field_is_reported_with_all_of_them() -> None:
    """Without a likely guess, the fields that there are."""
    (found,) = problems("version: 1\nxyz: 1\nservices: [{name: a, check: {tcp: }, hosts: [10.20.0.11]}]\n")
    assert found == "f:2:1: xyz: is no field here; there are version, defaults, services"


@pytest.mark.parametrize("name", ["Reason.OK", "__class__", "model_config", "period_seconds", "later"])
def test_a_field_is_known_by_its_name_in_the_file_only(name: str) -> None:
    """Names of the program are no names of the file."""
    (found,) = problems(f"version: 1\nservices: [{{name: a, check: {{{name}: 1, tcp: }}, hosts: [10.20.0.11]}}]\n")
    assert "is no field here" in found


@pytest.mark.parametrize("secret", ["hunter2-example", "12345678", "[hunter2-example]", "{a: hunter2-example}"])
@pytest.mark.parametrize("key", ["password", "passwordFile"])
@pytest.mark.parametrize("protocol", ["mysql", "redis"])
def test_a_password_in_the_file_is_refused_and_not_shown(protocol: str, key: str, secret: str) -> None:
    """A password written where its file belongs stays out of the complaint, and so out of logs."""
    found = problems(
        f"version: 1\nservices: [{{name: a, check: {{{protocol}: {{{key}: {secret}}}}}, hosts: [10.20.0.11]}}]\n"
    )
    assert found
    assert not any("hunter2" in problem or "12345678" in problem for problem in found)


def test_values_of_other_lengths_are_cut() -> None:
    """A text of any length makes a complaint of one line."""
    (found,) = problems(f"version: {'x' * 100_000}\nservices: [{{name: a, check: {{tcp: }}, hosts: [10.20.0.11]}}]\n")
    assert len(found) < 150
