"""A small name server on loopback: what it holds is a dict, and it can fall silent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset


@dataclass
class Nameserver:
    """``records``: name without its last dot → addresses; a name that is missing does not exist."""

    port: int
    records: dict[str, list[str]] = field(default_factory=dict)
    silent: bool = False
    ttl: int = 0
    fails: dict[dns.rdatatype.RdataType, dns.rcode.Rcode] = field(default_factory=dict)
    """Kinds of records for which it gives an error."""
    asked: list[str] = field(default_factory=list)

    def resolver(self) -> dns.resolver.Resolver:
        """A resolver that asks this server only."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = self.port
        return resolver

    def answer(self, wire: bytes) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        self.asked.append(name)
        if self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA | dns.flags.RA
        if question.rdtype in self.fails:
            response.set_rcode(self.fails[question.rdtype])
            return response.to_wire()
        if name not in self.records:
            response.set_rcode(dns.rcode.NXDOMAIN)
        wanted = ":" if question.rdtype == dns.rdatatype.AAAA else "."
        if found := [address for address in self.records.get(name, []) if wanted in address]:
            response.answer.append(dns.rrset.from_text(question.name, self.ttl, "IN", question.rdtype, *found))
        return response.to_wire()


@contextmanager
def nameserver() -> Iterator[Nameserver]:
    """Serves until the block ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        door.settimeout(0.05)
        server, ended = Nameserver(door.getsockname()[1]), threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    wire, asker = door.recvfrom(4096)
                except TimeoutError:
                    continue
                if (answer := server.answer(wire)) is not None:
                    door.sendto(answer, asker)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server
        ended.set()
        thread.join()
