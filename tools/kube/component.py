"""One component of the cluster as a process that a test can freeze, kill, and start again."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from lab.child import Child
from lab.network import inside
from lab.waiting import wait_until


class Part(Child):
    """A component: ``words`` is its command, ``ready`` returns whether it serves, its output goes to ``log``.

    ``wrap`` makes, at each start, the command that is really run.
    """

    def __init__(
        self,
        kind: str,
        words: Sequence[str],
        *,
        directory: Path,
        netns: str | None = None,
        env: Mapping[str, str] | None = None,
        ready: Callable[[], bool] = lambda: True,
        wrap: Callable[[Sequence[str]], Sequence[str]] = tuple,
    ) -> None:
        self.kind = kind
        self.log = directory / f"{kind}.log"
        self._words = tuple(words)
        self._netns = netns
        self._env = env
        self._ready = ready
        self._wrap = wrap
        self._options: tuple[str, ...] = ()

    def start(self, *options: str, wait: bool = True) -> Self:
        """Starts it, with these further options; without ``wait`` it may not serve yet."""
        if self.running:
            raise RuntimeError(f"{self.kind} runs already")
        self._options = options
        with self.log.open("ab") as output, inside(self._netns):
            self._process = subprocess.Popen(
                self._wrap([*self._words, *options]),
                cwd=self.log.parent,  # by this a later run knows whose it is
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self.wait() if wait else self

    def wait(self, timeout: float = 60) -> Self:
        """Returns when it serves.

        Raises:
            RuntimeError: it ended, or did not serve in time; the message has the end of its log.
        """
        try:
            wait_until(lambda: not self.running or self._serves(), timeout, f"{self.kind} to serve", every=0.03)
        except TimeoutError as error:
            raise RuntimeError(f"{error}\n{self.tail()}") from None
        if not self.running:
            raise RuntimeError(f"{self.kind} ended with {self._process and self._process.returncode}\n{self.tail()}")
        return self

    def _serves(self) -> bool:
        with contextlib.suppress(OSError):
            return self._ready()
        return False

    def restart(self, *options: str) -> None:
        """Kills it and starts it on the same data, with these further options until the next restart."""
        self.kill()
        self.start(*options)

    def heal(self) -> None:
        """Thaws it, starts it if it ended, takes back further options."""
        if self._process is None:
            return
        if not self.running or self._options:
            self.restart()
        else:
            self.thaw()

    def tail(self, lines: int = 20) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"the end of {self.log}:\n" + "\n".join(text.splitlines()[-lines:])
