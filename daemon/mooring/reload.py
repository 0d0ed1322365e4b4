"""The mounted file: notices that it changed, reads it once, and hands it on; SIGHUP asks for the same.

Nobody writes into a mounted file: kubelet renames the symlink ``..data`` beside it, editors rename a new file onto its
name. So it is looked at by its path, through all symlinks, each time anew. It is looked at and not listened for: ADR 7.
"""

from __future__ import annotations

import hashlib
import queue
import re
import threading
from collections.abc import Callable
from pathlib import Path

from mooring.config.source import read
from mooring.errors import ConfigError
from mooring.spec import Config

LOOK_SECONDS = 0.2
"""A change is read once two looks in a row saw the same: whoever writes in place needs some time."""

Mark = tuple[int, ...]
GONE: Mark = ()


class Reloader:
    """Looks at the file in a thread of its own; a file that says the same as before is not handed on.

    ``take`` gets a valid file and returns once it is in force, ``refuse`` gets all problems of another. ``on_reload``
    is called with True when somebody asked, and with False whenever a file was taken or refused.
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
        """Reads the file now, changed or not. A signal handler may call this, also while it is being called."""
        self._asked.put(None)

    def _run(self) -> None:
        # The file may have changed since it was read for the start, so the first look always reads.
        before: Mark | None = None
        done: Mark | None = None
        while not self._stopped.is_set():
            asked = self._was_asked()
            seen = mark(self._path)
            if asked or before == seen != done:
                done = seen
                self._reload(asked=asked)
            before = seen

    def _was_asked(self) -> bool:
        """Waits for a look's time, or until somebody asks; who asks twice meanwhile gets one answer."""
        try:
            self._asked.get(timeout=LOOK_SECONDS)
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


def mark(path: Path) -> Mark:
    """What differs once something else stands under this name."""
    try:
        found = path.stat()
    except OSError:
        return GONE
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


def is_mount_point(path: Path, mountinfo: str) -> bool:
    """The file itself is mounted, as by ``subPath``: what is mounted over it cannot be replaced while we run.

    ``mountinfo`` is the text of ``/proc/self/mountinfo`` (proc_pid_mountinfo(5), field 5).
    """
    points = (line.split()[4] for line in mountinfo.splitlines() if line.count(" ") > 4)  # noqa: PLR2004 -- as said
    return str(path.resolve()) in {re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), p) for p in points}
