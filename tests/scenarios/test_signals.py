"""A signal ends the daemon whichever of its threads the kernel hands it to (signal(7): an arbitrary one)."""

from __future__ import annotations

import ctypes
import signal
from pathlib import Path

from lab.configuration import file, service
from lab.free_ports import free_port
from lab.mooring import Daemon


def threads(daemon: Daemon) -> list[int]:
    return sorted(int(task.name) for task in Path(f"/proc/{daemon.pid}/task").iterdir())


def test_a_signal_that_another_thread_takes_ends_the_daemon(tmp_path: Path) -> None:
    """The main thread, which waits, is not woken by it: it looks by itself."""
    hosts = [{"address": "10.20.0.1", "probeAddress": "127.0.0.1", "probePort": free_port()}]
    with Daemon(file(service("db", "tcp", hosts)), tmp_path) as daemon:
        daemon.wait_log("daemon.started", timeout=30)
        other = next(task for task in threads(daemon) if task != daemon.pid)
        assert ctypes.CDLL(None).tgkill(daemon.pid, other, signal.SIGTERM) == 0
        assert daemon.wait(60) == 0
