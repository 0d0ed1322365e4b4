"""A folder as kubelet mounts a ConfigMap or a Secret, and what it does when the object changes."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path


class Mounted:
    """``Mounted(folder).write(config=text)`` mounts, and again: swaps.

    As Kubernetes' atomic writer does it (pkg/volume/util/atomic_writer.go): the payload in a folder of its own, one
    rename of the symlink ``..data`` onto it, names that lead through that symlink, and the old folder removed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(exist_ok=True)
        self._times = itertools.count(1)

    def write(self, **payload: str) -> None:
        """The whole payload, each name with ``.yaml`` behind it; a name that is left out goes."""
        new = self.folder / f"..2026_11_23_10_00_00.{next(self._times):09d}"
        new.mkdir()
        names = {f"{name}.yaml": text for name, text in payload.items()}
        for name, text in names.items():
            (new / name).write_text(text)
        data, coming = self.folder / "..data", self.folder / "..data_tmp"
        old = data.resolve() if data.is_symlink() else None
        coming.symlink_to(new.name)
        coming.rename(data)
        for name in names:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(Path("..data", name))
        for link in self.folder.glob("*.yaml"):
            if link.name not in names:
                link.unlink()
        if old:
            shutil.rmtree(old)

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"
