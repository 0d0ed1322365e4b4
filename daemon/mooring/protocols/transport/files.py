"""Reads the files that the configuration names in threads of its own: no caller waits long for a mount that hangs.

One ``FileReader`` serves the whole process, so that no caller can read such a file against the policy of the flags. It
checks the policy at each read, on the opened file: a link that somebody swaps meanwhile changes nothing.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mooring.model.file_policy import ANYWHERE, FilePolicy, inside, of_service_account
from mooring.model.fingerprint import FileFingerprint, fingerprint, fingerprint_of
from mooring.model.reasons import Reason
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.workers import Workers

READERS = 500
"""Threads at most. A file whose mount hangs holds one of them, until it answers."""
SOON_SECONDS = 0.25
"""A read that takes longer than this may hang."""
PATIENT = 10
"""Callers that may wait for such a read until their own deadline; for all others it fails at once."""
MOST_SWAPS = 5


@dataclass(frozen=True, slots=True)
class Content:
    """``data`` has at most one byte more than the limit that was asked for; ``mark`` is the opened file's."""

    data: bytes
    mark: FileFingerprint


class _Task:
    """One read of, or look at, a file; all callers that ask for the same meanwhile share it."""

    __slots__ = ("began", "job", "result")

    def __init__(self, job: Callable[[], object]) -> None:
        self.job = job
        self.began = time.monotonic()
        self.result: Future[Any] = Future()


