"""The exit codes of the commands."""

OK, NOT_READY, USAGE, NO_CLUSTER = range(4)
DEFECT = 70
NO_THREAD = 71
"""The process may have no thread more: a pids limit, say (EX_OSERR of sysexits.h)."""
NOT_WRITTEN = 74
"""Standard output took no more: a full disk, say (EX_IOERR of sysexits.h)."""
