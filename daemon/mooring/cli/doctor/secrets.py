"""The group ``secrets``: the files that the configuration names."""

from __future__ import annotations

from collections.abc import Iterable

from mooring.cli.doctor.causes import named
from mooring.cli.doctor.finding import Finding

WHY = "no host of the Service can be logged in to without it; a daemon does not start"
MEND = (
    "put the file where Mooring runs. In a cluster each key of a Secret is a file in /etc/mooring/secrets:\n"
    "kubectl -n mooring create secret generic mooring-passwords --from-file=KEY=FILE"
)


def findings(sentences: Iterable[str]) -> list[Finding]:
    """``sentences``: those of ``config.unreadable_files``, one for each file of a Service."""
    services: dict[str, list[str]] = {}
    for sentence in sentences:
        service, _, what = sentence.partition(": ")
        services.setdefault(what, []).append(service)
    return [Finding(f"{named(dict.fromkeys(keys))}: {what}", WHY, MEND) for what, keys in services.items()]
