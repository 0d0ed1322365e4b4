"""The kustomize base as a user installs it: copied, edited, applied."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from cluster.manifests import BASE

NAMESPACE = "mooring"
SERVED = "default"
"""The namespace that the base's file and Role name."""
_OVER = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../base]
components: [{}]
"""


def copied(directory: Path) -> Path:
    """A copy that may be edited."""
    return Path(shutil.copytree(BASE, directory / "base"))


def edit(path: Path, *edits: tuple[str, str]) -> None:
    """Replaces each text by another.

    Raises:
        ValueError: it stands there not at all, or more than once.
    """
    text = path.read_text()
    for old, new in edits:
        if text.count(old) != 1:
            raise ValueError(f"{path} has {old!r} {text.count(old)} times")
        text = text.replace(old, new)
    path.write_text(text)


def overlay(base: Path, components: Sequence[str]) -> Path:
    """A folder beside the copy that adds components to it."""
    made = base.parent / "over"
    made.mkdir()
    (made / "kustomization.yaml").write_text(_OVER.format(", ".join(f"../base/components/{one}" for one in components)))
    return made
