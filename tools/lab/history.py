"""Every version of every manifest that a daemon ever published, for an oracle to judge one by one."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import yaml

from lab.closed_files import ClosedFiles

_CREATE, _MOVED_FROM, _MOVED_TO, _CLOSE_WRITE, _DELETE, _OVERFLOW = 0x100, 0x40, 0x80, 0x8, 0x200, 0x4000
_MASK = _CREATE | _MOVED_FROM | _MOVED_TO | _CLOSE_WRITE | _DELETE
_HEAD = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


def addresses(manifest: dict[str, Any] | None, kind: str) -> list[str]:
    """The IPs in ``addresses`` or ``notReadyAddresses`` of an Endpoints manifest, in its order."""
    subsets = (manifest or {}).get("subsets") or []
    return [entry["ip"] for subset in subsets for entry in subset.get(kind) or []]


@dataclass(frozen=True, slots=True)
class Version:
    """One content of one manifest; None where the file was removed. ``seen`` is monotonic seconds."""

    service: str
    seen: float
    text: str | None
    revision: int = 0
    """Of etcd, where it is from there: counts every write of anything."""

    @property
    def manifest(self) -> dict[str, Any] | None:
        loaded: dict[str, Any] | None = None if self.text is None else yaml.safe_load(self.text)
        return loaded

    @property
    def ready(self) -> list[str]:
        return addresses(self.manifest, "addresses")

    @property
    def not_ready(self) -> list[str]:
        return addresses(self.manifest, "notReadyAddresses")


class _Event(NamedTuple):
    watch: int
    mask: int
    cookie: int
    name: str


class History:
    """Watches a state directory: ``with History(directory) as history``.

    The writer fills a temporary file in the same folder, each time under a new name, and renames it. The file is
    opened while it still bears that name, and so a version can be read also after the next one replaced it. Where even
    that came too late, ``closed`` has the file, if the kernel lets us. Otherwise the rename shows a file that was
    recorded already: that is counted in ``missed``, and an oracle asserts that it is 0.
    """

    def __init__(
        self, directory: Path, namespaces: Sequence[str] = ("default",), closed: ClosedFiles | None = None
    ) -> None:
        self.missed = 0
        self._closed = ClosedFiles() if closed is None else closed
        self._versions: list[Version] = []
        self._held: dict[tuple[int, str], int] = {}
        self._moving: dict[int, int] = {}
        self._last: dict[str, int] = {}
        self._folders: dict[int, Path] = {}
        self._inotify = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        self._ending, self._end = os.pipe()
        for namespace in namespaces:
            self._watch(directory / namespace)
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def _watch(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        watch = _libc.inotify_add_watch(self._inotify, os.fsencode(folder), _MASK)
        if watch < 0:
            raise OSError(ctypes.get_errno(), f"inotify_add_watch: {folder}")
        self._folders[watch] = folder
        self._closed.watch(folder)
        for path in sorted(folder.glob("*.yaml")):
            self._record(path, os.open(path, os.O_RDONLY))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends after all that happened until now is recorded."""
        os.close(self._end)
        self._thread.join()
        for descriptor in (*self._held.values(), *self._moving.values(), *self._last.values()):
            os.close(descriptor)
        os.close(self._ending)
        os.close(self._inotify)
        self._closed.close()

    def of(self, service: str) -> list[Version]:
        """The versions of ``NAMESPACE/NAME`` until now, the oldest first."""
        return [version for version in self.all() if version.service == service]

    def all(self) -> list[Version]:
        return list(self._versions)

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # only root may; on a busy machine a late look misses a version
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -15)
        going = True
        while going:
            waiting, _, _ = select.select([self._inotify, self._ending], [], [])
            going = self._ending not in waiting
            for event in self._events():
                self._take(event)

    def _events(self) -> Iterator[_Event]:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._inotify, 65536):
                while data:
                    watch, mask, cookie, length = _HEAD.unpack_from(data)
                    name = data[_HEAD.size : _HEAD.size + length].rstrip(b"\0")
                    data = data[_HEAD.size + length :]
                    yield _Event(watch, mask, cookie, os.fsdecode(name))

    def _take(self, event: _Event) -> None:
        if event.mask & _OVERFLOW:
            self.missed += 1
            return
        path = self._folders[event.watch] / event.name
        key = event.watch, event.name
        if event.mask & (_CREATE | _CLOSE_WRITE) and not _is_manifest(path):
            self._hold(key, path)
        elif event.mask & _CLOSE_WRITE:
            self._written(path)
        elif event.mask & _MOVED_FROM:
            self._leave(key, path, event.cookie)
        elif event.mask & _MOVED_TO:
            self._arrive(path, event.cookie)
        elif event.mask & _DELETE:
            self._gone(key, path)

    def _hold(self, key: tuple[int, str], path: Path) -> None:
        """Opens a file before it gets its final name."""
        if key not in self._held:
            with contextlib.suppress(OSError):
                self._held[key] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def _leave(self, key: tuple[int, str], path: Path, cookie: int) -> None:
        if key in self._held:
            self._moving[cookie] = self._held.pop(key)
        else:
            self._gone(key, path)

    def _arrive(self, path: Path, cookie: int) -> None:
        descriptor = self._closed.take(path, self._moving.pop(cookie, None))
        try:
            self._record(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC) if descriptor is None else descriptor)
        except FileNotFoundError:
            self.missed += 1

    def _gone(self, key: tuple[int, str], path: Path) -> None:
        if key in self._held:
            os.close(self._held.pop(key))
        if (service := _service(path)) in self._last:
            os.close(self._last.pop(service))
            self._versions.append(Version(service, time.monotonic(), None))

    def _written(self, path: Path) -> None:
        """Somebody wrote in place, as a person's editor may."""
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._closed.take(path, descriptor)
            self._keep(_service(path), descriptor)

    def _record(self, path: Path, descriptor: int) -> None:
        before = self._last.get(_service(path))
        if before is not None and os.path.sameopenfile(before, descriptor):
            os.close(descriptor)
            self.missed += 1
        else:
            self._keep(_service(path), descriptor)

    def _keep(self, service: str, descriptor: int) -> None:
        """The last file of each manifest stays open, so that its inode number cannot come back."""
        if service in self._last:
            os.close(self._last[service])
        self._last[service] = descriptor
        text = os.pread(descriptor, 1 << 24, 0).decode()
        self._versions.append(Version(service, time.monotonic(), text))


def _is_manifest(path: Path) -> bool:
    return path.suffix == ".yaml" and not path.name.startswith(".")


def _service(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"
