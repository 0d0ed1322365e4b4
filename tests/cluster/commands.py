"""Commands of Mooring that come to an end, as a user runs them on the node."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from kube.api import Api
from lab.mooring import PROGRAM
from lab.network import inside

Done = subprocess.CompletedProcess[str]


def command(api: Api, *words: str, env: Mapping[str, str] | None = None) -> Done:
    """Runs it where the API server is; ``env`` is added to the environment. Secrets lie in folders of the tests."""
    with inside(api.netns):
        return subprocess.run(
            [*PROGRAM, *words],
            cwd=api.directory,
            env={**os.environ, "MOORING_SECRET_DIRS": "/", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
