"""Writes a commented configuration file. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from mooring.cli.imported import Imported, ImportedHost
from mooring.cli.init import block
from mooring.config.models import DEFAULT_NAMESPACE
from mooring.config.scalars import resolve
from mooring.model.spec import Port, Publish, Role

HEAD = """\
# Written by `mooring import` from what a cluster holds. Read it before you use it: the cluster does not know all.
# Then: `mooring validate FILE`, `mooring check --config FILE`, `mooring plan --config FILE`. Every field:
# docs/configuration.md.
version: 1

services:
"""


def file_text(services: Iterable[Imported]) -> str:
    """The whole file."""
    return HEAD + "\n".join("".join(f"{line}\n" for line in _service(one)) for one in services)


def _service(found: Imported) -> Iterator[str]:
    yield "  # Not known from the cluster:"
    yield from (f"  # - {plain(sentence)}." for sentence in found.unknown)
    yield f"  - name: {scalar(found.key.name)}"
    if found.key.namespace != DEFAULT_NAMESPACE:
        yield f"    namespace: {scalar(found.key.namespace)}"
    if found.publish is not Publish.ENDPOINTS:
        yield f"    publish: {found.publish.value}"
    yield "    ports:" + ("" if len(found.ports) == 1 else " # the first one is probed")
    yield from (f"      - {_port(port)}" for port in found.ports)
    yield "    hosts:"
    yield from (f"      - {_host(host)}" for host in found.hosts)
    yield "    check:"
    yield from (f"      {line}" for line in block(found.protocol, Role.ANY))


def _port(port: Port) -> str:
    name = f"name: {scalar(port.name)}, " if port.name else ""
    return f"{{{name}port: {port.port}}}"


def _host(host: ImportedHost) -> str:
    fields = {"name": host.name, "address": host.address, "zone": host.zone}
    written = [f"{field}: {scalar(text)}" for field, text in fields.items() if text]
    written += ["maintenance: true"] if host.maintenance else []
    if len(written) == 1:
        return scalar(host.address)
    return f"{{{', '.join(written)}}}" + (" # was not ready" if host.maintenance else "")


def scalar(text: str) -> str:
    """The text as YAML has it; in quotes where it would be something else without."""
    bare = text.isascii() and text.replace("-", "a").replace(".", "a").isalnum() and text[0] != "-"
    return text if bare and resolve(text) == text else json.dumps(text)


def plain(sentence: str) -> str:
    """A sentence that a comment can hold: on one line, without what no file may have."""
    return "".join(one if one.isprintable() else "?" for one in " ".join(sentence.split()))
