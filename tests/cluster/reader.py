"""Somebody who types at a cluster what a page says, and compares what is printed with what the page shows."""

from __future__ import annotations

import difflib
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kube import build, kubectl
from kube.full_cluster import Cluster
from lab.network import inside
from lab.waiting import wait_until
from support.console import ROOT, Step, plain

_CONTEXT = "context-of-a-reader"


def example(page: str, name: str) -> str:
    """The YAML of a page that begins with ``# NAME``."""
    return (ROOT / page).read_text().partition(f"```yaml\n# {name}\n")[2].partition("```\n")[0]


def _differences(step: Step, said: Sequence[str]) -> str:
    order = sorted if step.command.startswith("kubectl apply ") else list  # it goes by namespace, called otherwise here
    shown, printed = order(plain(step.shown)), order(plain(said))
    if step.command.startswith("kubectl describe "):  # a page may leave out the Events, which stand last
        printed = printed[: len(shown)]
    return "\n".join(difflib.unified_diff(shown, printed, "shown", "printed", lineterm=""))


def _hold(step: Step, said: Sequence[str]) -> None:
    differences = _differences(step, said)
    assert not differences, f"{step.command}\n{differences}"


@dataclass(frozen=True)
class Reader:
    """Types in ``folder``; kubectl's default namespace is ``served``, which pages call ``default``.

    ``own`` is what pages call the namespace ``mooring``; ``words`` are further texts of pages by what they are here.
    """

    cluster: Cluster
    folder: Path
    served: str
    own: str = "mooring"
    words: Mapping[str, str] = field(default_factory=dict)

    def _here(self, command: str) -> str:
        made = command.replace("-n mooring", f"-n {self.own}").replace("-n default", f"-n {self.served}")
        for page, here in self.words.items():
            made = made.replace(page, here)
        return made

    def _there(self, lines: Sequence[str]) -> list[str]:
        return [line.replace(self.served, "default").replace(self.own, "mooring") for line in lines]

    def _environment(self) -> dict[str, str]:
        user = {"token": self.cluster.credentials.admin_token}
        kubeconfig = self.cluster.write_kubeconfig(_CONTEXT, user, namespace=self.served)
        programs = f"{kubectl.PROGRAM.parent}:{build.helm_directory()}:{os.environ['PATH']}"
        caches = {name: str(self.cluster.directory / "kubectl") for name in ("KUBECACHEDIR", "HELM_CACHE_HOME")}
        return {**os.environ, **caches, "PATH": programs, "KUBECONFIG": str(kubeconfig)}

    def said(self, command: str) -> list[str]:
        """What the command prints, as the page would have it."""
        with inside(self.cluster.netns):
            done = subprocess.run(
                ["sh", "-c", self._here(command)],
                cwd=self.folder,
                env=self._environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=400,
                check=False,
            )
        return self._there(done.stdout.splitlines())

    def type(self, step: Step) -> None:
        """Runs a command once. Raises AssertionError: it printed something else."""
        _hold(step, self.said(step.command))

    def look(self, step: Step) -> None:
        """Runs a command that changes nothing until it prints that: what it reports may take a while to be so."""
        said: list[str] = []

        def as_shown() -> bool:
            said[:] = self.said(step.command)
            return not _differences(step, said)

        try:
            wait_until(as_shown, 20, step.command, every=0.5)
        except TimeoutError:
            _hold(step, said)
