"""The table of a terminal: hosts under their Services, trouble first, the rest folded where it does not fit."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CALM = 3
"""From this rank on, a host may be folded: nobody has to act on it."""
SMALLEST = 8
"""A name keeps so many characters, however narrow the screen is."""


@dataclass(frozen=True)
class Row:
    """One host. ``rank`` sorts, the smallest first; ``facts`` and ``why`` follow the state, or stand below it."""

    name: str
    address: str
    state: str
    colour: str
    rank: int
    facts: Sequence[str]
    why: str


@dataclass(frozen=True)
class Group:
    """One Service and its hosts."""

    name: str
    ready: int
    rows: Sequence[Row]


@dataclass(frozen=True)
class Line:
    """One line of the screen; ``colour`` (empty: none) is that of the text from ``start`` to ``end``."""

    text: str
    colour: str = ""
    start: int = 0
    end: int = 0


def lines(groups: Sequence[Group], width: int, height: int) -> Iterator[Line]:
    """The Services with trouble first. Calm hosts are folded where all would take more than ``height`` lines."""
    blocks = [_block(group, width) for group in sorted(groups, key=_worst)]
    everything = sum(1 + sum(len(drawn) for _, drawn in rows) for _, rows in blocks)
    room = None if everything <= height else height - sum(_least(rows) for _, rows in blocks)
    for head, rows in blocks:
        yield head
        shown, room = _fold(rows, room)
        yield from shown


def middle(text: str, width: int) -> str:
    """The text, cut in its middle where it is longer than ``width``: both ends of a name tell hosts apart."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


_Drawn = list[tuple[Row, list[Line]]]


def _worst(group: Group) -> int:
    return min((row.rank for row in group.rows), default=CALM)


def _least(rows: _Drawn) -> int:
    """How many lines a Service takes when all of its calm hosts are folded."""
    calm = any(row.rank >= CALM for row, _ in rows)
    return 1 + calm + sum(len(drawn) for row, drawn in rows if row.rank < CALM)


def _fold(rows: _Drawn, room: int | None) -> tuple[list[Line], int | None]:
    """The lines of a Service's hosts, and what is left of ``room`` for calm hosts; without ``room`` all are shown."""
    shown: list[Line] = []
    folded: list[str] = []
    for row, drawn in rows:
        if room is None or row.rank < CALM:
            shown += drawn
        elif not folded and len(drawn) <= room:
            shown += drawn
            room -= len(drawn)
        else:
            folded.append(row.state)
    if folded:
        counts = ", ".join(f"{folded.count(state)} more {state}" for state in dict.fromkeys(folded))
        shown.append(Line(f"  … and {counts}"))
    return shown, room


def _block(group: Group, width: int) -> tuple[Line, _Drawn]:
    count = f"{group.ready} of {len(group.rows)} ready"
    name = middle(group.name, max(SMALLEST, width - len(count) - 2))
    rows = sorted(group.rows, key=lambda row: row.rank)
    names, addresses = _widths(rows, width)
    drawn = [(row, _host(row, names, addresses, width)) for row in rows]
    return Line(f"{name}  {count}", "bold", 0, len(name)), drawn


def _widths(rows: Sequence[Row], width: int) -> tuple[int, int]:
    """Columns for names and addresses; 0 for addresses that must stand below. The widest state is never cut."""
    name = max((len(row.name) for row in rows), default=0)
    address = max((len(row.address) for row in rows), default=0)
    room = width - 4 - max((len(row.state) for row in rows), default=0)
    if name + 2 + address <= room:
        return name, address
    return max(SMALLEST, min(name, room)), 0


def _host(row: Row, names: int, addresses: int, width: int) -> list[Line]:
    left = f"  {middle(row.name, names):<{names}}  " + (f"{row.address:<{addresses}}  " if addresses else "")
    end = len(left) + len(row.state)
    facts = [*([] if addresses else [row.address]), *row.facts, *([row.why] if row.why else [])]
    rest = "  ".join(facts)
    whole = f"{left}{row.state}  {rest}".rstrip()
    if len(whole) <= width:
        return [Line(whole, row.colour, len(left), end)]
    below = textwrap.wrap(rest, max(SMALLEST, width - 6))
    return [Line(left + row.state, row.colour, len(left), end), *(Line(f"      {part}") for part in below)]
