"""The threads and clocks of a simulated world do what the real ones do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulation.kernel import Kernel, Machine, Process, SpinError
from simulation.locks import Condition, Event, Lock, World
from simulation.threads import Thread, time


@pytest.fixture
def kernel() -> Kernel:
    World.kernel = Kernel(1)
    return World.kernel


def machine(kernel: Kernel, rate: float = 1.0) -> Process:
    return Process(Machine(kernel, "one", rate=rate, uptime=500.0), "one.1")


def run(kernel: Kernel, process: Process, *targets: Callable[[], None], until: float = 100.0) -> None:
    for target in targets:
        kernel.spawn(process, target, "task")
    kernel.run(until)


def test_a_fast_clock_ends_a_wait_early(kernel: Kernel) -> None:
    """Ten seconds by a clock that is a quarter too fast are eight true seconds."""
    ended: list[float] = []

    def sleep() -> None:
        time.sleep(10.0)
        ended.append(kernel.now)

    run(kernel, machine(kernel, rate=1.25), sleep)
    assert ended == [pytest.approx(8.0, abs=0.001)]


@pytest.mark.parametrize(("stop", "go", "late"), [("freeze", "thaw", 0.0), ("suspend", "resume", 5.0)])
def test_nothing_runs_on_a_machine_that_stands_still(kernel: Kernel, stop: str, go: str, late: float) -> None:
    """After SIGSTOP a wait of three seconds is over at once; while a machine sleeps, its monotonic clock does, too."""
    process, ended = machine(kernel), list[float]()

    def sleep() -> None:
        time.sleep(6.0)
        ended.append(kernel.now)

    kernel.at(1.0, getattr(process.machine, stop))
    kernel.at(11.0, getattr(process.machine, go))
    run(kernel, process, sleep)
    assert ended == [pytest.approx(11.0 + late, abs=0.001)]
    assert process.machine.boot() == pytest.approx(600.0)
    assert process.machine.monotonic() == pytest.approx(590.0 if stop == "suspend" else 600.0)


def test_a_wait_ends_by_a_signal_or_by_its_deadline(kernel: Kernel) -> None:
    """``Event`` and ``Condition`` return whether they were signalled, as the library's do."""
    event, condition, found = Event(), Condition(), list[tuple[bool, float]]()

    def wait() -> None:
        found.append((event.wait(2.0), kernel.now))
        found.append((event.wait(10.0), kernel.now))
        with condition:
            found.append((condition.wait(1.0), kernel.now))

    kernel.at(5.0, event.set)
    run(kernel, machine(kernel), wait)
    assert [(woken, round(at, 2)) for woken, at in found] == [(False, 2.0), (True, 5.0), (False, 6.0)]


def test_one_task_at_a_time_holds_a_lock(kernel: Kernel) -> None:
    """Also where a task gives its turn away each time that it takes one."""
    kernel.preempts = 1.0
    lock, inside, most = Lock(), list[int](), list[int]()

    def work() -> None:
        for _ in range(50):
            with lock:
                inside.append(1)
                time.sleep(0.01)
                most.append(len(inside))
                inside.pop()

    run(kernel, machine(kernel), work, work, work)
    assert len(most) == 150
    assert max(most) == 1


def test_a_killed_process_runs_no_more(kernel: Kernel) -> None:
    """As after SIGKILL: not even ``finally`` runs."""
    process, happened = machine(kernel), list[str]()

    def work() -> None:
        try:
            time.sleep(10.0)
            happened.append("went on")
        finally:
            if not kernel.closed:
                happened.append("cleaned up")

    kernel.at(5.0, process.kill)
    run(kernel, process, work)
    kernel.close()
    assert happened == []


def test_a_process_may_have_no_thread_more(kernel: Kernel) -> None:
    """As under a limit of pids: the library raises RuntimeError."""
    process, refused = machine(kernel), list[str]()
    process.most_tasks = 1

    def work() -> None:
        try:
            Thread(target=lambda: None).start()
        except RuntimeError as error:
            refused.append(str(error))

    run(kernel, process, work)
    assert refused == ["can't start new thread"]


def test_who_spins_is_found(kernel: Kernel) -> None:
    """A task that looks again and again without waiting is a fault, and no world that never ends."""

    def spin() -> None:
        while True:
            time.sleep(0.0)

    with pytest.raises(SpinError):
        run(kernel, machine(kernel), spin)
