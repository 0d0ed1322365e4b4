"""The page of the metrics."""

from __future__ import annotations

from pathlib import Path

from mooring.observe.document import PATH, main, page
from mooring.observe.families import FAMILIES

ROOT = Path(__file__).parents[3]


def test_the_page_is_up_to_date() -> None:
    """docs/metrics.md says what this version exports; else: make docs."""
    assert (ROOT / PATH).read_text(encoding="utf-8") == page()


def test_generating_writes_it(tmp_path: Path) -> None:
    """`make docs` writes it into a checkout."""
    main([str(tmp_path)])
    assert (tmp_path / PATH).read_text(encoding="utf-8") == page()


def test_every_metric_has_its_row() -> None:
    """Name, type, labels and meaning of each stand in one line."""
    rows = [line.split(" | ") for line in page().splitlines() if line.startswith("`mooring_")]
    assert [(row[0].strip("`"), row[1], row[3]) for row in rows] == [(f.name, f.kind, f.meaning) for f in FAMILIES]
