"""The embedded cluster: a folder of manifests.

``FOLDER/NAMESPACE/SERVICE.yaml`` is the Endpoints of a Service, ``FOLDER/NAMESPACE/NAME.endpointslice.yaml`` a slice.
The version of an object is the SHA-256 of its file. Writers that are Mooring take turns by a lock on the folder;
a person's editor takes none, so an edit saved within the same millisecond as a write may be lost, as with any editor.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from mooring.cluster.manifest import merged, parse
from mooring.cluster.slice_manifest import merged_slice, parse_slice, service_of
from mooring.decide.plan import Refusal
from mooring.errors import Conflict, Rejected, Unavailable
from mooring.model import Change, Serving, Stored
from mooring.picture import SliceChange, StoredSlice
from mooring.spec import ServiceKey, ServiceSpec

SLICE = ".endpointslice.yaml"
# Those in C are ten times as fast, and a thousand hosts are read and written in one go.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""Ends the name of a slice's file; no Service's name has a dot."""
Mark = tuple[int, ...]


class LocalCluster:
    """A ``cluster.protocol.Cluster`` that is a folder; it is created where it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parsed: dict[ServiceKey, tuple[Mark, Stored]] = {}
        self._slices: dict[Path, tuple[Mark, str, StoredSlice]] = {}
        self._names: dict[str, tuple[Mark, tuple[str, ...]]] = {}

    def start(self, wake: Callable[[Iterable[ServiceKey]], None]) -> None:
        """A folder tells of nothing; it is cheap to look."""

    def follow(self, namespaces: Collection[str]) -> None:
        """As ``start``."""

    def stop(self) -> None:
        """Nothing was begun."""

    def wait(self, seconds: float) -> bool:  # noqa: ARG002 -- the protocol's
        return True

    def serving(self, spec: ServiceSpec) -> Serving | Refusal:
        """There are no Services here: the file says all."""
        return Serving(spec.ports)

    def read(self, key: ServiceKey) -> Stored | None:
        """The stored object; a file that did not change since the last read is not parsed again."""
        try:
            mark = _mark(self._path(key))
            known = self._parsed.get(key)
            if known and known[0] == mark:
                return known[1]
            stored = _stored(key, self._path(key).read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"{self._path(key)}: {error.strerror}") from error
        self._parsed[key] = (mark, stored)
        return stored

    def apply(self, change: Change) -> Stored:
        """Replaces the file in one step: a reader sees the old one or the new one, whole."""
        path = self._path(change.key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._turn():
                present = _present(path, change.before.version if change.before else None)
                content = _content(change, present)
                _replace(path, content)
        except OSError as error:
            raise Unavailable(f"{path}: {error.strerror}") from error
        return _stored(change.key, content)

    def slices(self, key: ServiceKey) -> tuple[StoredSlice, ...]:
        """Those of our names that bear the Service's; nobody else makes slices here."""
        folder = self._folder / key.namespace
        try:
            names = [name for name in self._slice_names(key.namespace) if name.startswith(f"{key.name}-mooring-")]
            found = [self._slice(folder / name) for name in names]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Unavailable(f"{folder}: {error.strerror}") from error
        return tuple(held for service, held in found if service == key.name)

    def apply_slice(self, change: SliceChange) -> StoredSlice | None:
        """As ``apply``."""
        name = change.after.name if change.after else change.before.slice.name if change.before else ""
        path = self._folder / change.key.namespace / f"{name}{SLICE}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._turn():
                self._put_slice(path, change)
            self._names.pop(change.key.namespace, None)
            return self._slice(path)[1] if change.after else None
        except OSError as error:
            raise Unavailable(f"{path}: {error.strerror}") from error

    @staticmethod
    def _put_slice(path: Path, change: SliceChange) -> None:
        present = _present(path, change.before.version if change.before else None)
        if change.after is None:
            path.unlink()
        else:
            _replace(path, _dumped(merged_slice(_document(path, present) if present else {}, change, change.after)))

    def _slice_names(self, namespace: str) -> tuple[str, ...]:
        """The names of the slices' files; a folder that did not change is not listed again."""
        folder = self._folder / namespace
        mark = _mark(folder)
        known = self._names.get(namespace)
        if known is None or known[0] != mark:
            names = tuple(sorted(file.name for file in folder.glob(f"*{SLICE}")))
            self._names[namespace] = known = (mark, names)
        return known[1]

    def _slice(self, path: Path) -> tuple[str, StoredSlice]:
        """The Service that a slice is of, and what it says."""
        mark = _mark(path)
        known = self._slices.get(path)
        if known is None or known[0] != mark:
            content = path.read_bytes()
            document = _document(path, content)
            held = parse_slice(document, hashlib.sha256(content).hexdigest())
            self._slices[path] = known = (mark, service_of(document), held)
        return known[1:]

    def _path(self, key: ServiceKey) -> Path:
        return self._folder / key.namespace / f"{key.name}.yaml"

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with (self._folder / ".lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Unavailable(f"{self._folder}: another Mooring is writing here") from error
            yield


def _mark(path: Path) -> Mark:
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


def _stored(key: ServiceKey, content: bytes) -> Stored:
    return parse(key, _document(key, content), hashlib.sha256(content).hexdigest())


def _document(key: ServiceKey | Path, content: bytes) -> Mapping[str, Any]:
    try:
        document = yaml.load(content, _Loader)  # noqa: S506 -- it is a safe one
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise Rejected(f"the stored manifest of {key} is not valid YAML{line}; repair or remove the file") from error
    if not isinstance(document, dict):
        raise Rejected(f"the stored manifest of {key} is no Kubernetes object; repair or remove the file")
    return document


def _present(path: Path, before: str | None) -> bytes | None:
    """What the file holds now, if that still is the version that the change was decided on."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = None
    version = None if content is None else hashlib.sha256(content).hexdigest()
    if version != before:
        raise Conflict(f"the stored manifest of {path.parent.name}/{path.stem} was changed by somebody else")
    return content


def _content(change: Change, present: bytes | None) -> bytes:
    document = {} if present is None else _document(change.key, present)
    return _dumped(merged(document, change))


def _dumped(document: Mapping[str, Any]) -> bytes:
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True)).encode()


def _replace(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
            os.fchmod(descriptor, 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
