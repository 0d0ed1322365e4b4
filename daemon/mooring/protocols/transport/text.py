"""Makes texts of a server fit for logs and pages."""

from __future__ import annotations

from dataclasses import replace

from mooring.model.facts import Facts
from mooring.model.probes import Observation

LIMIT = 256
"""Bytes of UTF-8 that a message may have."""

_SCAN = 1024
"""Characters of a text that Mooring looks at; it cuts the rest."""

_PIECE = 6
"""A server may echo only a part of a secret (Redis cuts at 128 bytes): Mooring hides pieces of this length too."""

_MASK = "***"


def clean(text: str, secret: bytes = b"") -> str:
    """The text on one line, without the secret and its pieces, in at most 256 bytes of UTF-8."""
    return _cut(_escape(_hide(text[:_SCAN], secret.decode("utf-8", "replace"))))


def cleaned(seen: Observation, secret: bytes) -> Observation:
    """The observation with all its texts cleaned; the same object where it has none."""
    if not (seen.message or seen.unread or (seen.facts and _has_texts(seen.facts))):
        return seen
    return replace(
        seen,
        message=clean(seen.message, secret),
        unread=seen.unread and replace(seen.unread, message=clean(seen.unread.message, secret)),
        facts=seen.facts and _clean_facts(seen.facts, secret),
    )


def _has_texts(facts: Facts) -> bool:
    return bool(facts.hindered or facts.offline or any(channel.problem for channel in facts.channels))


def _clean_facts(facts: Facts, secret: bytes) -> Facts:
    channels = tuple(replace(one, problem=clean(one.problem, secret)) for one in facts.channels)
    hindered, offline = clean(facts.hindered, secret), clean(facts.offline, secret)
    return replace(facts, channels=channels, hindered=hindered, offline=offline)


def _hide(text: str, secret: str) -> str:
    if not secret:
        return text
    text = text.replace(secret, _MASK)
    length = min(len(secret), _PIECE)
    shown: list[str] = []
    covered = 0
    for start in range(len(text)):
        if start + length <= len(text) and text[start : start + length] in secret:
            if covered <= start:
                shown.append(_MASK)
            covered = start + length
        if covered <= start:
            shown.append(text[start])
    return "".join(shown)


def _escape(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def _cut(text: str) -> str:
    data = text.encode("utf-8", "replace")
    if len(data) <= LIMIT:
        return data.decode("utf-8")
    return data[: LIMIT - len("…".encode())].decode("utf-8", "ignore") + "…"
