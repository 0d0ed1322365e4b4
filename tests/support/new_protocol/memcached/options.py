"""The block ``check.memcached`` of the file."""

from __future__ import annotations

from typing import ClassVar

from mooring.protocols.options import Options


class MemcachedOptions(Options):
    """Asks memcached for its version."""

    default_port: ClassVar[int | None] = 11211
