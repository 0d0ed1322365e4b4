"""The embedded cluster: a folder of manifests.

``FOLDER/NAMESPACE/SERVICE.yaml`` is the Endpoints of a Service, ``FOLDER/NAMESPACE/NAME.endpointslice.yaml`` a slice.
The version of an object is the SHA-256 of its file. Writers that are Mooring take turns by a lock on the folder;
a person's editor takes none, so an edit saved within the same millisecond as a write may be lost, as with any editor.
"""

from __future__ import annotations

import fcntl
import hashlib
import math
import os
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from mooring.cluster.manifest import merged, parse
from mooring.cluster.slice_manifest import merged_slice, parse_slice, service_of
from mooring.model.errors import Conflict, Rejected, Unavailable
from mooring.model.fingerprint import FileFingerprint, fingerprint_of
from mooring.model.objects import EndpointsWrite, PublishTarget, Refusal, SliceWrite, StoredEndpoints, StoredSlice
from mooring.model.spec import ServiceKey, ServiceSpec

SLICE = ".endpointslice.yaml"
"""Ends the name of a slice's file; no Service's name has a dot."""
# libyaml is ten times as fast, and a thousand hosts are read and written at a time.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
POLL_SECONDS = 1.0
"""How often the folder is looked through for somebody else's edits."""
TURN_SECONDS = 5.0


class LocalCluster:
    """A ``cluster.protocol.Cluster`` that is a folder; it is created where it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parsed: dict[ServiceKey, tuple[FileFingerprint, StoredEndpoints]] = {}
        self._slices: dict[Path, tuple[FileFingerprint, str, StoredSlice]] = {}
        self._names: dict[str, tuple[FileFingerprint, tuple[str, ...]]] = {}
        self._writing = threading.Lock()
        self._stopped = threading.Event()

    def start(self, wake: Callable[[Iterable[ServiceKey]], None]) -> None:
        """A folder reports nothing by itself, so a thread looks through it."""
        threading.Thread(target=self._poll, args=(wake, self._marks()), name="folder", daemon=True).start()

    def follow(self, namespaces: Collection[str]) -> None:
        """Does nothing: the whole folder is looked through anyway."""

    def stop(self) -> None:
        self._stopped.set()

    def _poll(self, wake: Callable[[Iterable[ServiceKey]], None], known: dict[Path, FileFingerprint]) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            marks = self._marks()
            changed = {path for path, _ in marks.items() ^ known.items()}
            known = marks
            if changed:
                wake({key for path in changed for key in _services(path)})

    def _marks(self) -> dict[Path, FileFingerprint]:
        """The fingerprint of each manifest in the folder; a file that cannot be read counts as missing."""
        found: dict[Path, FileFingerprint] = {}
        with suppress(OSError):
            for path in self._folder.glob("*/*.yaml"):
                with suppress(OSError):
                    found[path] = fingerprint_of(path.stat())
        return found

    def wait(self, seconds: float) -> bool:  # noqa: ARG002 -- the protocol's
        return True

    def serving(self, spec: ServiceSpec) -> PublishTarget | Refusal:
        """The ports of the file: a folder has no Services."""
        return PublishTarget(spec.ports)

    def read(self, key: ServiceKey) -> StoredEndpoints | None:
        """The stored object; a file that did not change since the last read is not parsed again."""
        try:
            mark = fingerprint_of(self._path(key).stat())
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

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:  # noqa: ARG002 -- a folder takes no time
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
        """The slices of a Service, found by their names; nobody else makes slices here."""
        folder = self._folder / key.namespace
        try:
            names = [name for name in self._slice_names(key.namespace) if name.startswith(f"{key.name}-mooring-")]
            found = [self._slice(folder / name) for name in names]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Unavailable(f"{folder}: {error.strerror}") from error
        return tuple(held for service, held in found if service == key.name)

    def is_fresh(self, key: ServiceKey) -> bool:  # noqa: ARG002 -- the protocol's
        return True

    def apply_slice(self, change: SliceWrite, until: float = math.inf) -> StoredSlice | None:  # noqa: ARG002 -- as ``apply``
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
    def _put_slice(path: Path, change: SliceWrite) -> None:
        present = _present(path, change.before.version if change.before else None)
        if change.after is None:
            path.unlink()
        else:
            _replace(path, _dumped(merged_slice(_document(path, present) if present else {}, change, change.after)))

    def _slice_names(self, namespace: str) -> tuple[str, ...]:
        """The names of the slices' files; a folder that did not change is not listed again."""
        folder = self._folder / namespace
        mark = fingerprint_of(folder.stat())
        known = self._names.get(namespace)
        if known is None or known[0] != mark:
            names = tuple(sorted(file.name for file in folder.glob(f"*{SLICE}")))
            self._names[namespace] = known = (mark, names)
        return known[1]

    def _slice(self, path: Path) -> tuple[str, StoredSlice]:
        """The Service that a slice is of, and what it says."""
        mark = fingerprint_of(path.stat())
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
        """Threads of ours wait for each other; another Mooring is not waited for."""
        if not self._writing.acquire(timeout=TURN_SECONDS):
            raise Unavailable(f"{self._folder}: a write before this one takes more than {TURN_SECONDS:g} s")
        try:
            with self._locked():
                yield
        finally:
            self._writing.release()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / ".lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Unavailable(f"{self._folder}: another Mooring is writing here") from error
            yield


def _services(path: Path) -> Iterator[ServiceKey]:
    """The Services that the manifest may belong to: the name of a slice begins with that of its Service."""
    namespace, parts = path.parent.name, path.name.split("-mooring-")
    if not path.name.endswith(SLICE):
        yield ServiceKey(namespace, path.stem)
    for count in range(1, len(parts)):
        yield ServiceKey(namespace, "-mooring-".join(parts[:count]))


def _stored(key: ServiceKey, content: bytes) -> StoredEndpoints:
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
    """What the file holds now. Raises Conflict: it is not the version that the change was decided on."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = None
    version = None if content is None else hashlib.sha256(content).hexdigest()
    if version != before:
        raise Conflict(f"the stored manifest of {path.parent.name}/{path.stem} was changed by somebody else")
    return content


def _content(change: EndpointsWrite, present: bytes | None) -> bytes:
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
