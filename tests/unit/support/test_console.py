"""The console blocks of the documentation, and what is said of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.console import Block, Step, blocks, plain

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *(page for place in ("docs", "deploy") for page in sorted((ROOT / place).rglob("*.md")))]
PAGE = """
<!-- console: not run: no cluster -->
```console
$ one     # says why
a
  b
# two
```
```console
$ three
```
"""


def test_a_block_is_its_commands_and_what_they_print() -> None:
    """A remark behind a command is none of its words; `$` and `#` both begin a command."""
    assert list(blocks(PAGE)) == [
        Block("not run: no cluster", (Step("one", ("a", "  b")), Step("two", ()))),
        Block(None, (Step("three", ()),)),
    ]


def test_times_and_widths_may_differ() -> None:
    """And nothing else."""
    assert plain(["cache1  ready    12s   1.1ms  "]) == plain(("cache1     ready  1m9s  20ms",))
    assert (
        plain(["cache1  -  -  -  1.1ms"]) == plain(["cache1  -  -  2s  3.0ms"]) != plain(["cache1  -  1/3  2s  3.0ms"])
    )
    assert plain(["cache1  ready"]) != plain(["cache2  ready"])
    assert plain(["Last Started:   Mon Nov 23 11:44:37 2026"]) == plain(["Last Started:   Tue Dec  1 01:02:03 2026"])
    assert plain(["IP:  10.96.108.46"]) == plain(["IP:  10.96.0.7"]) != plain(["IP:  10.77.0.11"])
    assert plain(["Endpoints:  10.0.0.2:80,10.0.0.1:80"]) == plain(["Endpoints:  10.0.0.1:80,10.0.0.2:80"])
    assert plain(["  Warning  Refused  2s (x2 over 3s)  mooring"]) == plain(["  Warning  Refused  3s  mooring"])


def test_lines_that_come_as_often_as_a_cluster_needs() -> None:
    """How long a rollout takes, and whether the pod that is asked leads."""
    lines = [
        "Waiting for deployment spec update to be observed...",
        "Standby: a leads and writes.",
        "",
        "SERVICE  HOST",
    ]
    assert plain(lines) == ["SERVICE  HOST"]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_block_says_what_runs_it(page: Path) -> None:
    """A test that exists, or why none does."""
    for block in blocks(page.read_text()):
        assert block.mark, f"{block.steps[0].command}: nothing says what runs this block"
        how, _, test = block.mark.partition(" by ")
        if not block.mark.startswith("not run: "):
            assert how in ("run", "compared")
            assert (ROOT / test).is_file(), f"{block.steps[0].command}: {block.mark}"
