"""The syntax of the annotations of a Service by which people overrule Mooring: ``host;until=…;by=…,host;…``.

Commas, semicolons and percent signs within a value are percent-encoded (RFC 3986, 2.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from mooring.model.addresses import canonical
from mooring.model.moments import rfc3339

MOST_CHARACTERS = 253
"""Characters of one field that Mooring reads; an annotation may have 256 KiB."""
_SAFE = " :+@/"


def entries(annotation: str | None, most: int) -> tuple[str, ...]:
    """The texts between the commas, at most so many; empty ones are left out."""
    texts = (text.strip()[: 4 * MOST_CHARACTERS] for text in (annotation or "").split(","))
    return tuple(text for text in texts if text)[:most]


def head(entry: str) -> str:
    """What stands before the first semicolon: a name, or an IP address in its canonical form."""
    return canonical(unquote(entry.partition(";")[0].strip())[:MOST_CHARACTERS])


def fields(parts: Iterable[str]) -> dict[str, str]:
    """The ``name=value`` among these parts."""
    pairs = (part.strip().partition("=") for part in parts)
    return {name.strip().lower(): unquote(value.strip())[:MOST_CHARACTERS] for name, _, value in pairs if value}


def moment(text: str) -> float | None:
    """Unix seconds of RFC 3339; a time without a zone is UTC. None: it is none."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def written(values: Mapping[str, str]) -> str:
    """The ``name=value`` parts of these values, between semicolons; blank values are left out."""
    return ";".join(f"{name}={encoded(value)}" for name, value in values.items() if value.strip())


def encoded(value: str) -> str:
    """The value as it may stand in an annotation."""
    return quote(value[:MOST_CHARACTERS], safe=_SAFE)


def until_text(until: float | None) -> str:
    """A moment in Unix seconds as text; empty for None."""
    return "" if until is None else rfc3339(until)
