"""Threads that take turns in one real thread, on clocks that a program moves.

A *machine* has clocks and runs *processes*, which have *tasks*: what a daemon takes for its threads. A task runs until
it waits. Which task runs next, and whether one that takes a lock gives its turn away, is drawn from the world's seed.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from greenlet import GreenletExit, greenlet

EPOCH = 1_800_000_000.0
"""The true time of day when a world begins, in Unix seconds."""
STEP_SECONDS = 1e-6
"""What a turn takes of true time, so that no task spins without time passing."""
SPIN_STEPS, SPIN_SECONDS = 20_000, 0.2
"""So many turns in so short a time: something spins."""
SHUFFLED = 0.1
"""How often a task is taken out of turn."""


class SpinError(Exception):
    """A task takes turn after turn without waiting."""


class Machine:
    """A computer. Its monotonic clock may be fast or slow; its wall clock may be set; it may be frozen or suspended."""

    def __init__(self, kernel: Kernel, name: str, *, rate: float = 1.0, uptime: float = 0.0) -> None:
        self.kernel = kernel
        self.name = name
        self._rate = rate
        self._since, self._monotonic = kernel.now, uptime
        self._slept = 0.0
        self.wall_offset = 0.0
        self.frozen = False
        """Its processes get no turn; its clocks go on, as after SIGSTOP."""
        self.suspended = False
        """Its processes get no turn, and its monotonic clock stands still."""
        self.held: list[Task] = []
        self.due: list[tuple[float, Task, int]] = []
        """Timers whose time came while nothing ran here."""
        kernel.machines.append(self)

    @property
    def runs(self) -> bool:
        return not (self.frozen or self.suspended)

    def monotonic(self) -> float:
        if self.suspended:
            return self._monotonic
        return self._monotonic + (self.kernel.now - self._since) * self._rate

    def boot(self) -> float:
        slept = self._slept + (self.kernel.now - self._since if self.suspended else 0.0)
        return self.monotonic() + slept

    def wall(self) -> float:
        return EPOCH + self.kernel.now + self.wall_offset

    def true_time_of(self, monotonic: float) -> float:
        """When its monotonic clock will show this, in true seconds."""
        return self._since + (monotonic - self._monotonic) / self._rate

    def freeze(self) -> None:
        self.frozen = True

    def thaw(self) -> None:
        self.frozen = False
        self._release()

    def suspend(self) -> None:
        self._monotonic, self._since, self.suspended = self.monotonic(), self.kernel.now, True

    def resume(self) -> None:
        self._slept += self.kernel.now - self._since
        self._since, self.suspended = self.kernel.now, False
        self._release()

    def _release(self) -> None:
        if self.runs:
            self.kernel.ready.extend(self.held)
            self.held.clear()
            due, self.due = self.due, []
            for deadline, task, ticket in due:
                self.kernel.wake_at(deadline, task, ticket)


class Process:
    """The tasks that end together. ``excepthook`` gets what a task did not catch."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine = machine
        self.name = name
        self.dead = False
        self.most_tasks = 10_000
        self.tasks = 0
        self.excepthook: Callable[[Any], None] | None = None
        self.memory: dict[object, Any] = {}
        """What a module keeps once in a real process."""

    def kill(self) -> None:
        """No task of it gets another turn, and none of its ``finally`` runs."""
        self.dead = True


class Task:
    """One thread of a process."""

    def __init__(self, process: Process, target: Callable[[], None], name: str) -> None:
        self.process = process
        self.name = name
        self.waits = False
        self.ticket = 0
        self.signalled = False
        self.ended = False
        self.memory: dict[object, Any] = {}
        self._target = target
        self.coroutine = greenlet(self._run)

    def _run(self) -> None:
        try:
            self._target()
        finally:
            self.ended = True
            self.process.tasks -= 1


