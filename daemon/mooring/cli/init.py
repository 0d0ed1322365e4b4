"""``mooring init``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import click

from mooring.cli.codes import OK
from mooring.model.spec import Role
from mooring.protocols.protocol import Protocol
from mooring.protocols.registry import PROTOCOLS

HEAD = """\
# A configuration of Mooring to start from: put in your own Services and hosts. Every field: docs/configuration.md.
# Check it with `mooring validate FILE`; see the hosts now with `mooring check --config FILE`.
version: 1

defaults:
  check: # these are the defaults; they need not be written
    periodSeconds: 2 # from one probe of a host to the next
    timeoutSeconds: 1 # for the whole probe: connect, TLS, login, question, answer
    successThreshold: 2 # consecutive successes until a host is ready again
    failureThreshold: 3 # consecutive failures until a host leaves

services:
"""
SERVICE = """\
  - name: {name}-external # a Service without a selector; Mooring keeps the Endpoints of the same name
    namespace: default
    ports:
      - {{{port}}} # {said}
    hosts: # the machines that may serve
      - {{name: {name}1, address: 10.20.0.{first}}}
      - {{name: {name}2, address: 10.20.0.{second}}}
    # whenAllFail: keepLast # the last ready set stays when every host would leave; without it, none is left
    check:
"""
ROLES: Mapping[Role, tuple[str, ...]] = MappingProxyType(
    {
        Role.ANY: (),
        Role.PRIMARY: ("role: primary # at most one host is ever published: the one that says that it is the primary",),
        Role.REPLICA: (
            "role: replica # only hosts that follow a primary",
            "maxReplicationLagSeconds: 30 # one that is further behind leaves",
        ),
    }
)
PLAIN = tuple(name for name, protocol in PROTOCOLS.items() if protocol.example)
"""What is written where no block is asked for: each protocol that logs in."""
FIRST_HOST = 11
HOSTS = 10


def _protocol_options(function: click.decorators.FC) -> click.decorators.FC:
    for name in reversed([*PROTOCOLS]):
        function = click.option(f"--{name}", is_flag=True, help=f"a Service that is checked by `{name}`")(function)
    return function


@click.command()
@_protocol_options
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.ANY.value,
    show_default=True,
    help="which role the hosts must have",
)
def command(*, role: str, **wanted: bool) -> int:
    names = [name for name in PROTOCOLS if wanted[name]] or [*PLAIN]
    if Role(role) is not Role.ANY and (without := [name for name in names if not _has_roles(PROTOCOLS[name])]):
        raise click.BadParameter(f"the hosts of {without[0]} have no roles", param_hint="--role")
    click.echo(example(names, Role(role)), nl=False)
    return OK


def example(names: Iterable[str], role: Role) -> str:
    """The text of a valid file: a Service for each of these protocols."""
    return HEAD + "\n".join(_service(name, role, at) for at, name in enumerate(names))


def block(name: str, role: Role) -> list[str]:
    """The lines of a check by this protocol."""
    lines = [*PROTOCOLS[name].example, *(ROLES[role] if _has_roles(PROTOCOLS[name]) else ())]
    return [f"{name}:", *(f"  {line}" for line in lines)] if lines else [f"{name}: {{}}"]


def _service(name: str, role: Role, at: int) -> str:
    number = PROTOCOLS[name].options.default_port
    port = f"name: {name}, port: {number}" if number else "port: 80"
    said = "the name as in the Service, the number as on the hosts" if number else "the number on the hosts"
    first = FIRST_HOST + HOSTS * at
    head = SERVICE.format(name=name, port=port, said=said, first=first, second=first + 1)
    return head + "".join(f"      {line}\n" for line in block(name, role))


def _has_roles(protocol: Protocol) -> bool:
    return "role" in protocol.options.model_fields
