"""What the API of older and newer Kubernetes takes: fields, their types, and which must be there.

It is read from the Python client of each version, whose models are generated from that version's OpenAPI document. The
clients are locked (requirements/kubernetes-VERSION.txt), kept outside the repository, and never imported.

python -m kube.schemas      installs what is missing of them
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kube import build
from lab import wheels
from lab.exclusive import alone

LOCKS = Path(__file__).parents[2] / "requirements"
VERSIONS = ("1.25", "1.30", "1.36")
"""The oldest that the chart takes, the first with admission policies, and that of the test cluster."""
_PLAIN: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,), "object": (object,), "datetime": (str,)}
)
_MANY = re.compile(r"(list|dict)[\[(](?:str, )?(.+)[\])]")
_MISSING = re.compile(r"Invalid value for `(\w+)`, must not be `None`")


@dataclass(frozen=True, slots=True)
class Field:
    """``kind`` in the words of the client: `str`, `list[V1Container]`, `dict(str, str)`."""

    kind: str
    required: bool


def folder(version: str) -> Path:
    """Where the client of a version is, or will be."""
    lock = hashlib.sha256(_lock(version).read_bytes()).hexdigest()[:16]
    return build.cache() / f"schemas-{version}-{lock}"


def _lock(version: str) -> Path:
    return LOCKS / f"kubernetes-{version}.txt"


def missing() -> list[str]:
    """The versions whose schemas are not here yet."""
    absent = [version for version in VERSIONS if not folder(version).exists()]
    return [f"schemas of Kubernetes {', '.join(absent)} (tools/bootstrap.sh schemas fetches them)"] if absent else []


def install() -> None:
    """Installs what is missing. Raises RuntimeError: as ``wheels.install`` does."""
    for version in VERSIONS:
        place = folder(version)
        with alone(place.with_suffix(f"{place.suffix}.lock")):
            if not place.exists():
                wheels.install(_lock(version), place)


def complaints(version: str, manifest: Mapping[str, Any]) -> list[str]:
    """What the API server of that version would refuse in a manifest, each with the field's path.

    Unknown fields are refused, as `kubectl --validate=strict` does; values are held to their types and no further.
    """
    client = folder(version) / "kubernetes/client"
    name = _model_of(client, manifest["apiVersion"], manifest["kind"])
    if name is None:
        return [f"Kubernetes {version} has no {manifest['apiVersion']} {manifest['kind']}"]
    return list(_complaints(client, name, manifest, ""))


@cache
def _model_of(client: Path, api_version: str, kind: str) -> str | None:
    """The client's name for what a version of a group calls ``kind``; None where that is not served."""
    group, _, version = api_version.rpartition("/")
    named = f"{group.removesuffix('.k8s.io').replace('.', '_') or 'core'}_{version}_api.py"
    path = client / "api" / named
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    call = rf"def create_(?:namespaced_)?{_words(kind)}\("
    found = re.search(call + r".*?:(?:param (\w+) body:|type body: (\w+))", text, re.DOTALL)
    return found and (found[1] or found[2])


def _words(name: str) -> str:
    """As the client has a name in those of files and functions: `V1IPBlock` is `v1_ip_block`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


@cache
def _fields(client: Path, model: str) -> Mapping[str, Field]:
    """The fields of a model, by the names that they have in a manifest."""
    text = (client / "models" / f"{_words(model)}.py").read_text(encoding="utf-8")
    tables = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            tables[node.targets[0].id] = node.value
    kinds, names = (ast.literal_eval(tables[table]) for table in ("openapi_types", "attribute_map"))
    required = set(_MISSING.findall(text))
    return {names[own]: Field(kind, own in required) for own, kind in kinds.items()}


def _complaints(client: Path, kind: str, value: Any, path: str) -> Iterator[str]:
    if many := _MANY.fullmatch(kind):
        yield from _of_many(client, many[1], many[2], value, path)
    elif kind not in _PLAIN:
        yield from _of_object(client, kind, value, path)
    elif not isinstance(value, _PLAIN[kind]) or (isinstance(value, bool) and kind in ("int", "float")):
        yield f"{path}: {value!r} is no {kind}"


def _of_many(client: Path, shape: str, kind: str, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list if shape == "list" else dict):
        yield f"{path}: {value!r} is no {shape} of {kind}"
        return
    pairs = enumerate(value) if isinstance(value, list) else value.items()
    for key, one in pairs:
        yield from _complaints(client, kind, one, f"{path}[{key}]")


def _of_object(client: Path, kind: str, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no {kind}"
        return
    fields = _fields(client, kind)
    given = {name: one for name, one in value.items() if one is not None}
    for name in [name for name, field in fields.items() if field.required and name not in given]:
        yield f"{path}.{name}: is missing"
    for name, one in given.items():
        if name in fields:
            yield from _complaints(client, fields[name].kind, one, f"{path}.{name}")
        else:
            yield f"{path}.{name}: {kind} has no such field"


if __name__ == "__main__":
    try:
        install()
    except RuntimeError as error:
        sys.exit(str(error))