class Kernel:
    """All that happens in a world, one step after the other; ``now`` is true seconds since it began."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.chance = random.Random(seed)
        self.machines: list[Machine] = []
        self.ready: deque[Task] = deque()
        self._timers: list[tuple[float, int, float, Task | _Action, int]] = []
        """True time, a number, the time by the machine's own clock, and what is due."""
        self.current: Task | None = None
        self.closed = False
        self.steps = 0
        self._spin_from = -SPIN_SECONDS
        self.preempts = 0.0
        """How often a task that takes a lock gives its turn away first."""
        self.numbers = itertools.count()
        self._main = greenlet.getcurrent()
        self._tasks: list[Task] = []
        self.world = Machine(self, "world")
        self.nobody = Process(self.world, "world")

    @property
    def process(self) -> Process:
        """Whose code runs."""
        return self.current.process if self.current else self.nobody

    @property
    def machine(self) -> Machine:
        return self.process.machine

    def spawn(self, process: Process, target: Callable[[], None], name: str, *, always: bool = False) -> Task:
        """Raises RuntimeError: the process may have no task more. ``always``: it stands for a thread that runs."""
        if process.tasks >= process.most_tasks and not always:
            raise RuntimeError("can't start new thread")
        task = Task(process, target, name)
        process.tasks += 1
        self._tasks.append(task)
        self._enqueue(task)
        return task

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Does it then, in true seconds; it must not wait."""
        heapq.heappush(self._timers, (moment, next(self.numbers), moment, _Action(action), 0))

    def wake_at(self, deadline: float, task: Task, ticket: int) -> None:
        """Ends that wait of the task at the latest when its machine's monotonic clock shows this."""
        moment = task.process.machine.true_time_of(deadline)
        heapq.heappush(self._timers, (moment, next(self.numbers), deadline, task, ticket))

    def run(self, until: float) -> None:
        """Lets everything happen until then."""
        self._main = greenlet.getcurrent()
        while True:
            if self.ready:
                self._turn(self._pick())
            elif not self._advance(until):
                self.now = until
                return

    def park(self, deadline: float | None) -> bool:
        """The current task waits; returns whether it was woken before the deadline, in its machine's monotonic time."""
        task = self.current
        if task is None or self.closed:
            raise GreenletExit
        task.waits, task.signalled = True, False
        task.ticket += 1
        if deadline is not None:
            self.wake_at(deadline, task, task.ticket)
        self._main.switch()
        return task.signalled

    def wake(self, task: Task, ticket: int) -> None:
        """Ends the wait that began with this ticket."""
        if task.waits and task.ticket == ticket:
            task.waits, task.signalled = False, True
            self._enqueue(task)

    def give_way(self) -> None:
        """The current task lets another run first, now and then."""
        if self.preempts and self.current is not None and self.chance.random() < self.preempts:
            self.ready.append(self.current)
            self._main.switch()

    def close(self) -> None:
        """The world is over."""
        self.closed = True
        for task in self._tasks:
            if not task.ended:
                task.process.dead = True
        self._tasks.clear()
        self.ready.clear()

    def _enqueue(self, task: Task) -> None:
        machine = task.process.machine
        (self.ready if machine.runs else machine.held).append(task)

    def _pick(self) -> Task:
        if len(self.ready) > 1 and self.chance.random() < SHUFFLED:
            self.ready.rotate(-self.chance.randrange(len(self.ready)))
        return self.ready.popleft()

    def _turn(self, task: Task) -> None:
        if task.process.dead:
            return
        if not task.process.machine.runs:
            task.process.machine.held.append(task)
            return
        self.steps += 1
        self.now += STEP_SECONDS
        if self.steps % SPIN_STEPS == 0:
            if self.now - self._spin_from < SPIN_SECONDS:
                raise SpinError(f"{task.process.name}/{task.name} spins at {self.now:.6f} s")
            self._spin_from = self.now
        self.current = task
        try:
            task.coroutine.switch()
        finally:
            self.current = None

    def _advance(self, until: float) -> bool:
        """Moves time to the next timer; False where none is due until then."""
        if not self._timers or self._timers[0][0] > until:
            return False
        moment, _, due, task, ticket = heapq.heappop(self._timers)
        if isinstance(task, _Action):
            self.now = max(self.now, moment)
            task.action()
        elif task.waits and task.ticket == ticket and not task.process.dead:
            self._time_out(task, due, ticket, moment)
        return True

    def _time_out(self, task: Task, due: float, ticket: int, moment: float) -> None:
        machine = task.process.machine
        if not machine.runs:
            machine.due.append((due, task, ticket))
            return
        if machine.true_time_of(due) > moment:  # its clock stood still meanwhile
            self.wake_at(due, task, ticket)
            return
        self.now = max(self.now, moment)
        while machine.monotonic() < due:
            self.now += 1e-9  # rounding: no clock may show less than what its task has waited for
        task.waits = False
        self.ready.append(task)


class _Action:
    """What the world does itself."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action
