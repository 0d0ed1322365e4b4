"""Who held a Lease when something was written: by the order of etcd's own revisions, so that no clock is asked."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

from kube.versions import Versions
from lab.history import Version


class Tenures:
    """The holders of one Lease, from every version of it that was stored."""

    def __init__(self, history: Versions, lease: str) -> None:
        found = [version for version in history.of(lease) if version.text]
        self._revisions = [version.revision for version in found]
        self._specs: list[dict[str, Any]] = [json.loads(version.text or "")["spec"] for version in found]

    def holder(self, revision: int) -> str:
        """Who held it when that revision was made; empty before the first."""
        at = bisect_right(self._revisions, revision)
        return str(self._specs[at - 1].get("holderIdentity") or "") if at else ""

    @property
    def leaders(self) -> list[str]:
        """Who took it, one after the other."""
        taken, before = [], ""
        for spec in self._specs:
            holder = str(spec.get("holderIdentity") or "")
            if holder and holder != before:
                taken.append(holder)
            before = holder
        return taken

    @property
    def transitions(self) -> int:
        """What the Lease itself says last."""
        return int(self._specs[-1].get("leaseTransitions") or 0)

    def stale(self, written: Iterable[tuple[str, Version]]) -> list[tuple[str, str]]:
        """Of writes with their writer: those made while another held the Lease, with that holder."""
        pairs = [(writer, self.holder(version.revision)) for writer, version in written]
        return [(writer, holder) for writer, holder in pairs if writer != holder]
