"""A soak: one real daemon over real databases on loopback and constant faults: ``python -m soak``.

``SOAK_SECONDS`` says how long (1200), ``SOAK_SEED`` which walk of faults. Once a minute a line shows what the daemon
holds; in the end the last quarter is compared with the first, and the exit code is 1 where something grew.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pymysql
import redis

from lab import leftovers
from lab.configuration import at, file, service
from lab.process import Server, start_all
from lab.servers import Mariadb, Redis
from lab.unread import Unread
from lab.waiting import wait_until
from support.random_faults import BLACKOUT, PROCESS, Step, walk

SECONDS = float(os.environ.get("SOAK_SECONDS", "1200"))
SEED = int(os.environ.get("SOAK_SEED", random.randrange(1 << 32)))
USER, PASSWORD, WRONG = "mooring", "oars-and-anchors", "no-such-anchor"
MARIADBS, REDISES = 2, 4
PERIOD, TIMEOUT = 0.2, 0.15
EACH_SECONDS = 1.0
"""Between two faults, about."""
PAUSE_MILLISECONDS = 1500
PAUSED, RELOAD, SECRET, UNREAD = "paused", "reload", "wrong password", "unread log"
RECOVERS_SECONDS = 90.0
"""A login that was refused for long is tried again a minute later."""
SETTLED_SECONDS = 2.0
"""A server that stood still or came back counts our sessions rightly after that: it must see first which have ended."""
WARM_SECONDS = 60.0
"""The first minute has every fault, so that each queue, pool and cache has had its use; of a short soak a sixth."""
LINES = 20


class Sample(NamedTuple):
    """What the daemon holds, and how many of its connections each database counts that is sound now."""

    at: float
    kilobytes: int
    descriptors: int
    threads: int
    sessions: Mapping[str, int]


class Bound(NamedTuple):
    """By how much the median of a figure may be higher in the last quarter than in the first, and why by that."""

    name: str
    value: Callable[[Sample], float]
    growth: float
    why: str


MOST_SESSIONS = 2
BOUNDS = (
    Bound(
        "RSS, KiB",
        lambda sample: sample.kilobytes,
        4096,
        "the allocator grows by a MiB at a time; in 20 minutes 160 lost bytes a probe would be more",
    ),
    Bound(
        "descriptors",
        lambda sample: sample.descriptors,
        2,
        "one or two logins may be under way; one descriptor lost in 100 faults would be ten",
    ),
    Bound("threads", lambda sample: sample.threads, 2, "as descriptors; a pool may have grown by who waits"),
    Bound(
        "most sessions of a database",
        lambda sample: max(sample.sessions.values(), default=0),
        0,
        "each has its one held session, whatever happened",
    ),
)


class Soaked(Unread):
    """Of its log the last lines are kept, and how many there were of each event."""

    def __init__(self, config: str, state_dir: Path) -> None:
        super().__init__(config, state_dir, args=("--log-level", "debug"))
        self.seen: Counter[str] = Counter()
        self.full = 0

    def keep(self, line: str) -> None:
        self.output[:] = [*self.output[1 - LINES :], line]
        with contextlib.suppress(ValueError):
            self.seen[json.loads(line).get("event", "")] += 1

    def read(self, *, again: bool) -> None:
        self.full += again and self.log_is_full()
        (self.reading.set if again else self.reading.clear)()


class Soak:
    """The servers, the daemon over them, and what a step of a walk does to them."""

    def __init__(self, directory: Path) -> None:
        self._secret = directory / "password"
        self._secret.write_text(PASSWORD)
        accounts = {USER: PASSWORD}
        made: list[Server] = [Mariadb(accounts=accounts) for _ in range(MARIADBS)]
        made += [Redis(accounts=accounts) for _ in range(REDISES)]
        self.servers = {f"{server.kind}{number}": server for number, server in enumerate(made, 1)}
        self._sound_since = dict.fromkeys(self.servers, 0.0)
        self._reloads = 0
        self.counted: dict[str, int] = {}
        """Our sessions at each database, when it was sound last."""
        self.daemon = Soaked(self._file(), directory / "state")

    def _file(self, period: float = PERIOD, **more: object) -> str:
        """``more`` is of the first Service: a field that nobody knows makes the file wrong."""
        login = {"user": USER, "passwordFile": str(self._secret)}
        services = []
        for number, (name, kind) in enumerate((("mysql", "mariadb"), ("redis", "redis"))):
            mine = [server for server in self.servers.values() if server.kind == kind]
            hosts = [at(f"10.20.{number}.{place}", server) for place, server in enumerate(mine, 1)]
            services.append(service(name, name, hosts, block=login) | ({} if number else more))
        return file(*services, period=period, timeout=TIMEOUT)

    @property
    def faults(self) -> dict[str, tuple[str, ...]]:
        more = {"redis": (PAUSED,)}
        hosts = {name: (*PROCESS, *more.get(server.kind, ())) for name, server in self.servers.items()}
        return {**hosts, "the file": (RELOAD,), "the password": (SECRET,), "the log": (UNREAD,)}

    def act(self, step: Step) -> None:
        if step.fault == RELOAD:
            self._reload(over=step.over)
        elif step.fault == SECRET:
            self._secret.write_text(PASSWORD if step.over else WRONG)
        elif step.fault == UNREAD:
            self.daemon.read(again=step.over)
        elif step.fault != BLACKOUT:
            self._sound_since[step.host] = time.monotonic() + SETTLED_SECONDS if step.over else float("inf")
            strike(self.servers[step.host], step)

    def _reload(self, *, over: bool) -> None:
        self._reloads += not over
        wrong = self._reloads % 3 == 0
        text = self._file() if over else self._file(wrong=True) if wrong else self._file(PERIOD * 1.25)
        self.daemon.config.write_text(text)

    def sample(self) -> Sample:
        process = Path(f"/proc/{self.daemon.pid}")
        resident = int((process / "status").read_text().partition("VmRSS:")[2].split()[0])
        descriptors, threads = (sum(1 for _ in (process / name).iterdir()) for name in ("fd", "task"))
        now = time.monotonic()
        sound = [name for name, since in self._sound_since.items() if since <= now]
        sessions = {name: sessions_at(self.servers[name]) for name in sound}
        self.counted.update(sessions)
        return Sample(now, resident, descriptors, threads, sessions)

    def all_ready(self) -> bool:
        with contextlib.suppress(OSError, ValueError):
            return all(one["ready"] == one["total"] for one in self.daemon.status()["services"])
        return False


def strike(server: Server, step: Step) -> None:
    if step.fault == "freeze":
        (server.thaw if step.over else server.freeze)()
    elif step.fault == PAUSED:
        if isinstance(server, Redis) and not step.over:
            server.command("CLIENT", "PAUSE", PAUSE_MILLISECONDS)
    elif step.over:
        server.start()
    else:
        (server.stop if step.fault == "restart" else server.kill)()


def sessions_at(server: Server) -> int:
    """All that came over TCP is the daemon's; we come over the control socket (redis.io, CLIENT LIST: flag U)."""
    with contextlib.suppress(redis.RedisError, pymysql.Error):
        if isinstance(server, Mariadb):
            question = "SELECT COUNT(*) FROM information_schema.processlist WHERE host LIKE '%:%'"
            return int(server.sql(question)[0][0])
        if isinstance(server, Redis):
            flags = [line.partition(" flags=")[2].split()[0] for line in server.command("CLIENT", "LIST").splitlines()]
            return sum("U" not in flag for flag in flags)
    return 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def show(sample: Sample, begun: float, soak: Soak) -> None:
    counts = ", ".join(f"{name} {soak.counted.get(name, '-')}" for name in soak.servers)
    say(
        f"{sample.at - begun:6.0f} s   RSS {sample.kilobytes / 1024:.1f} MiB   {sample.descriptors} descriptors   "
        f"{sample.threads} threads   sessions: {counts}"
    )


