"""The console blocks of the documentation, and what runs each.

A comment above each block, ``<!-- console: MARK -->``, says one of these:
``compared by TEST``: the test types these commands, and what they print is what the page shows;
``run by TEST``: the test does what the block does, and judges the effect;
``not run: WHY``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"^(?: *<!-- console: (?P<mark>[^\n]+) -->\n)?(?P<indent> *)```console\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_PROMPTS = ("$ ", "# ")
_DIFFERS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"\S+:\d+(,\S+:\d+)+"),
        lambda found: ",".join(sorted(found[0].split(","))),
    ),  # as mirrored, in any order
    (re.compile(r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\b"), "DATE"),
    (re.compile(r"\b10\.96(\.\d+){2}\b"), "CLUSTER-IP"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "127.0.0.1:…"),  # a free port
    (re.compile(r" \(x\d+ over [^)]+\)"), ""),  # an Event that came again
    (re.compile(r"\b\d+(\.\d+)?ms\b"), "TIMEms"),
    (re.compile(r"\b(\d+(\.\d+)?[smhd])+\b"), "TIME"),
    (re.compile(r"-{3,}|[ \t]{2,}"), "  "),  # columns are as wide as their widest cell
    (re.compile(r"\s+$"), ""),
    (re.compile(r"(TIME|-)(?=  TIMEms)"), "TIME"),  # a standby knows of no change
)
_MAY_BE = re.compile(r"^(Waiting for deployment |Standby: |$)")
"""Lines that come as often as a rollout takes, and from a pod that does not lead, with the empty line below."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a block, and the lines that the page shows below it."""

    command: str
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """``mark`` is what the page says of who runs it; None where it says nothing."""

    mark: str | None
    steps: tuple[Step, ...]


def blocks(page: str) -> Iterator[Block]:
    """The console blocks of a page, in their order."""
    for found in _BLOCK.finditer(page):
        yield Block(found["mark"], tuple(_steps(dedent(found["text"]).splitlines())))


def _steps(lines: list[str]) -> Iterator[Step]:
    number = 0
    numbered = []
    for line in lines:
        number += line.startswith(_PROMPTS)
        numbered.append((number, line))
    for _, group in groupby(numbered, key=lambda pair: pair[0]):
        first, *shown = (line for _, line in group)
        yield Step(first[2:].partition("  # ")[0].rstrip(), tuple(shown))


def compared(page: str, test: str) -> list[Sequence[Step]]:
    """The commands of each block of a page that says it is compared by this file of tests."""
    mark = f"compared by {Path(test).relative_to(ROOT)}"
    return [block.steps for block in blocks((ROOT / page).read_text()) if block.mark == mark]


def plain(lines: Sequence[str]) -> list[str]:
    """Lines without what differs from run to run: times, ClusterIPs, which pod answers, and how wide a column is."""
    made = [line for line in lines if not _MAY_BE.match(line)]
    for pattern, instead in _DIFFERS:
        made = [pattern.sub(instead, line) for line in made]
    return made
