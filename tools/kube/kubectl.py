"""kubectl, as users have it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lab.network import inside

PROGRAM = Path(sys.executable).parent / "kubectl"  # a wheel of the development environment


def run(kubeconfig: Path, *words: str, netns: str | None, stdin: str | None = None, check: bool = True) -> str:
    """Runs it, and returns what it printed; its warnings are left out.

    Raises:
        RuntimeError: it failed and ``check`` is set.
    """
    env = {**os.environ, "KUBECONFIG": str(kubeconfig), "KUBECACHEDIR": str(kubeconfig.parent / "kubectl")}
    with inside(netns):
        done = subprocess.run(
            [PROGRAM, *words], env=env, input=stdin, capture_output=True, text=True, timeout=400, check=False
        )
    if check and done.returncode:
        raise RuntimeError(f"kubectl {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
