"""Replies of Redis servers."""

from __future__ import annotations

from mooring.protocols.protocol import Samples

SAMPLES = Samples(
    dialogue=(b"+PONG\r\n",),
    sound=(b"+PONG\r\n", b"-MISCONF Redis is configured to save RDB snapshots, but cannot persist on disk.\r\n"),
    failures=(
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
        b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n",
        b"-ERR max number of clients reached\r\n",
        b"+OK\r\n",
        b"$4\r\nPONG\r\n",
    ),
    later=b"-ERR unknown command 'HELLO', with args beginning with: '2'\r\n",
    refusals=(
        b"-NOAUTH Authentication required.\r\n",
        b"-NOPERM this user has no permissions to run the 'ping' command\r\n",
    ),
)
