"""The page of faults, which is made from the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults import KINDS, PAGE, Fault, faults, page

TEST = """
import pytest

@pytest.mark.needs_root
@pytest.mark.fault("host", "It hangs | stops", "It leaves.", within="F x P - T")
def test_a_host_that_hangs() -> None:
    pass

def test_without() -> None:
    pass
"""


def made(folder: Path, text: str) -> Path:
    (folder / "tests/scenarios").mkdir(parents=True)
    (folder / "tests/scenarios/test_one.py").write_text(text)
    return folder


def test_the_page_is_up_to_date() -> None:
    """Nobody edits it by hand; otherwise run `make docs`."""
    assert PAGE.read_text(encoding="utf-8") == page(faults())


def test_the_catalogue_is_long_and_has_no_fault_twice() -> None:
    """Each kind has some, each row its words."""
    found = faults()
    assert len(found) >= 80
    assert {fault.kind for fault in found} == set(KINDS)
    assert len({(fault.kind, fault.what) for fault in found}) == len(found)
    assert all(fault.what and fault.does and fault.within for fault in found)


def test_a_fault_is_what_a_test_says(tmp_path: Path) -> None:
    """The marker's words, and the test's name and file."""
    (found,) = faults(made(tmp_path, TEST))
    assert found == Fault(
        "host", "It hangs | stops", "It leaves.", "F x P - T", "scenarios/test_one.py::test_a_host_that_hangs"
    )
    row = "It hangs \\| stops | It leaves. | F × P − T | [a host that hangs](../tests/scenarios/test_one.py)"  # noqa: RUF001 -- as in print
    assert row in page([found]).splitlines()


@pytest.mark.parametrize("wrong", ['"moon", "a", "b", within="c"', '"host", "a", within="c"', '"host", "a", "b"'])
def test_a_marker_that_is_none_is_refused(wrong: str, tmp_path: Path) -> None:
    """With its place."""
    text = f"import pytest\n@pytest.mark.fault({wrong})\ndef test_it() -> None: ...\n"
    with pytest.raises(ValueError, match=r"test_one\.py:2: must be fault\(KIND"):
        faults(made(tmp_path, text))
