"""A certificate that expires for all hosts at once, while their logins are paced: it is nobody's fault alone."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from math import inf

from mooring.judge.common_cause import CommonCauses
from mooring.judge.session import Login, note_login, weigh
from mooring.model.probes import Observation, Report
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.probe.full_logins import AGAIN
from mooring.probe.login_pace import SPREAD, login_paces
from support.engine_harness import TERMS
from support.probe_once import target_of

EXPIRED = Observation(Reason.TLS, "certificate has expired", cause="tls: expired")
OK = Observation(Reason.OK)
PERIOD = 2.0


def test_a_certificate_that_expires_for_many_hosts_at_once_takes_none_out() -> None:
    """However far apart they log in: none counts its own failure before the others have shown theirs."""
    chance = random.Random(7)
    targets = [target_of("redis", f"10.20.{one // 250}.{one % 250 + 1}", 6379) for one in range(400)]
    paces = login_paces(dict.fromkeys(targets, replace(TERMS, period=PERIOD, login=10.0, login_stated=inf)))
    pace = paces[targets[0]]
    causes = CommonCauses()
    logins: dict[Target, Login] = {}
    due: dict[Target, float] = {}
    for target in targets:
        causes.enter(target)
        age = chance.uniform(0.0, SPREAD[1] * pace.interval)
        logins[target] = Login(OK, -age)
        due[target] = -age + chance.uniform(*SPREAD) * pace.interval
    failures: Counter[Target] = Counter()
    left: set[Target] = set()
    for step in range(round(2 * pace.interval)):
        for number, target in enumerate(targets):
            now = step * PERIOD + PERIOD * number / len(targets)
            seen = weigh(OK, logins[target], now, pace.patience_after(logins[target].observation))
            result = causes.take(Report(target, seen, now, now, now), frozenset(targets) - left)
            for report, common in result.deliver:
                failed = report.observation.reason is Reason.TLS and not common
                failures[report.target] += failed
                if failures[report.target] == TERMS.confirmations:
                    left.add(report.target)
                    causes.note_left(report)
            if now >= due[target]:
                logins[target] = note_login(logins[target], EXPIRED, now, now)
                due[target] = now + AGAIN * pace.retry_base
    assert len(left) == 0, "hosts that left"
