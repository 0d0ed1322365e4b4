"""`mooring drain` and `undrain` before a fake API server, and what they write there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mooring.cli.main import main
from mooring.model.overrides import Drained
from mooring.plan.drain import ANNOTATION, parse_drain
from support.fake_api import FakeApi

A, B = "10.20.0.11", "10.20.0.12"


def service(drain: str = "", version: str = "7") -> dict[str, Any]:
    annotations = {ANNOTATION: drain} if drain else {}
    return {"metadata": {"name": "db", "resourceVersion": version, "annotations": annotations}}


def endpoints(*ready: str) -> dict[str, Any]:
    return {"metadata": {"name": "db"}, "subsets": [{"addresses": [{"ip": one} for one in ready]}]}


def run(server: FakeApi, folder: Path, command: str, *arguments: str) -> int:
    kubeconfig = server.kubeconfig(folder / "kubeconfig", {"token": "none"})
    where = ("-s", "shop/db", "--cluster", "kubeconfig", "--kubeconfig", str(kubeconfig))
    return main([command, *arguments, *where])


def written(server: FakeApi) -> tuple[Drained, ...] | None:
    """The annotation that was sent last; None: it was removed. Every write names the version that it changes."""
    metadata = json.loads(server.asked[-1].body)["metadata"]
    assert metadata["resourceVersion"]
    text = metadata["annotations"][ANNOTATION]
    return None if text is None else parse_drain(text)