class FileReader:
    """For any thread. ``opener`` is ``os.open``, or a stand-in for a mount that hangs."""

    def __init__(self, opener: Callable[[str, int], int] = os.open) -> None:
        self._opener = opener
        self._policy = ANYWHERE
        self._workers = Workers("files", READERS)
        self._lanes: dict[str, dict[Hashable, _Task]] = {}
        """The tasks of each file, by its path; the first is under way."""
        self._lock = threading.Lock()
        self._patient = threading.BoundedSemaphore(PATIENT)

    def confine(self, policy: FilePolicy) -> None:
        """From now on reads only files that the policy allows."""
        self._policy = policy

    def read(self, path: str, limit: int, until: float, *, ca: bool = False) -> Content:
        """The file's first ``limit`` bytes, and one more where there are more.

        Raises:
            Failure: ``local``, naming the path and never the content: the file is missing, unreadable, no regular
                file, outside the policy, or has not answered by ``until`` (monotonic seconds).
        """
        found: Content = self._wait(path, self._read_task(path, limit, ca=ca), until)
        return found

    def begin(self, path: str, limit: int, *, ca: bool = False) -> Future[Content]:
        """As ``read``, without waiting."""
        return self._read_task(path, limit, ca=ca).result

    def place(self, path: str, policy: FilePolicy, *, ca: bool = False) -> Future[str | None]:
        """Why ``policy`` forbids that path, whether the file exists or not, as words that follow the path; or None.

        Never waits. The result may be an OSError.
        """
        return self._begin(path, ("place", policy, ca), lambda: _why_forbidden(path, policy, ca=ca)).result

    def look(self, path: str) -> Future[FileFingerprint]:
        """The fingerprint of the file. Never waits."""
        return self._begin(path, "look", lambda: fingerprint(path)).result

    def _read_task(self, path: str, limit: int, *, ca: bool) -> _Task:
        policy = self._policy
        return self._begin(path, ("read", limit, ca, policy), lambda: self._read(path, limit, policy, ca=ca))

    def _begin(self, path: str, key: Hashable, job: Callable[[], object]) -> _Task:
        with self._lock:
            lane = self._lanes.get(path)
            if lane is not None:
                return lane.setdefault(key, _Task(job))
            task = _Task(job)
            self._lanes[path] = {key: task}
        try:
            self._workers.submit(lambda: self._run(path))
        except RuntimeError as error:  # the process may have no more threads
            self._give_up(path, Failure(Reason.LOCAL, f"{path}: cannot be read: {error}"))
        return task

    def _run(self, path: str) -> None:
        """Runs all tasks of one file, one after the other."""
        while (found := self._next(path)) is not None:
            key, task = found
            try:
                result = task.job()
            except Exception as error:  # noqa: BLE001 -- raised where the result is awaited
                self._end(path, key)
                task.result.set_exception(error)
            else:
                self._end(path, key)
                task.result.set_result(result)

    def _next(self, path: str) -> tuple[Hashable, _Task] | None:
        with self._lock:
            if lane := self._lanes[path]:
                return next(iter(lane.items()))
            del self._lanes[path]
            return None

    def _end(self, path: str, key: Hashable) -> None:
        with self._lock:
            del self._lanes[path][key]

    def _give_up(self, path: str, why: Failure) -> None:
        with self._lock:
            tasks = self._lanes.pop(path).values()
        for task in tasks:
            task.result.set_exception(why)

    def _wait(self, path: str, task: _Task, until: float) -> Any:
        soon = min(until, task.began + SOON_SECONDS)
        try:
            return task.result.result(max(0.0, soon - time.monotonic()))
        except Late:
            pass
        if self._patient.acquire(blocking=False):
            try:
                return task.result.result(max(0.0, until - time.monotonic()))
            except Late:
                pass
            finally:
                self._patient.release()
        waited = time.monotonic() - task.began
        raise Failure(Reason.LOCAL, f"{path}: no answer for {waited:.1f} s; look at the mount that it lies on")

    def _read(self, path: str, limit: int, policy: FilePolicy, *, ca: bool) -> Content:
        try:
            return self._read_open_file(path, limit, policy, ca=ca)
        except FileNotFoundError as error:
            raise Failure(Reason.LOCAL, f"{path}: does not exist") from error
        except OSError as error:
            raise Failure(Reason.LOCAL, f"{path}: {error.strerror}") from error

    def _read_open_file(self, path: str, limit: int, policy: FilePolicy, *, ca: bool) -> Content:
        for _ in range(MOST_SWAPS):
            # Non-blocking, as opening a FIFO would wait for its writer.
            descriptor = self._opener(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise Failure(Reason.LOCAL, f"{path}: not a regular file")
                real = str(Path(f"/proc/self/fd/{descriptor}").readlink())
                if status.st_nlink == 0:
                    continue  # somebody replaced the file since it was opened, and it has no path any more
                if why := _refusal(real, status, policy, ca=ca):
                    raise Failure(Reason.LOCAL, f"{path}: {why}")
                return Content(_read_all(descriptor, limit + 1), fingerprint_of(status))
            finally:
                os.close(descriptor)
        raise Failure(Reason.LOCAL, f"{path}: is replaced again and again")


def _read_all(descriptor: int, most: int) -> bytes:
    held = bytearray()
    while piece := os.read(descriptor, most - len(held)):
        held += piece
    return bytes(held)


def _why_forbidden(path: str, policy: FilePolicy, *, ca: bool) -> str | None:
    real = os.path.realpath(path)
    try:
        status = os.stat(real)  # noqa: PTH116 -- a text
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ENOTDIR}:
            raise
        status = None
    return _refusal(real, status, policy, ca=ca)


def _refusal(real: str, status: os.stat_result | None, policy: FilePolicy, *, ca: bool) -> str | None:
    """Why the policy forbids a file, as words that follow its path; ``real`` is that path without links."""
    if of_service_account(real):
        return "lies in the folder of a service account, whose token Mooring sends to no database"
    if status is not None and any(_same(status, own) for own in policy.own):
        return "is what Mooring logs in to the cluster with, and goes to no database"
    dirs = policy.dirs_for(ca=ca)
    if dirs is None or any(inside(real, os.path.realpath(folder)) for folder in dirs):
        return None
    return f"lies at {real}, outside --secret-dirs ({', '.join(dirs) or 'none'})"


def _same(status: os.stat_result, path: str) -> bool:
    try:
        other = os.stat(path)  # noqa: PTH116 -- a text
    except OSError:
        return False
    return os.path.samestat(status, other)


secret_files = FileReader()
"""The only reader of this process."""
