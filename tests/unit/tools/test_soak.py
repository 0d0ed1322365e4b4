"""The soak says that a daemon is flat only where nothing grew."""

from __future__ import annotations

import pytest

from soak import Sample, judge

FLAT = Sample(0.0, 90_000, 12, 20, {"mariadb1": 1, "redis1": 1})


def samples(last: Sample, count: int = 100) -> list[Sample]:
    """A minute a sample; the last quarter is as ``last``."""
    return [(last if at >= 3 * count // 4 else FLAT)._replace(at=60.0 * at) for at in range(count)]


def test_what_stays_is_flat(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing grew."""
    assert judge(samples(FLAT))
    assert "GROWN" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "last",
    [
        FLAT._replace(kilobytes=95_000),
        FLAT._replace(descriptors=15),
        FLAT._replace(threads=23),
        FLAT._replace(sessions={"mariadb1": 2}),
    ],
)
def test_what_grows_is_named(last: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    """Each figure has a bound of its own."""
    assert not judge(samples(last))
    assert capsys.readouterr().out.count("GROWN") == 1


def test_a_third_session_is_too_many() -> None:
    """Once is enough."""
    found = samples(FLAT)
    assert not judge([*found[:50], FLAT._replace(at=found[50].at, sessions={"redis1": 3}), *found[51:]])
