"""``python -m cluster.candidate LEASE,RENEW,RETRY run ...``: the daemon with other timings than a user's.

It also may probe hosts on loopback, where all candidates of a test find the same ones.
"""

from __future__ import annotations

import sys
from functools import partial
from unittest import mock

from mooring import cli, commands
from mooring.daemon import Daemon
from mooring.decide.addresses import AddressPolicy
from mooring.decide.election import Timings
from mooring.settings import Settings

if __name__ == "__main__":
    lease, renew, retry = map(float, sys.argv[1].split(","))
    with (
        mock.patch.object(commands, "Daemon", partial(Daemon, timings=Timings(lease, renew, retry))),
        mock.patch.object(Settings, "address_policy", return_value=AddressPolicy((), loopback_probes=True)),
    ):
        sys.exit(cli.main(sys.argv[2:]))
