"""A process that may have no thread more, for a moment."""

from __future__ import annotations

import threading

import pytest


def refuse_first(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The first start of a thread of this name fails, as under a pids limit; those of all others go on."""
    made = threading.Thread.start
    failures = iter([RuntimeError("can't start new thread")])

    def start(self: threading.Thread) -> None:
        if self.name == name and (error := next(failures, None)):
            raise error
        made(self)

    monkeypatch.setattr(threading.Thread, "start", start)