def follow(soak: Soak, seconds: float) -> list[Sample]:
    """One sample a second while the walk goes on; a line a minute, or four in all of a short soak."""
    steps = walk(SEED, soak.faults, seconds, each=EACH_SECONDS)
    say(f"SOAK_SEED={SEED}: {sum(not step.over for step in steps)} faults in {seconds:g} s")
    samples: list[Sample] = []
    begun, every, shown = time.monotonic(), min(60.0, seconds / 4), 0.0
    while (now := time.monotonic() - begun) < seconds:
        while steps and steps[0].at <= now:
            soak.act(steps.pop(0))
        if not samples or time.monotonic() - samples[-1].at >= 1.0:
            samples.append(soak.sample())
            if now - shown >= every:
                shown = now
                show(samples[-1], begun, soak)
        time.sleep(0.02)
    for step in steps:
        soak.act(step)
    return samples


def judge(samples: Sequence[Sample]) -> bool:
    """Whether the last quarter is as the first one: medians, for what is under way rises and falls with each fault."""
    warm = [sample for sample in samples if sample.at - samples[0].at >= min(WARM_SECONDS, SECONDS / 6)]
    quarter = len(warm) // 4
    flat = True
    for name, value, growth, why in BOUNDS:
        first, last = (statistics.median(map(value, part)) for part in (warm[:quarter], warm[-quarter:]))
        fits = last <= first + growth
        flat = flat and fits
        say(f"{name}: {first:g} -> {last:g}, at most +{growth:g} ({why}): {'flat' if fits else 'GROWN'}")
    most = max(max(sample.sessions.values(), default=0) for sample in samples)
    say(f"most sessions that any database ever counted: {most}, at most {MOST_SESSIONS} (the held one, one under way)")
    return flat and most <= MOST_SESSIONS


def main() -> int:
    leftovers.sweep()
    with contextlib.ExitStack() as undo:
        soak = Soak(undo.enter_context(leftovers.scratch("soak")))
        for server in soak.servers.values():
            undo.callback(server.close)
        start_all(*soak.servers.values())
        daemon = undo.enter_context(soak.daemon)
        wait_until(soak.all_ready, 30, "all hosts to be ready", every=0.1)
        samples = follow(soak, SECONDS)
        wait_until(soak.all_ready, RECOVERS_SECONDS, "all hosts to be ready again", every=0.1)
        status = daemon.get("/metrics")[1].decode().splitlines()
        lost = sum(float(line.split()[-1]) for line in status if line.startswith("mooring_log_dropped_total{"))
        flat = judge(samples)
        ended = daemon.stop()
    counts = ", ".join(
        f"{daemon.seen[name]} {name}" for name in ("host.not_ready", "host.ready", "config.reloaded", "config.refused")
    )
    say(
        f"of what was read of the log: {counts}; "
        f"its pipe was full {daemon.full} times, {lost:.0f} lines were dropped; all hosts were ready again in the end"
    )
    say(f"{'flat' if flat else 'NOT FLAT'}, exit code of the daemon {ended}")
    return int(not flat or ended != 0)


if __name__ == "__main__":
    sys.exit(main())
