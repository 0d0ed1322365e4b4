"""A child process that a test can hurt and heal."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from lab.waiting import wait_until


class Child:
    """A process that was started, or not yet. ``kind`` is what messages call it."""

    kind: str
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.kind} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Also true while frozen."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL; also ends a frozen one."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, as an administrator would; a process that does not end within 20 s is killed."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP: the kernel still accepts connections, nobody answers."""
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(self._stands_still, 10, f"{self.kind} to stand still", every=0.001)

    def _stands_still(self) -> bool:
        """The signal reaches each thread when that next leaves the kernel, some milliseconds later."""
        return all(_state(task) in "TtZX" for task in Path(f"/proc/{self.pid}/task").iterdir())

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


def _state(task: Path) -> str:
    """Of a thread, by its letter (proc_pid_stat(5)); one that has just ended is dead."""
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"
