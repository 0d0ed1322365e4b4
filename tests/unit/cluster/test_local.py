"""The folder of manifests behind ``--cluster local``."""

from __future__ import annotations

import fcntl
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab.values import KEY, PORTS
from lab.waiting import wait_until
from mooring.cluster.local import LocalCluster
from mooring.model.errors import Conflict, Rejected, Unavailable
from mooring.model.objects import Condition, Endpoint, EndpointsWrite, Slice, SliceWrite, Subset
from mooring.model.spec import ServiceKey

BOTH = (Subset(("10.20.0.11",), ("10.20.0.12",), PORTS),)
DOWN = (Subset((), ("10.20.0.11", "10.20.0.12"), PORTS),)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def cluster(folder: Path) -> LocalCluster:
    return LocalCluster(folder)


def manifest(folder: Path) -> Path:
    return folder / "default" / "mysql-external.yaml"


def test_a_written_object_is_a_manifest_that_kubectl_takes(folder: Path, cluster: LocalCluster) -> None:
    """Each file is a whole Endpoints manifest with our label, one file a Service."""
    cluster.apply(EndpointsWrite(KEY, None, BOTH))
    assert yaml.safe_load(manifest(folder).read_text()) == {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": "mysql-external",
            "namespace": "default",
            "labels": {"app.kubernetes.io/managed-by": "mooring"},
        },
        "subsets": [
            {
                "addresses": [{"ip": "10.20.0.11"}],
                "notReadyAddresses": [{"ip": "10.20.0.12"}],
                "ports": [{"name": "mysql", "port": 3306, "protocol": "TCP"}],
            }
        ],
    }


def test_empty_lists_are_left_out(folder: Path, cluster: LocalCluster) -> None:
    """A manifest with no ready host has no ``addresses`` at all, and one without hosts no ``subsets``."""
    stored = cluster.apply(EndpointsWrite(KEY, None, DOWN))
    assert "addresses" not in yaml.safe_load(manifest(folder).read_text())["subsets"][0]
    cluster.apply(EndpointsWrite(KEY, stored, ()))
    assert "subsets" not in yaml.safe_load(manifest(folder).read_text())


def test_what_is_written_is_read_back(cluster: LocalCluster) -> None:
    """The answer to a write and the next read are the same value."""
    assert cluster.read(KEY) is None
    stored = cluster.apply(EndpointsWrite(KEY, None, BOTH))
    assert cluster.read(KEY) == stored
    assert (stored.managed, stored.subsets) == (True, BOTH)


def test_what_others_put_on_the_object_stays(folder: Path, cluster: LocalCluster) -> None:
    """Labels, annotations and unknown fields of others survive our writes."""
    manifest(folder).parent.mkdir()
    theirs = {"labels": {"team": "dba"}, "annotations": {"note": "äöü: kept"}, "finalizers": ["x/y"]}
    document = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": KEY.name, **theirs}}
    manifest(folder).write_text(yaml.safe_dump(document))
    stored = cluster.read(KEY)
    assert stored is not None
    assert not stored.managed
    cluster.apply(EndpointsWrite(KEY, stored, BOTH))
    metadata = yaml.safe_load(manifest(folder).read_text())["metadata"]
    assert metadata["annotations"] == theirs["annotations"]
    assert metadata["finalizers"] == theirs["finalizers"]
    assert metadata["labels"] == {"team": "dba", "app.kubernetes.io/managed-by": "mooring"}


@pytest.mark.parametrize("between", ["edited", "removed", "created"])
def test_a_write_needs_the_object_that_it_was_decided_on(folder: Path, cluster: LocalCluster, between: str) -> None:
    """An object that somebody changed since it was read is not overwritten."""
    stored = None if between == "created" else cluster.apply(EndpointsWrite(KEY, None, BOTH))
    if between == "removed":
        manifest(folder).unlink()
    elif between == "edited":
        manifest(folder).write_text(manifest(folder).read_text() + "# mine\n")
    else:
        LocalCluster(folder).apply(EndpointsWrite(KEY, None, DOWN))
    before = manifest(folder).read_bytes() if between != "removed" else None
    with pytest.raises(Conflict, match=r"default/mysql-external was changed by somebody else"):
        cluster.apply(EndpointsWrite(KEY, stored, DOWN))
    assert (manifest(folder).read_bytes() if manifest(folder).exists() else None) == before


def test_readers_never_see_half_a_file(folder: Path, cluster: LocalCluster) -> None:
    """A reader sees the old manifest or the new one, whole, and no other file with such a name."""
    stored = cluster.apply(EndpointsWrite(KEY, None, BOTH))
    done = threading.Event()
    seen: list[object] = []

    def read() -> None:
        while not done.is_set():
            seen.append(yaml.safe_load(manifest(folder).read_text())["kind"])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(40):
        stored = cluster.apply(EndpointsWrite(KEY, stored, DOWN if number % 2 else BOTH))
        wait_until(lambda: seen or not reader.is_alive(), 10, "the reader to begin")
    done.set()
    reader.join()
    assert set(seen) == {"Endpoints"}
    assert [path.name for path in manifest(folder).parent.iterdir()] == ["mysql-external.yaml"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: b: c", "not valid YAML, line 1"),
        ("- 1", "is no Kubernetes object"),
        ("kind: Service\nmetadata: {name: mysql-external}", "is Service default/mysql-external, not its Endpoints"),
        ("kind: Endpoints\nmetadata: {name: other}", "is Endpoints default/other, not its Endpoints"),
        ("kind: Endpoints\nmetadata: {name: mysql-external}\nsubsets: [3]", "not of the shape of an Endpoints"),
        ("kind: Endpoints\nmetadata: []\nsubsets: [{addresses: [{}]}]", "not of the shape of an Endpoints"),
    ],
    ids=["yaml", "list", "kind", "name", "subset", "address"],
)
def test_an_object_that_cannot_be_read_is_refused_and_kept(
    folder: Path, cluster: LocalCluster, text: str, why: str
) -> None:
    """A broken manifest is told with its cause, and left as it is."""
    manifest(folder).parent.mkdir()
    manifest(folder).write_text(text)
    with pytest.raises(Rejected, match=why):
        cluster.read(KEY)
    assert manifest(folder).read_text() == text


