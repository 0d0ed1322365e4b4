"""The kustomize base as a user installs it: copied, edited, applied."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from kube.manifests import BASE

_OVER = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../base]
components: [{}]
"""


def copied(directory: Path) -> Path:
    """A copy that may be edited."""
    return Path(shutil.copytree(BASE, directory / "base"))


def edit(path: Path, old: str, new: str) -> None:
    """Replaces a text wherever it stands. Raises ValueError: that is nowhere."""
    text = path.read_text()
    if old not in text:
        raise ValueError(f"{path} has no {old!r}")
    path.write_text(text.replace(old, new))


def overlay(base: Path, components: Sequence[str]) -> Path:
    """A folder beside the copy that adds components to it."""
    made = base.parent / "over"
    made.mkdir()
    (made / "kustomization.yaml").write_text(_OVER.format(", ".join(f"../base/components/{one}" for one in components)))
    return made
