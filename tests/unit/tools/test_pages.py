"""The page that says what holds each page."""

from __future__ import annotations

from pathlib import Path

from pages import GENERATED, PAGE, ROOT, naming, page, pages

MARKS = ("enerated by `make docs`", "<!-- by make matrix: begin -->")


def test_the_page_is_up_to_date() -> None:
    """Otherwise run `make docs`."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_a_generated_page_names_the_test_that_compares_it() -> None:
    """Each page that says that it is made, or a part of it, from something else; and each such test is there."""
    made = {path for path in pages() if any(mark in (ROOT / path).read_text() for mark in MARKS)}
    assert made == set(GENERATED)
    assert [test for _, test in GENERATED.values() if not (ROOT / test).is_file()] == []


def test_a_test_names_a_page_by_its_whole_path() -> None:
    """One README is not another."""
    tests = {"tests/a.py": '"docs/ONE.md"', "tests/b.py": '"ONE.md"', "tests/c.py": '"docs/ONEs.md"'}
    assert list(naming("ONE.md", tests)) == ["tests/b.py"]
    assert list(naming("docs/ONE.md", tests)) == ["tests/a.py"]


def test_a_row(tmp_path: Path) -> None:
    """What a page's blocks say, and which other tests name it."""
    for folder in ("docs/adr", "tests/unit"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "docs/adr/one.md").write_text("")
    block = "<!-- console: {} -->\n```console\n$ a\n```\n"
    marks = ("compared by tests/unit/test_a.py", "run by tests/unit/test_b.py", "not run: an hour")
    (tmp_path / "docs/a.md").write_text("".join(block.format(mark) for mark in marks))
    (tmp_path / "tests/unit/test_b.py").write_text('"docs/a.md"')
    (tmp_path / "tests/unit/test_c_d.py").write_text('"docs/a.md"')
    links = {
        name: f"[{words}](../tests/unit/test_{name}.py)" for name, words in (("a", "a"), ("b", "b"), ("c_d", "c d"))
    }
    made = page(tmp_path).splitlines()[-1]
    commands = f"compared by {links['a']}; not run: an hour; run by {links['b']}"
    assert made == f"[docs/a.md](a.md) | by hand | {commands} | {links['c_d']}"
