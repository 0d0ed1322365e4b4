"""The pages of the documentation lead to each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])
_FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
README_LINES = 200


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return _FENCED.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """The names that GitHub and its kind give to the headings of a page."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose(page))}


def dead(page: Path) -> list[str]:
    """The links of a page that lead to no file or to no heading; those to other sites are not tried."""
    links = [link for link in _LINK.findall(prose(page)) if "://" not in link]
    return [link for link in links if not _leads(page, link)]


def _leads(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file of the repository and a heading in it."""
    assert dead(page) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    """By its file and by its heading; what stands in a block of code is no link."""
    page = tmp_path / "page.md"
    page.write_text("# One `two`\n[a](#one-two) [b](#two) [c](none.md) [d](page.md#one-two)\n```\n[e](none.md)\n```\n")
    assert dead(page) == ["#two", "none.md"]


def test_the_index_names_every_page() -> None:
    """Whoever begins at docs/README.md finds all of them."""
    index = ROOT / "docs/README.md"
    named = {(index.parent / link.partition("#")[0]).resolve() for link in _LINK.findall(index.read_text())}
    assert {page for page in index.parent.glob("*.md") if page != index} <= named


def test_the_readme_is_read_in_minutes() -> None:
    """What is longer stands in docs/."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES
