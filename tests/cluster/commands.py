"""Commands of Mooring that come to an end, as a user runs them on the node."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from cluster.api import Api
from ground.mooring import PROGRAM
from ground.network import entered

Done = subprocess.CompletedProcess[str]


def command(api: Api, *words: str, env: Mapping[str, str] | None = None) -> Done:
    """Runs it where the API server is; ``env`` is added to the environment."""
    with entered(api.netns):
        return subprocess.run(
            [*PROGRAM, *words],
            cwd=api.directory,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
