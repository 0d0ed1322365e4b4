"""Objects of a watch cache: packed while nobody asks, parsed once where somebody does."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from mooring.cluster.held import Held
from mooring.cluster.reading import Json

FOUND: dict[str, Any] = {"metadata": {"name": "db", "resourceVersion": "7"}, "subsets": [{"addresses": [{"ip": "é"}]}]}
MOST_MIB = 25.0
PROGRAM = """
import gc, json, sys
from mooring.cluster.cache import Watch

def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

def pod(i, j):
    ref = {"kind": "Pod", "namespace": "default", "name": f"app-{i}-7d9c5b6f4-{j:05}", "uid": f"1b2c3d4e-{i:04}-{j:04}"}
    ready = {"ready": True, "serving": True, "terminating": False}
    return {"addresses": [f"10.{i // 250}.{i % 250}.{j + 1}"], "conditions": ready, "nodeName": f"ip-10-0-{j}-{i}",
            "targetRef": ref, "zone": "eu-west-1a"}

def slice_of(i):
    fields = {"f:endpoints": {}, "f:metadata": {"f:labels": {".": {}, "f:app": {}}, "f:ownerReferences": {}}}
    managed = [{"manager": "kube-controller-manager", "time": "2026-01-01T00:00:00Z", "fieldsV1": fields}]
    labels = {"app": f"app-{i}", "kubernetes.io/service-name": f"app-{i}"}
    metadata = {"name": f"app-{i}", "resourceVersion": str(i + 1), "labels": labels, "managedFields": managed}
    return {"metadata": metadata, "addressType": "IPv4", "endpoints": [pod(i, j) for j in range(20)], "ports": []}

class Listing:
    def get(self, path, query=()):
        asked = dict(query)
        at, count = int(asked.get("continue", 0)), int(asked["limit"])
        items = [slice_of(i) for i in range(at, min(1000, at + count))]
        metadata = {"resourceVersion": "9", "continue": str(at + count) if at + count < 1000 else ""}
        return json.loads(json.dumps({"metadata": metadata, "items": items}))

before, kept = rss(), []
for kind in ("services", "endpoints", "endpointslices"):
    kept.append(Watch(Listing(), kind, lambda _names: None, dict))
    kept[-1]._list()
gc.collect()
assert kept[0].get("app-999")["endpoints"][19]["zone"] == "eu-west-1a"
print(rss() - before)
"""


def test_an_object_is_what_it_was() -> None:
    """Nothing of it is lost while it is packed: whoever decides later may need any part of it."""
    assert Held[Json](FOUND, "7", "db").value(dict) == FOUND


def test_it_is_parsed_once() -> None:
    """However often a Service is looked at: its objects are read when they change."""
    parsed: list[Json] = []

    def parse(found: Json) -> str:
        parsed.append(found)
        return "value"

    held = Held[str](FOUND, "7", "db")
    assert [held.value(parse) for _ in range(3)] == ["value"] * 3
    assert parsed == [FOUND]


def test_what_cannot_be_parsed_says_so_each_time() -> None:
    held = Held[str](FOUND, "7", "db")
    for _ in range(2):
        with pytest.raises(KeyError):
            held.value(lambda found: str(found["spec"]))


def test_a_crowded_namespace_costs_little_memory() -> None:
    """A thousand Services of twenty pods each beside ours: their objects add less than 25 MiB in all."""
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=100)
    assert float(told.stdout) < MOST_MIB
