"""Watches the mounted file: notices a change, reads the file once, and hands it on; SIGHUP asks for the same.

Most programs do not write into a mounted file: kubelet renames the symlink ``..data`` beside it, editors rename a new
file onto its name. So Mooring looks at the path, through all symlinks. It polls and does not use inotify: ADR 7.
"""

from __future__ import annotations

import hashlib
import queue
import re
import threading
from collections.abc import Callable
from pathlib import Path

from mooring.config.source import read
from mooring.model.errors import ConfigError
from mooring.model.fingerprint import FileFingerprint, fingerprint
from mooring.model.spec import Config

LOOK_SECONDS, AGAIN_SECONDS = 0.5, 0.2
"""Mooring looks at the file twice a second. It reads a change once another look, a little later, sees the same: an
editor that writes in place needs some time."""


class Reloader:
    """Looks at the file in a thread of its own; hands on no file with the same content as before.

    ``take`` gets a valid file and returns once it is in force; ``refuse`` gets all problems of an invalid one.
    ``on_reload`` is called with True after ``ask``, and with False whenever a file was taken or refused.
    """

    def __init__(
        self,
        path: Path,
        parse: Callable[[bytes], Config],
        known: Config,
        *,
        take: Callable[[Config], None],
        refuse: Callable[[tuple[str, ...]], None],
        on_reload: Callable[[bool], None] = lambda _begins: None,
    ) -> None:
        self._path = path
        self._parse = parse
        self._hash = known.hash
        self._refused = False
        self._take = take
        self._refuse = refuse
        self._on_reload = on_reload
        self._asked: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopped = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="reload", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def ask(self) -> None:
        """Reads the file now, changed or not. Signal handlers may call this, even one within the other."""
        self._asked.put(None)

    def _run(self) -> None:
        # The file may have changed since it was read for the start, so the first look always reads.
        before: FileFingerprint | None = None
        done: FileFingerprint | None = None
        wait = AGAIN_SECONDS
        while not self._stopped.is_set():
            asked = self._was_asked(wait)
            seen = fingerprint(self._path)
            if asked or before == seen != done:
                done = seen
                self._reload(asked=asked)
            wait = LOOK_SECONDS if before == seen else AGAIN_SECONDS
            before = seen

    def _was_asked(self, seconds: float) -> bool:
        """Waits so long for the next look, or for ``ask``, which gives True; several requests meanwhile are one."""
        try:
            self._asked.get(timeout=seconds)
        except queue.Empty:
            return False
        while not self._asked.empty():
            self._asked.get()
        return True

    def _reload(self, *, asked: bool) -> None:
        if asked:
            self._on_reload(True)
        try:
            data = read(self._path)
            if not asked and not self._refused and hashlib.sha256(data).hexdigest() == self._hash:
                return
            config = self._parse(data)
        except ConfigError as error:
            self._refused = True
            self._refuse(error.problems)
        else:
            self._hash, self._refused = config.hash, False
            self._take(config)
        self._on_reload(False)


def is_mount_point(path: Path, mountinfo: str) -> bool:
    """Whether the file itself is mounted, as by ``subPath``: Mooring never sees a new file then.

    ``mountinfo`` is the text of ``/proc/self/mountinfo`` (proc_pid_mountinfo(5), field 5).
    """
    points = (line.split()[4] for line in mountinfo.splitlines() if line.count(" ") > 4)  # noqa: PLR2004 -- field 5 is the fifth
    return str(path.resolve()) in {re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), p) for p in points}