def test_null_lists_are_empty_lists(folder: Path, cluster: LocalCluster) -> None:
    """As the API server sends them, lists may be null."""
    manifest(folder).parent.mkdir()
    manifest(folder).write_text(
        "kind: Endpoints\nmetadata: {name: mysql-external, labels: null}\n"
        "subsets: [{addresses: null, notReadyAddresses: [{ip: 10.20.0.11}], ports: null}]"
    )
    stored = cluster.read(KEY)
    assert stored is not None
    assert stored.subsets == (Subset((), ("10.20.0.11",), ()),)


def test_addresses_are_the_same_however_they_are_written(folder: Path, cluster: LocalCluster) -> None:
    """An IPv6 address that somebody wrote in full is the one that the file lists in short."""
    manifest(folder).parent.mkdir()
    subset = "{addresses: [{ip: 'FD00:0:0::000B'}], notReadyAddresses: [{ip: odd}]}"
    manifest(folder).write_text(f"kind: Endpoints\nmetadata: {{name: mysql-external}}\nsubsets: [{subset}]")
    stored = cluster.read(KEY)
    assert stored is not None
    assert stored.subsets == (Subset(("fd00::b",), ("odd",), ()),)


def test_an_edit_is_seen_at_the_next_read(folder: Path, cluster: LocalCluster) -> None:
    """Reads are cheap when nothing changed, and never stale when something did."""
    stored = cluster.apply(EndpointsWrite(KEY, None, BOTH))
    for _ in range(3):
        assert cluster.read(KEY) is not None
    text = manifest(folder).read_text()
    manifest(folder).write_text(text.replace("10.20.0.11", "10.20.0.99"))
    edited = cluster.read(KEY)
    assert edited is not None
    assert edited.ready == {"10.20.0.99"}
    assert edited.version != stored.version


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    """Trouble with the disk is told with the path and tried again, never a crash."""
    (tmp_path / "default").write_text("a file where the namespace's folder should be")
    cluster = LocalCluster(tmp_path)
    with pytest.raises(Unavailable, match="default"):
        cluster.read(KEY)
    with pytest.raises(Unavailable, match="default"):
        cluster.apply(EndpointsWrite(KEY, None, BOTH))


def test_two_writers_take_turns(folder: Path, cluster: LocalCluster) -> None:
    """While another Mooring writes into the folder, ours waits for its turn."""
    with (folder / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Unavailable, match="another Mooring is writing here"):
            cluster.apply(EndpointsWrite(KEY, None, BOTH))
    assert cluster.apply(EndpointsWrite(KEY, None, BOTH)).managed


def test_a_change_of_another_kind_of_version_is_a_conflict(cluster: LocalCluster) -> None:
    """The precondition is the content, not the time of a file."""
    stored = cluster.apply(EndpointsWrite(KEY, None, BOTH))
    with pytest.raises(Conflict):
        cluster.apply(EndpointsWrite(KEY, replace(stored, version="0" * 64), DOWN))


SLICE = Slice("mysql-external-mooring-ipv4-0", "IPv4", (Endpoint("10.20.0.11", Condition.READY),), PORTS)


def test_slices_are_files_beside_the_endpoints(folder: Path, cluster: LocalCluster) -> None:
    """Each is a manifest that kubectl takes; what was written is what is read, by a new start too."""
    after = cluster.apply_slice(SliceWrite(KEY, None, SLICE))
    assert after is not None
    assert (after.slice, after.managed_by) == (SLICE, "mooring")
    assert (
        yaml.safe_load((folder / "default" / f"{SLICE.name}.endpointslice.yaml").read_text())["kind"] == "EndpointSlice"
    )
    assert cluster.slices(KEY) == LocalCluster(folder).slices(KEY) == (after,)
    assert cluster.read(KEY) is None


def test_a_slice_is_changed_and_deleted_only_as_it_was_read(cluster: LocalCluster) -> None:
    """A stale write is refused as a conflict, a deletion too."""
    first = cluster.apply_slice(SliceWrite(KEY, None, SLICE))
    down = replace(SLICE, endpoints=(Endpoint("10.20.0.11", Condition.NOT_READY),))
    second = cluster.apply_slice(SliceWrite(KEY, first, down))
    for stale in (SliceWrite(KEY, first, SLICE), SliceWrite(KEY, first, None), SliceWrite(KEY, None, SLICE)):
        with pytest.raises(Conflict):
            cluster.apply_slice(stale)
    assert cluster.slices(KEY) == (second,)
    assert cluster.apply_slice(SliceWrite(KEY, second, None)) is None
    assert cluster.slices(KEY) == ()


def test_a_slice_is_of_the_service_that_it_names(folder: Path, cluster: LocalCluster) -> None:
    """Names may begin alike; what somebody edits is seen at the next look."""
    cluster.apply_slice(SliceWrite(KEY, None, SLICE))
    path = folder / "default" / f"{SLICE.name}.endpointslice.yaml"
    path.write_text(path.read_text().replace("service-name: mysql-external", "service-name: another-one"))
    assert cluster.slices(KEY) == ()
    assert cluster.slices(ServiceKey("nowhere", "db")) == ()
