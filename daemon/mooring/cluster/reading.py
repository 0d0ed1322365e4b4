"""Reads the answers of an API server, within a bound of bytes and the call's deadline, and checks their shape."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import urllib3

from mooring.cluster.deadline import Deadline
from mooring.cluster.status import of_status

Json = Mapping[str, Any]

MOST_BYTES = 256 * 1024 * 1024
"""The longest answer that is read; the longest of all is a page of a list."""
MOST_LINE_BYTES = 16 * 1024 * 1024
"""The longest event of a watch that is read; etcd takes objects of 1.5 MiB."""
PIECE_BYTES = 64 * 1024
TYPES = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK")


def _pieces(response: urllib3.BaseHTTPResponse, call: Deadline) -> Iterator[bytes]:
    while piece := response.read1(PIECE_BYTES):
        yield piece
    if call.ended:
        raise TimeoutError("no whole answer in time")


def whole(response: urllib3.BaseHTTPResponse, call: Deadline) -> bytes:
    held = bytearray()
    for piece in _pieces(response, call):
        held += piece
        if len(held) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes")
    return bytes(held)


def lines(response: urllib3.BaseHTTPResponse, call: Deadline) -> Iterator[bytes]:
    held = bytearray()
    for piece in _pieces(response, call):
        *found, rest = piece.split(b"\n")
        for line in found:
            if whole := bytes(held + line).strip():
                yield whole
            held.clear()
        held += rest
        if len(held) > MOST_LINE_BYTES:
            raise ValueError(f"more than {MOST_LINE_BYTES} bytes in one event")
    if held.strip():
        raise ValueError("it ended within an event")


def event_of(line: bytes) -> Json:
    """An event of a watch (API concepts, "Efficient detection of changes"). Raises ValueError: it is none.

    Raises ClusterError: the event reports an error.
    """
    event = json.loads(line)
    try:
        found = event["object"]
        if event["type"] == "ERROR":
            raise of_status({"code": found.get("code"), "message": found.get("message")})
        version, name = found["metadata"]["resourceVersion"], found["metadata"].get("name")
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("an event without an object") from error
    named = event["type"] == "BOOKMARK" or (isinstance(name, str) and name)
    if not (isinstance(event, dict) and event["type"] in TYPES and isinstance(version, str) and version and named):
        raise ValueError("an event without an object")
    return event
