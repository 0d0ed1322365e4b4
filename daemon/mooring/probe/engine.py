"""Probes targets over held sessions, and reports what it saw: once for each turn of a target.

Everything but logins happens in one thread. ``on_reports`` gets the reports in that thread, many at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from mooring.model.clocks import Clocks
from mooring.model.probes import Report
from mooring.model.spec import ProbeTimings
from mooring.model.targets import Target
from mooring.probe.account import PATIENCE_SECONDS, Account
from mooring.probe.connects import FreshProbes
from mooring.probe.lending import SessionPool
from mooring.probe.login_pace import LoginPace, account_key, login_paces
from mooring.probe.loop import Loop
from mooring.probe.target_state import ProbePurpose, TargetProbe
from mooring.probe.turns import Turns

ASKED_A_LOOK = 32
"""Targets of a slot that are asked after one look for unread bytes: about a millisecond."""


class Engine:
    """Any thread may call ``assign``, ``ask``, ``ask_witness``, ``probe_soon``, ``renew``: these never wait.

    ``patience``: seconds after which the engine tries one more login beside those that hang.
    """

    def __init__(
        self,
        on_reports: Callable[[list[Report]], None],
        on_overrun: Callable[[Target], None],
        clocks: Clocks,
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._on_overrun = on_overrun
        self._clocks = clocks
        self._patience = patience
        self._now = clocks.monotonic
        self._loop = Loop(clocks)
        self._fresh_probes = FreshProbes(self._loop, clocks)
        self._probes: dict[Target, TargetProbe] = {}
        self._accounts: dict[object, Account] = {}
        self._sharing: dict[Account, list[TargetProbe]] = {}
        self._neighbours: dict[str, list[TargetProbe]] = {}
        self.login_seconds: Mapping[Target, float] = {}
        """Between the full logins of each target that logs in; any thread may read it."""
        self.lending = SessionPool(self._loop, self._probes, clocks.monotonic)
        self._turns = Turns(
            self._loop,
            clocks,
            self._probes,
            self._sharing,
            self._neighbours,
            on_reports=on_reports,
            ask_again=self._ask,
        )

    @property
    def turned_at(self) -> float:
        return self._loop.turned_at

    def start(self) -> None:
        self._loop.start()

    def stop(self, seconds: float) -> None:
        """Ends every session with its farewell, and waits at most so many seconds for that."""
        self._loop.call(lambda: self._assign({}, {}))
        self._loop.stop(seconds)

    def assign(self, timings: Mapping[Target, ProbeTimings]) -> None:
        """From now on probes only these targets; ends the sessions and probes of all others."""
        paces = login_paces(timings)
        self.login_seconds = {target: pace.interval for target, pace in paces.items()}
        self._loop.call(lambda: self._assign(timings, paces))

    def ask(self, targets: Iterable[Target]) -> None:
        """Begins the turn of these targets. One that comes while another waits already is skipped: ``on_overrun``."""
        wanted = tuple(targets)
        self._loop.call(lambda: self._ask(wanted))

    def ask_witness(self, target: Target) -> None:
        """Asks only to learn whether the target answers; a probe under way serves as well."""
        self._loop.call(lambda: self._witness(target))

    def probe_soon(self, targets: Iterable[Target]) -> None:
        """Asks these targets before their turn, ``edge`` seconds from now: a decision waits for their answer."""
        wanted = tuple(targets)
        self._loop.call(lambda: self._probe_soon(wanted))

    def renew(self, files: frozenset[str] | None = None) -> None:
        """These files have changed: the targets that log in with them do so anew at the next turn.

        None: the configuration has changed, so every login that the backoff holds back may begin at once.
        """
        self._loop.call(lambda: self._renew(files))

    def _assign(self, timings: Mapping[Target, ProbeTimings], paces: Mapping[Target, LoginPace]) -> None:
        for target in self._probes.keys() - timings.keys():
            self._probes.pop(target).dismiss()
        for target, one in timings.items():
            if target in self._probes:
                self._probes[target].timings = one
            else:
                self._probes[target] = TargetProbe(target, one, self._account_of(target))
        self._sharing.clear()
        self._neighbours.clear()
        for target, probe in self._probes.items():
            probe.pace = paces.get(target, probe.pace)
            probe.login_at = probe.pace.no_later(probe.login_at, self._now())
            self._sharing.setdefault(probe.account, []).append(probe)
            self._neighbours.setdefault(target.address, []).append(probe)
        for account, probes in self._sharing.items():
            account.period = min(probe.timings.period for probe in probes)
        for key in [key for key, account in self._accounts.items() if account not in self._sharing]:
            self._accounts.pop(key).close()

    def _account_of(self, target: Target) -> Account:
        key = account_key(target)
        if key not in self._accounts:
            self._accounts[key] = Account(
                target,
                self._loop,
                self._fresh_probes,
                self._clocks,
                on_lost=self._turns.lost,
                on_replaced=self._turns.replaced,
                on_answers=self._turns.hear,
                on_free=self._turns.freed,
                patience=self._patience,
            )
        return self._accounts[key]

    def _renew(self, files: frozenset[str] | None) -> None:
        for probe in self._probes.values():
            if files is None or files.intersection(probe.target.options.files()):
                probe.account.retry()
            if files is not None and files.intersection(probe.target.options.files()):
                probe.login_at = 0.0
                probe.renewed_at = self._now()

    def _ask(self, targets: tuple[Target, ...]) -> None:
        asked = []
        for number, target in enumerate(targets):
            if number % ASKED_A_LOOK == 0:
                self._loop.unread.look()
            probe = self._probes.get(target)
            if probe is None:
                continue
            probe.losses = 0
            if probe.takes_turn():
                self._turns.begin(probe, looked=True)
                asked.append(probe)
            elif probe.overruns():
                self._on_overrun(target)
        self._turns.collect_later(asked)

    def _witness(self, target: Target) -> None:
        if probe := self._probes.get(target):
            self._turns.ask_besides(probe, ProbePurpose.WITNESS)

    def _probe_soon(self, targets: tuple[Target, ...]) -> None:
        for target in targets:
            probe = self._probes.get(target)
            if probe is not None and probe.expediting is None:
                probe.expediting = self._loop.at(self._now() + probe.timings.edge, partial(self._ask_early, probe))

    def _ask_early(self, probe: TargetProbe) -> None:
        probe.expediting = None
        self._turns.ask_besides(probe, ProbePurpose.EXPEDITED)
