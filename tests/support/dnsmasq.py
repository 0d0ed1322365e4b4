"""A real name server in a namespace, and processes that ask it instead of the machine's own."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import dns.exception
import dns.message
import dns.query

from lab.network import Host, inside
from lab.process import Server, command
from lab.swapped import swap_text

T = TypeVar("T")
_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
_libc = ctypes.CDLL(None, use_errno=True)


class Dnsmasq(Server):
    """Knows the names under ``test`` that it was told, and no other.

    ``freeze`` and ``thaw`` as any server: frozen, it takes questions and answers none.
    """

    usual_port = 53
    kind = "dnsmasq"

    def __init__(self, host: Host, records: Mapping[str, Sequence[str]]) -> None:
        super().__init__(address=host.address, netns=host.netns)
        self._records = dict(records)
        with inside(host.netns):  # it runs as nobody
            Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")

    @property
    def resolv_conf(self) -> Path:
        """To be put in the place of /etc/resolv.conf."""
        return self.directory / "resolv.conf"

    def tell(self, name: str, *addresses: str) -> None:
        """From now on the name has these addresses; without any, it does not exist."""
        self._records[name] = addresses
        self._write()
        os.kill(self.pid, signal.SIGHUP)

    def _write(self) -> None:
        lines = [f"{address} {name}\n" for name, addresses in self._records.items() for address in addresses]
        swap_text(self.directory / "hosts", "".join(lines))  # it may still read the one before

    def _prepare(self) -> None:
        self._write()
        self.resolv_conf.write_text(f"nameserver {self.address}\noptions attempts:1 timeout:5\n")

    def _command(self) -> list[str]:
        program = command("dnsmasq")
        if program is None:
            raise RuntimeError("dnsmasq is not installed")
        what = ["--no-resolv", "--no-hosts", f"--addn-hosts={self.directory / 'hosts'}", "--local=/test/"]
        where = [f"--listen-address={self.address}", f"--port={self.port}", "--bind-interfaces"]
        how = ["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=nobody", "--log-facility=-"]
        return [program, *what, *where, *how]

    def listening(self) -> bool:
        return True  # it has no control socket: ``serves`` asks

    def serves(self) -> bool:
        with inside(self.netns):
            try:
                dns.query.udp(dns.message.make_query("is-it-there.test", "A"), self.address, 0.2, self.port)
            except (OSError, dns.exception.DNSException):
                return False
        return True


def asking(resolv_conf: Path, start: Callable[[], T]) -> T:
    """Calls ``start`` where this file is /etc/resolv.conf: processes that it starts see it there for ever.

    In a thread of its own, with mounts of its own: those of the calling process stay as they are.
    """

    def job() -> T:
        _mount_over(resolv_conf, Path("/etc/resolv.conf"))
        return start()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(job).result()


def _mount_over(source: Path, target: Path) -> None:
    if threading.current_thread() is threading.main_thread():
        raise RuntimeError("the main thread would lose the mounts that its process has")
    _check(_libc.unshare(_CLONE_NEWNS), "unshare")
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mount")
    _check(_libc.mount(os.fsencode(source), os.fsencode(target.resolve()), None, _MS_BIND, None), "mount")


def _check(result: int, what: str) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
