"""The build files of the image, without an engine; tests/scenarios/test_image.py builds and runs it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from lab.images import ROOT
from mooring import __version__

MACHINES = re.compile(r"amd64|x86_64|arm64|aarch64", re.IGNORECASE)
ENGINE = '#!/bin/sh\n[ "$1" = info ] || printf "%s\\n" "$@"\n'
"""Says what it was asked for."""


def test_options_reach_the_engine_as_they_are(tmp_path: Path) -> None:
    """`--platform` too; the tag, the version and the checkout stand beside them."""
    engine = tmp_path / "buildah"
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    env = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ENGINE": "buildah"}
    words = [
        str(ROOT / "deploy/image/build.sh"),
        "registry/mooring:1",
        "--platform",
        "linux/arm64",
        "--build-arg",
        "A=b c",
    ]
    said = subprocess.run(words, env=env, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    assert said[:3] == ["build", "--tag", "registry/mooring:1"]
    assert f"VERSION={__version__}" in said
    assert said[-5:] == ["--platform", "linux/arm64", "--build-arg", "A=b c", "."]


def test_nothing_in_the_build_is_for_one_processor() -> None:
    """The build names none, so that the engine's `--platform` alone decides."""
    files = [ROOT / "Dockerfile", *(ROOT / "deploy/image").glob("*.*")]
    assert len(files) == 3
    assert [file.name for file in files if MACHINES.search(file.read_text())] == []
