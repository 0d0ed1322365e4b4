"""``python -m kube.candidate LEASE,RENEW,RETRY run ...``: the daemon with other timings than a user's.

It also may probe hosts on loopback, where all candidates of a test find the same ones. While the file that
``CANDIDATE_HANGS`` names exists, the thread that takes in what probes saw stands still, which counts after
``STILL_SECONDS``. That is a stand-in for a defect: no real fault of a machine stops one thread at will.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from mooring.cli import main as cli
from mooring.cli import run
from mooring.cli.settings import Settings
from mooring.daemon import Daemon
from mooring.judge.dispatch import Dispatcher
from mooring.leader.election import LeaseTimings
from mooring.model.addresses import AddressPolicy
from mooring.model.probes import Report

STILL_SECONDS = 3.0
HANGS = "CANDIDATE_HANGS"


class _Candidate(Daemon):
    def alive(self, within: float = STILL_SECONDS) -> str | None:
        return super().alive(min(within, STILL_SECONDS))


def _hanging(where: Path) -> Any:
    take = Dispatcher.take

    def hang(self: Dispatcher, reports: Sequence[Report]) -> None:
        while where.exists():
            time.sleep(0.02)
        take(self, reports)

    return hang


if __name__ == "__main__":
    lease, renew, retry = map(float, sys.argv[1].split(","))
    hangs = os.environ.get(HANGS)
    made = partial(_Candidate if hangs else Daemon, timings=LeaseTimings(lease, renew, retry))
    with (
        mock.patch.object(run, "Daemon", made),
        mock.patch.object(Settings, "address_policy", return_value=AddressPolicy((), loopback_probes=True)),
        mock.patch.object(Dispatcher, "take", _hanging(Path(hangs)) if hangs else Dispatcher.take),
    ):
        sys.exit(cli.main(sys.argv[2:]))
