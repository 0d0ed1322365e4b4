"""The programs of the test cluster: built once from pinned sources, and kept by version outside the repository.

python -m kube.build      builds what is missing; cold this takes 17 minutes on two cores, warm seconds
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kube import go
from lab.exclusive import alone

SOURCES = Path(__file__).parent / "k8s"
CONTAINERD = "github.com/containerd/containerd/v2/cmd/{}@v2.4.2"
COREDNS = "github.com/coredns/coredns@v1.15.0"
HELM = "v3.22.0"
COLD = "17 minutes on two cores"
_VERSION = "k8s.io/component-base/version"
_LEAN = ("-trimpath", "-ldflags", "-s -w")


@dataclass(frozen=True, slots=True)
class Program:
    """What one call of Go makes. ``go`` are its words; the result is put into the folder that GOBIN names."""

    names: tuple[str, ...]
    go: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


def programs() -> tuple[Program, ...]:
    """All of them, what the API needs first."""
    shims = ("containerd", "containerd-shim-runc-v2", "ctr")
    return (
        Program(("k8s",), ("install", "-trimpath", "-ldflags", f"-s -w {_stamp()}", ".")),
        Program(("pause",), ("install", *_LEAN, "./pause"), {"CGO_ENABLED": "0"}),  # it runs where nothing else is
        Program(shims, ("install", *_LEAN, *(CONTAINERD.format(name) for name in shims))),
        Program(("coredns",), ("install", *_LEAN, COREDNS)),
    )


def helm() -> Program:
    """Helm, which needs no cluster's sources and is kept by its own version.

    The flags are those of its own Makefile; without them it takes every cluster for Kubernetes 1.20.
    """
    values = {"internal/version.version": HELM}
    for package in ("pkg/lint/rules", "pkg/chartutil"):
        values |= {f"{package}.k8sVersionMajor": "1", f"{package}.k8sVersionMinor": "37"}
    stamp = " ".join(f"-X helm.sh/helm/v3/{name}={value}" for name, value in values.items())
    return Program(
        ("helm",), ("install", "-trimpath", "-ldflags", f"-s -w {stamp}", f"helm.sh/helm/v3/cmd/helm@{HELM}")
    )


def _stamp() -> str:
    """Linker flags: the version that the API server says it is."""
    found = re.search(r"k8s.io/kubernetes (v(\d+)\.(\d+)\.\S+)", (SOURCES / "go.mod").read_text())
    if found is None:
        raise RuntimeError(f"{SOURCES / 'go.mod'} names no version of k8s.io/kubernetes")
    values = zip(("gitVersion", "gitMajor", "gitMinor"), found.groups(), strict=True)
    return " ".join(f"-X {_VERSION}.{name}={value}" for name, value in values)


def key() -> str:
    """What the programs are built from: other sources or versions have another key."""
    digest = hashlib.sha256(repr(programs()).encode())
    for path in sorted(path for path in SOURCES.rglob("*") if path.is_file()):
        digest.update(path.relative_to(SOURCES).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def cache() -> Path:
    """Where everything that is made once for the tests is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mooring-tests"


def directory() -> Path:
    """Where the cluster's programs are, or will be."""
    return cache() / key() / "bin"


def helm_directory() -> Path:
    return cache() / f"helm-{HELM}" / "bin"


def _places() -> list[tuple[Program, Path]]:
    """Each program with the folder that it is kept in."""
    return [*((program, directory()) for program in programs()), (helm(), helm_directory())]


def missing() -> list[str]:
    """The programs that are not built yet."""
    return [name for program, where in _places() for name in program.names if not (where / name).exists()]


def _names(made: Iterable[Program]) -> str:
    return " ".join(name for program in made for name in program.names)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _make(program: Program, where: Path, compiler: str) -> None:
    """Builds beside, then moves: what has its name is complete."""
    where.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=where, prefix=".new-") as new:
        env = {**os.environ, **program.env, "GOBIN": new}
        subprocess.run([compiler, *program.go], cwd=SOURCES, env=env, check=True)
        for name in program.names:
            (Path(new) / name).replace(where / name)


def build(*names: str) -> Path:
    """Builds what is missing of these programs, or of all, and returns the folder with the cluster's.

    Raises:
        RuntimeError: there is no Go that can; the message says which is needed.
        subprocess.CalledProcessError: a build failed; Go has said why on stderr.
    """
    where = directory()
    with alone(where / ".lock"):  # two builds at once would do everything twice
        absent = set(missing()) & set(names or missing())
        todo = [(program, place) for program, place in _places() if absent & set(program.names)]
        if todo:
            compiler = go.program(cache())
            _say(f"building {_names(program for program, _ in todo)} for the tests, once; all of it takes {COLD}")
        for number, (program, place) in enumerate(todo, 1):
            began = time.monotonic()
            _make(program, place, compiler)
            _say(f"built {_names([program])}, {number} of {len(todo)}, in {time.monotonic() - began:.0f} s")
    return where


if __name__ == "__main__":
    try:
        build(*sys.argv[1:])
    except (RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
