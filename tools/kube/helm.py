"""Helm, as users have it, and the chart."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from kube import build
from kube.api import Api
from lab.network import inside

CHART = Path(__file__).parents[2] / "deploy/helm/mooring"


def _done(words: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    program = str(build.helm_directory() / "helm")
    done = subprocess.run([program, *words], env=env, capture_output=True, text=True, timeout=400, check=False)
    if done.returncode:
        raise RuntimeError(f"helm {' '.join(words)}: {done.stderr.strip()}{done.stdout.strip()}")
    return done.stdout


def run(api: Api, *words: str) -> str:
    """Runs it as the administrator, and returns what it printed.

    Raises:
        RuntimeError: it failed; the message has what it said.
    """
    with inside(api.netns):
        return _done(words, {**os.environ, "KUBECONFIG": str(api.kubeconfig), "HELM_CACHE_HOME": str(api.directory)})


def rendered(*words: str, chart: Path = CHART, release: str = "mooring") -> str:
    """The chart as YAML, installed as ``release`` into the namespace ``mooring``; raises as ``run`` does."""
    return _done(["template", release, str(chart), "--namespace", "mooring", *words])


def linted(*words: str, chart: Path = CHART) -> str:
    """What Helm's linter says of the chart with these values; raises as ``run`` does."""
    return _done(["lint", "--strict", str(chart), *words])
