"""Checks the files that the configuration names: that Mooring may read them, and that they exist."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, wait

from mooring.config.fields import block_of
from mooring.config.limits import field_schemas
from mooring.config.merge import protocols
from mooring.config.node import Node
from mooring.config.problems import Problems
from mooring.model.credentials_directory import expanded, unset
from mooring.model.file_policy import FilePolicy
from mooring.model.spec import Config, ServiceSpec
from mooring.protocols.options import PATH_PATTERN, Block
from mooring.protocols.registry import PROTOCOLS
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.files import Content, secret_files
from mooring.protocols.transport.secret import LIMIT, password_of
from mooring.protocols.transport.tls import CA_LIMIT

WAIT_SECONDS = 2.0
"""For all files of a configuration together. A file that has not answered by then is checked when it is read."""
CA_FIELD = "caFile"


def check_places(root: Node, policy: FilePolicy, problems: Problems) -> None:
    """Adds a problem for each file of the merged tree that ``policy`` forbids, whether it exists or not."""
    services = root.get("services")
    checks = [check for service in (services.items if services else ()) if (check := service.get("check"))]
    paths = [one for check in checks for one in _paths_of(check)]
    places = [(node, secret_files.place(expanded(str(node.value)), policy, ca=ca)) for node, ca in paths]
    wait([place for _, place in places], WAIT_SECONDS)
    for node, place in places:
        if place.done() and place.exception() is None and (why := place.result()):
            problems.add(node.at, node.path, f"{node.value} {why}")


def _paths_of(check: Node) -> Iterator[tuple[Node, bool]]:
    """Each path of a check, and whether it is of a CA file; without paths below a folder that is not known yet."""
    for name in protocols(check):
        yield from _of_block(check.fields[name], PROTOCOLS[name].options)


def _of_block(node: Node, block: type[Block]) -> Iterator[tuple[Node, bool]]:
    schemas = field_schemas(block)
    for key, child in node.fields.items():
        if child.is_mapping and key in schemas:
            yield from _of_block(child, block_of(block, key))
        elif isinstance(child.value, str) and _is_path(child.value) and _holds_path(schemas.get(key, {})):
            yield child, key == CA_FIELD


def _is_path(text: str) -> bool:
    return expanded(text).startswith("/") and "\0" not in text


def _holds_path(schema: object) -> bool:
    if not isinstance(schema, dict):
        return False
    return schema.get("pattern") == PATH_PATTERN or any(_holds_path(arm) for arm in schema.get("anyOf", ()))


def unreadable_files(config: Config) -> list[str]:
    """A sentence for each file that is missing, unreadable or holds no password; never with its content.

    A file that does not answer has none: a start while a mount hangs still serves all hosts that do not need it.
    """
    found = [(service, path) for service in config.services for path in service.check.options.files()]
    reads = {path: _begin(path, service) for service, path in found if not unset(path)}
    wait(reads.values(), WAIT_SECONDS)
    return list(filter(None, (_sentence(service, path, reads.get(path)) for service, path in found)))


def _begin(path: str, service: ServiceSpec) -> Future[Content]:
    password = path in service.check.options.passwords()
    return secret_files.begin(path, LIMIT if password else CA_LIMIT, ca=not password)


def _sentence(service: ServiceSpec, path: str, read: Future[Content] | None) -> str | None:
    why = f"{path}: {unset(path)}" if read is None else _why_unusable(service, path, read)
    return f"{service.key}: check.{service.check.protocol}: {why}" if why else None


def _why_unusable(service: ServiceSpec, path: str, read: Future[Content]) -> str | None:
    if not read.done():
        return None
    try:
        content = read.result().data
        if path in service.check.options.passwords():
            password_of(path, content)
    except Failure as failure:
        return failure.message
    return None if content else f"{path}: empty"
