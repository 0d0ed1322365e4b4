"""What a scalar without quotes means."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.config.scalars import Scalar, resolve

TABLE: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "False": False,
    "0": 0,
    "-1": -1,
    "3306": 3306,
    "0.25": 0.25,
    ".5": 0.5,
    "2.": 2.0,
    "1e3": 1000.0,
    "-1.5E-2": -0.015,
    ".inf": math.inf,
    "-.inf": -math.inf,
    "1e400": math.inf,
    "9" * 5000: math.inf,
    "yes": "yes",
    "no": "no",
    "on": "on",
    "010": "010",
    "0x10": "0x10",
    "0o10": "0o10",
    "1_000": "1_000",
    "190:20": "190:20",
    "10.20.0.11": "10.20.0.11",
    "2026-01-01": "2026-01-01",
    "nan": "nan",
    "inf": "inf",
    "truE": "truE",
    "\uff11": "\uff11",
}


@pytest.mark.parametrize(("text", "value"), TABLE.items(), ids=[text[:12] or "nothing" for text in TABLE])
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, value: Scalar) -> None:
    """Norway stays a country, an octal number stays a text, a date stays a text."""
    resolved = resolve(text)
    assert (type(resolved), resolved) == (type(value), value)


def test_not_a_number_is_a_number_that_no_limit_admits() -> None:
    """`.nan` is read as such, so that it is refused as a number and not as a text."""
    value = resolve(".nan")
    assert isinstance(value, float)
    assert math.isnan(value)


@given(st.text())
def test_every_text_has_a_value(text: str) -> None:
    """No scalar breaks the reader."""
    assert isinstance(resolve(text), str | int | float | bool | None)
