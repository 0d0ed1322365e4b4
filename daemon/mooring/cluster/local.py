"""The embedded cluster: a folder of Endpoints manifests, one file a Service, ``FOLDER/NAMESPACE/NAME.yaml``.

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
from mooring.decide.plan import Refusal
from mooring.errors import Conflict, Rejected, Unavailable
from mooring.model import Change, ServiceKey, ServiceSpec, Serving, Stored


class LocalCluster:
    """A ``cluster.protocol.Cluster`` that is a folder; it is created where it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parsed: dict[ServiceKey, tuple[tuple[int, ...], Stored]] = {}

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
                content = _content(change, _present(path, change))
                _replace(path, content)
        except OSError as error:
            raise Unavailable(f"{path}: {error.strerror}") from error
        return _stored(change.key, content)

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


def _mark(path: Path) -> tuple[int, ...]:
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


def _stored(key: ServiceKey, content: bytes) -> Stored:
    return parse(key, _document(key, content), hashlib.sha256(content).hexdigest())


def _document(key: ServiceKey, content: bytes) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise Rejected(f"the stored manifest of {key} is not valid YAML{line}; repair or remove the file") from error
    if not isinstance(document, dict):
        raise Rejected(f"the stored manifest of {key} is no Kubernetes object; repair or remove the file")
    return document


def _present(path: Path, change: Change) -> bytes | None:
    """What the file holds now, if that still is what the change was decided on."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = None
    version = None if content is None else hashlib.sha256(content).hexdigest()
    if version != (change.before.version if change.before else None):
        raise Conflict(f"the stored manifest of {change.key} was changed by somebody else")
    return content


def _content(change: Change, present: bytes | None) -> bytes:
    document = {} if present is None else _document(change.key, present)
    return yaml.safe_dump(merged(document, change), sort_keys=False, allow_unicode=True).encode()


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
