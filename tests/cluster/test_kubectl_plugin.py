"""`kubectl mooring …`, typed with a real kubectl at a real API server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.commands import Done
from kube import kubectl
from kube.api import Api
from kube.redis_services import ONE, TWO, Stage
from mooring import __version__
from mooring.plan.drain import ANNOTATION

pytestmark = pytest.mark.needs_api
Type = Callable[..., Done]


@pytest.fixture
def typed(api: Api, tmp_path: Path) -> Type:
    """What a shell runs that finds kubectl and what pip installed on its PATH, and whose kubeconfig is the test's."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("kubectl", "kubectl-mooring"):
        (programs / name).symlink_to(kubectl.PROGRAM.with_name(name))
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MOORING_", "KUBE"))}
    env = {**own, "PATH": str(programs), "KUBECONFIG": str(api.kubeconfig), "HOME": str(tmp_path)}

    def run(*words: str) -> Done:
        return subprocess.run(
            ["kubectl", *words], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )

    return run


def test_kubectl_finds_mooring_as_its_plugin(typed: Type) -> None:
    """It lists it, its help says how to type it, and a wrong word ends with 2 through kubectl too."""
    listed = typed("plugin", "list")
    assert listed.returncode == 0
    assert listed.stdout.strip().endswith("/kubectl-mooring")
    assert typed("mooring", "--version").stdout == f"mooring {__version__}\n"
    assert typed("mooring", "drain", "--help").stdout.startswith("Usage: kubectl mooring drain ")
    wrong = typed("mooring", "drian")
    assert wrong.returncode == 2
    assert "drain" in wrong.stderr


def test_its_commands_act_in_the_cluster_of_the_kubeconfig(typed: Type, stage: Stage) -> None:
    """Without further options: a drain and its end stand at the Service, an import reads it, and exit codes arrive."""
    subset = {"addresses": [{"ip": ONE}, {"ip": TWO}], "ports": [{"name": "redis", "port": 6379}]}
    stage.api.rest.create(stage.path("endpoints"), {"metadata": {"name": "db"}, "subsets": [subset]})
    place = stage.path("services", "db")

    done = typed("mooring", "drain", ONE, "-s", stage.key("db"), "--reason", "new disk")
    assert (done.returncode, done.stderr) == (0, "")
    drained = stage.api.rest.get(place)["metadata"]["annotations"][ANNOTATION]
    assert drained.startswith(f"{ONE};")
    assert "reason=new disk" in drained
    refused = typed("mooring", "drain", TWO, "-s", stage.key("db"))
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert typed("mooring", "undrain", ONE, "-s", stage.key("db")).returncode == 0
    assert ANNOTATION not in (stage.api.rest.get(place)["metadata"].get("annotations") or {})

    imported = typed("mooring", "import", "db", "-n", stage.namespace)
    assert imported.returncode == 0
    assert ONE in imported.stdout
    nobody = typed("mooring", "status", "--in-cluster", stage.namespace)
    assert nobody.returncode == 3
    assert f"there is no Lease {stage.namespace}/mooring" in nobody.stderr


def test_the_doctor_looks_by_the_login_of_kubectl(typed: Type, stage: Stage, tmp_path: Path) -> None:
    """The administrator of the kubeconfig has every right, and nobody leads there."""
    config = tmp_path / "mooring.yaml"
    entry = {"name": "db", "namespace": stage.namespace, "hosts": [ONE, TWO], "check": {"tcp": {}}}
    config.write_text(json.dumps({"version": 1, "services": [entry]}))
    words = ("--config", str(config), "--lease-namespace", stage.namespace, "--only", "file,cluster,rights,lease")
    found = typed("mooring", "doctor", *words)
    assert found.returncode == 1
    groups = [line.split()[:2] for line in found.stdout.splitlines() if not line.startswith(" ")]
    assert groups[:4] == [["file", "ok"], ["cluster", "ok"], ["rights", "ok"], ["lease", "1"]]
