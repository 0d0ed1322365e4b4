"""What a version of Kubernetes takes, by a client made up for the test: the real ones are not on every machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kube import schemas

POST = '''
    def create_namespaced_io_box(self, namespace, body, **kwargs):
        """
        :param V1IOBox body: (required)
        """
    def create_namespaced_lid(self, namespace, body, **kwargs):
        """
        :type body: V1Lid
        """
'''
BOX = {
    "api_version": ("apiVersion", "str"),
    "kind": ("kind", "str"),
    "lids": ("lids", "list[V1Lid]"),
    "notes": ("notes", "dict(str, list[str])"),
    "weight": ("weightKg", "float"),
    "count": ("count", "int"),
    "locked": ("locked", "bool"),
    "anything": ("anything", "object"),
}


ROOT = Path(__file__).parents[3]


def model(fields: dict[str, tuple[str, str]], *required: str) -> str:
    kinds, names = ({own: field[at] for own, field in fields.items()} for at in (1, 0))
    raises = [f'        raise ValueError("Invalid value for `{one}`, must not be `None`")' for one in required]
    tables = (f"    openapi_types = {kinds}", f"    attribute_map = {names}")
    return "\n".join(("class Made:", *tables, "    def f(self):", "        pass", *raises))


@pytest.fixture(autouse=True)
def _client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "kubernetes/client"
    for folder in ("api", "models"):
        (made / folder).mkdir(parents=True)
    (made / "api/shelves_v1_api.py").write_text(f"class ShelvesV1Api:\n{POST}")
    (made / "models/v1_io_box.py").write_text(model(BOX, "lids"))
    lid = {"api_version": ("apiVersion", "str"), "kind": ("kind", "str"), "name": ("name", "str")}
    (made / "models/v1_lid.py").write_text(model(lid))
    monkeypatch.setattr(schemas, "folder", lambda version: tmp_path)


def complaints(**fields: Any) -> list[str]:
    return schemas.complaints("1.2", {"apiVersion": "shelves.k8s.io/v1", "kind": "IOBox", **fields})


def test_a_good_manifest() -> None:
    """Numbers, lists and maps of the types that stand in the schema; null is as if it were not there."""
    assert complaints(lids=[{"name": "a"}], notes={"a": ["b"]}, weightKg=2, count=3, locked=True, anything=[1]) == []
    assert complaints(lids=[], notes=None) == []
    assert schemas.complaints("1.2", {"apiVersion": "shelves.k8s.io/v1", "kind": "Lid", "name": "a"}) == []


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"lids": None}, ".lids: is missing"),
        ({"lids": [{"nmae": "a"}]}, ".lids[0].nmae: V1Lid has no such field"),
        ({"lids": ["a"]}, ".lids[0]: 'a' is no V1Lid"),
        ({"lids": {"name": "a"}}, ".lids: {'name': 'a'} is no list of V1Lid"),
        ({"notes": ["a"]}, ".notes: ['a'] is no dict of list[str]"),
        ({"notes": {"a": [1]}}, ".notes[a][0]: 1 is no str"),
        ({"count": True}, ".count: True is no int"),
        ({"count": "3"}, ".count: '3' is no int"),
        ({"locked": "yes"}, ".locked: 'yes' is no bool"),
    ],
)
def test_what_the_api_would_refuse(fields: dict[str, Any], complaint: str) -> None:
    """A missing field, one that is not known, or a wrong type: each with its path."""
    assert complaints(**{"lids": [], **fields}) == [complaint]


@pytest.mark.parametrize("named", [("shelves.k8s.io/v1", "Cupboard"), ("shelves.k8s.io/v2", "IOBox"), ("v1", "IOBox")])
def test_a_kind_that_is_not_served(named: tuple[str, str]) -> None:
    """By its group, its version, or its name."""
    manifest = dict(zip(("apiVersion", "kind"), named, strict=True))
    assert schemas.complaints("1.2", manifest) == [f"Kubernetes 1.2 has no {' '.join(named)}"]


def test_the_versions_are_those_that_are_said() -> None:
    """Each has its lock; the oldest is the one that the chart takes, the newest that of the test cluster."""
    locks = {path.stem.partition("-")[2] for path in schemas.LOCKS.glob("kubernetes-*.txt")}
    assert locks == set(schemas.VERSIONS)
    assert f'kubeVersion: ">={schemas.VERSIONS[0]}.0-0"' in (ROOT / "deploy/helm/mooring/Chart.yaml").read_text()
    assert f"k8s.io/kubernetes v{schemas.VERSIONS[-1]}." in (ROOT / "tools/kube/k8s/go.mod").read_text()
    assert f"KUBERNETES := {' '.join(schemas.VERSIONS)} " in (ROOT / "Makefile").read_text()
