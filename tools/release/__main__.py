"""Makes the files of a release.

python -m release [PART…]      each part's files into dist/ (or the folder DIST), and SHA256SUMS of all that is there
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from release import chart, deb, image, project, python, sbom

PARTS: Mapping[str, Callable[[Path], Iterator[Path]]] = {
    "python": python.packages,
    "chart": chart.package,
    "sbom": sbom.bill,
    "deb": deb.packages,
    "image": image.archive,
}
SUMS = "SHA256SUMS"


def sums(dist: Path) -> str:
    """What ``sha256sum --check`` takes, of every file in this folder but the sums themselves."""
    files = sorted(path for path in dist.iterdir() if path.is_file() and path.name != SUMS)
    return "".join(f"{_digest(path)}  {path.name}\n" for path in files)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make(parts: Sequence[str], dist: Path) -> list[Path]:
    """Makes these parts. Raises RuntimeError with what is missing or failed."""
    dist.mkdir(parents=True, exist_ok=True)
    made = [file for part in parts for file in PARTS[part](dist)]
    (dist / SUMS).write_text(sums(dist))
    return made


def main(words: Sequence[str]) -> str | None:
    """What is wrong, if anything."""
    if unknown := set(words) - PARTS.keys():
        return f"no part of a release: {', '.join(sorted(unknown))}; these are: {', '.join(PARTS)}"
    try:
        made = make(words or tuple(PARTS), Path(os.environ.get("DIST") or project.ROOT / "dist"))
    except RuntimeError as error:
        return str(error)
    sys.stdout.writelines(f"{file.name}\n" for file in made)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
