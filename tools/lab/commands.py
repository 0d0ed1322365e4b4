"""Commands that make something, and end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_SECONDS = 900


def ran(*words: str | Path, cwd: Path | None = None, **env: str) -> str:
    """Runs one command; returns what it printed. Raises RuntimeError with the end of its complaint."""
    done = subprocess.run(
        words, cwd=cwd, env=os.environ | env, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout
