"""The name servers of a simulated world, and the little of ``asyncio`` that lookups need there."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from math import inf
from typing import Any, Self

from mooring.probe.lookup import LIFETIME_SECONDS, NO_ANSWER, NO_SUCH_NAME, Lookup
from simulation.kernel import Kernel
from simulation.locks import Event, World

TTL_SECONDS = 2.0
"""Shorter than the interval of the lookups, so that no answer comes from a cache."""


class NameServer:
    """What each name holds, and who gets no answer, or a false one."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.silent: set[str] = set()
        """Machines that get no answer."""
        self.lies: dict[str, tuple[str, ...]] = {}
        """What a name server says of a name in place of the truth."""
        self.history: dict[str, list[tuple[float, frozenset[str]]]] = {}
        """What each name has held since when, the lies too."""
        self._held: dict[str, tuple[str, ...]] = {}

    def held(self, name: str) -> tuple[str, ...]:
        return self._held.get(name, ())

    def point(self, name: str, addresses: Sequence[str]) -> None:
        self._held[name] = tuple(sorted(addresses))
        self._note(name)

    def lie(self, name: str, addresses: Sequence[str]) -> None:
        self.lies[name] = tuple(sorted(addresses))
        self._note(name)

    def tell_the_truth(self, name: str) -> None:
        self.lies.pop(name, None)
        self._note(name)

    def _note(self, name: str) -> None:
        said = frozenset(self.lies.get(name, self.held(name)))
        self.history.setdefault(name, []).append((self.kernel.now, said))

    def absent_since(self, name: str, address: str) -> float:
        """Since when no answer has had the address, of answers that had any; infinity: one has it now."""
        since = inf
        for at, said in self.history.get(name, []):
            if address in said:
                since = inf
            elif said:
                since = min(since, at)
        return since

    def answer(self, machine: str, name: str) -> Lookup:
        """Waits as long as the lookup takes."""
        kernel = World.kernel
        if machine in self.silent:
            kernel.park(kernel.machine.monotonic() + LIFETIME_SECONDS)
            return Lookup(why=NO_ANSWER)
        kernel.park(kernel.machine.monotonic() + kernel.chance.uniform(0.001, 0.02))
        said = self.lies.get(name, self.held(name))
        return Lookup(said, TTL_SECONDS) if said else Lookup(why=NO_SUCH_NAME)


class Asyncio:
    """The module ``asyncio`` for coroutines that wait as tasks of the simulation do."""

    class Semaphore:
        def __init__(self, _value: int) -> None: ...

        async def __aenter__(self) -> Self:
            return self

        async def __aexit__(self, *_: object) -> None: ...

    @staticmethod
    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        try:
            coroutine.send(None)
        except StopIteration as ended:
            return ended.value
        raise AssertionError("a coroutine waits for something that is not simulated")

    @staticmethod
    async def gather(*coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
        """Each in a task of its own."""
        kernel, results, ended = World.kernel, dict[int, Any](), Event()

        def run(number: int, coroutine: Coroutine[Any, Any, Any]) -> None:
            results[number] = Asyncio.run(coroutine)
            if len(results) == len(coroutines):
                ended.set()

        for number, one in enumerate(coroutines):
            kernel.spawn(kernel.process, lambda at=number, of=one: run(at, of), "lookup", always=True)  # type: ignore[misc]
        if coroutines:
            ended.wait()
        return [results[number] for number in range(len(coroutines))]
