"""The doctor's report as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mooring.cli.codes import NO_CLUSTER, NOT_READY, OK, USAGE
from mooring.cli.doctor.finding import Finding, Level, Looked

INDENT = " " * 10
MARKS = {Level.PROBLEM: "✗", Level.WARNING: "!"}


def exit_code(looked: Sequence[Looked]) -> int:
    """2 and 3 as everywhere: a file or a cluster that cannot be used; else 1 with a problem. Warnings do not count."""
    codes = {one.code for one in looked}
    worst = next((code for code in (USAGE, NO_CLUSTER) if code in codes), OK)
    return worst or (OK if all(one.sound for one in looked) else NOT_READY)


def as_text(looked: Iterable[Looked]) -> str:
    return "".join(f"{line}\n" for one in looked for line in _group(one))


def _group(looked: Looked) -> Iterator[str]:
    yield f"{looked.group:<12}{_state(looked)}"
    for note in looked.notes:
        yield from _indented("  · ", note.text)
    for found in looked.findings:
        yield from _indented(f"  {MARKS[found.level]} what  ", found.what)
        yield from _indented("    why   ", found.why)
        yield from _to_copy("    mend  ", found.mend)


def _state(looked: Looked) -> str:
    if looked.skipped:
        return f"not looked at: {looked.skipped}"
    counts = {level: sum(found.level is level for found in looked.findings) for level in Level}
    return ", ".join(f"{count} {level}{'s' * (count > 1)}" for level, count in counts.items() if count) or "ok"


def _indented(head: str, text: str) -> Iterator[str]:
    first, *others = text.splitlines() or [""]
    yield head + first
    yield from (INDENT + line for line in others)


def _to_copy(head: str, text: str) -> Iterator[str]:
    """Several lines stand at the left edge: the end of a manifest for a shell has no blanks before it."""
    lines = text.splitlines()
    return iter([head + text] if len(lines) == 1 else [head.rstrip(), *lines])


def as_json(looked: Iterable[Looked]) -> dict[str, Any]:
    return {"groups": [_document(one) for one in looked]}


def _document(looked: Looked) -> dict[str, Any]:
    found = [_finding(one) for one in looked.findings]
    return {
        "group": looked.group,
        "sound": looked.sound,
        "notLookedAt": looked.skipped or None,
        "notes": [note.text for note in looked.notes],
        "findings": found,
    }


def _finding(found: Finding) -> dict[str, str]:
    return {"level": found.level.value, "what": found.what, "why": found.why, "mend": found.mend}
