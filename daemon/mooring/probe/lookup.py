"""Looks a DNS name up within a total lifetime: /etc/hosts first, then A and AAAA apart, at every name server.

It reads /etc/resolv.conf with its search domains. It waits for no name server that does not answer at once: it asks the
next one beside it, and the first that knows the name decides. A failure of one family does not hide the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

from mooring.model.addresses import parse

LIFETIME_SECONDS = 2.0
STAGGER_SECONDS = 0.3
"""After this, Mooring asks the next name server too."""
RETRY_SECONDS = 0.8
"""After this, Mooring asks the same name server once more, as a packet may be lost."""
HOSTS = "/etc/hosts"
HOSTS_LIMIT = 1024 * 1024
"""Bytes of the file that Mooring reads at most."""
FAMILIES, VERSIONS = (dns.rdatatype.A, dns.rdatatype.AAAA), (4, 6)

NO_SUCH_NAME = "no such name"
NO_ADDRESS = "the name has no address"
NO_ANSWER = "no name server answers in time"
NO_SERVER = "no name server is configured"
NO_NAME = "the name cannot be looked up"


@dataclass(frozen=True, slots=True)
class Lookup:
    """The addresses of a name now, sorted; ``why`` there are none, in words."""

    addresses: tuple[str, ...] = ()
    ttl: float | None = None
    """Seconds for which the answer holds; None: the answer names no time."""
    why: str = ""
    unknown: frozenset[int] = frozenset()
    """The IP versions (4, 6) for which the lookup failed."""


@dataclass(frozen=True, slots=True)
class _Family:
    """The result for one family; ``failed``: no name server said whether there are addresses."""

    addresses: tuple[str, ...] = ()
    ttl: float | None = None
    why: str = ""
    failed: bool = False


def lookup(name: str, make: Callable[[], dns.resolver.Resolver] = dns.resolver.Resolver) -> Lookup:
    """The IPv4 and IPv6 addresses that the name holds now, in the caller's thread; see ``look_up``."""
    return asyncio.run(look_up(name, make))


async def look_up(
    name: str, make: Callable[[], dns.resolver.Resolver] = dns.resolver.Resolver, hosts: str = HOSTS
) -> Lookup:
    """Never raises and ends within its lifetime.

    ``make`` gives a resolver; the ordinary one reads the system's configuration anew each time.
    """
    if listed := in_hosts_file(name, hosts):
        return Lookup(listed)
    try:
        configured = make()
    except (dns.exception.DNSException, OSError, ValueError):
        return Lookup(why=NO_SERVER)
    if not configured.nameservers:
        return Lookup(why=NO_SERVER)
    return _merge(await asyncio.gather(*(_family(name, family, configured) for family in FAMILIES)))


def in_hosts_file(name: str, path: str = HOSTS) -> tuple[str, ...]:
    """The addresses that the file lists for the name; none where the file cannot be read."""
    bare, found = name.rstrip(".").lower(), set[str]()
    with suppress(OSError), Path(path).open("rb") as file:
        for line in file.read(HOSTS_LIMIT).decode("utf-8", "replace").splitlines():
            address, *names = line.partition("#")[0].split() or [""]
            if bare in map(str.lower, names) and (literal := parse(address)) is not None:
                found.add(str(literal))
    return tuple(sorted(found))


def _merge(families: Iterable[_Family]) -> Lookup:
    found = list(families)
    addresses = tuple(sorted({address for one in found for address in one.addresses}))
    if addresses:
        unknown = frozenset(version for version, one in zip(VERSIONS, found, strict=True) if one.failed)
        return Lookup(addresses, min(one.ttl for one in found if one.ttl is not None), unknown=unknown)
    failed = next((one.why for one in found if one.failed), "")
    return Lookup(why=failed or next(one.why for one in found))


async def _family(name: str, family: dns.rdatatype.RdataType, configured: dns.resolver.Resolver) -> _Family:
    """The first answer that is no failure; where all name servers fail, the last failure."""
    asking = [
        asyncio.create_task(_ask(name, family, _with_server(configured, server), number * STAGGER_SECONDS))
        for number, server in enumerate(configured.nameservers)
    ]
    last = _Family(why=NO_ANSWER, failed=True)
    try:
        async with asyncio.timeout(LIFETIME_SECONDS):
            for next_one in asyncio.as_completed(asking):
                result = await next_one
                if not result.failed:
                    return result
                last = result if result.why != NO_ANSWER else last
    except TimeoutError:
        pass
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return last


def _with_server(configured: dns.resolver.Resolver, server: object) -> dns.asyncresolver.Resolver:
    """The same configuration with one name server."""
    one = dns.asyncresolver.Resolver(configure=False)
    one.nameservers = [server]  # type: ignore[list-item]  # a string or one of the library's own
    one.port, one.domain = configured.port, configured.domain
    one.search, one.ndots = configured.search, configured.ndots
    one.timeout, one.lifetime, one.use_search_by_default = RETRY_SECONDS, LIFETIME_SECONDS, True
    return one


async def _ask(
    name: str, family: dns.rdatatype.RdataType, resolver: dns.asyncresolver.Resolver, delay: float
) -> _Family:
    await asyncio.sleep(delay)
    try:
        answer = await resolver.resolve(name, family)
    except dns.resolver.NXDOMAIN:
        return _Family(why=NO_SUCH_NAME)
    except dns.resolver.NoAnswer:
        return _Family(why=NO_ADDRESS)
    except dns.exception.Timeout:
        return _Family(why=NO_ANSWER, failed=True)
    except dns.resolver.NoNameservers as error:
        return _Family(why=_why_refused(error), failed=True)
    except (dns.exception.DNSException, OSError, ValueError) as error:
        return _Family(why=f"{NO_NAME}: {type(error).__name__}", failed=True)
    return _Family(tuple(item.address for item in answer), float(answer.chaining_result.minimum_ttl))


def _why_refused(error: dns.resolver.NoNameservers) -> str:
    """The error code that the name server answered, as a sentence."""
    errors = error.kwargs.get("errors") or []
    code = str(errors[-1][3]) if errors else ""
    return f"the name server gives {code}" if code.isupper() else NO_ANSWER
