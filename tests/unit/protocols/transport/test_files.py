"""The files that the configuration names: only where they may lie, and never waited for long."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lab.waiting import wait_until
from mooring.model.file_policy import FilePolicy
from mooring.model.fingerprint import fingerprint
from mooring.model.reasons import Reason
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.files import PATIENT, FileReader

SOON = 60.0


def now() -> float:
    return time.monotonic()


class HungMount:
    """A stand-in for ``os.open`` whose files below a folder do not open until it is mended."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._mended = threading.Event()
        self.opened = 0

    def __call__(self, path: str, flags: int) -> int:
        if path.startswith(self._folder):
            self.opened += 1
            self._mended.wait(60)
        return os.open(path, flags)

    def mend(self) -> None:
        self._mended.set()


@pytest.fixture
def hung(tmp_path: Path) -> Iterator[HungMount]:
    (tmp_path / "hung").mkdir()
    (tmp_path / "hung" / "password").write_text("one")
    mount = HungMount(tmp_path / "hung")
    yield mount
    mount.mend()


def why(reading: Callable[[], object]) -> str:
    with pytest.raises(Failure) as caught:
        reading()
    assert caught.value.reason is Reason.LOCAL
    return caught.value.message


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder of secrets, as kubelet makes it: each file is a link over ``..data``."""
    folder = tmp_path / "secrets"
    (folder / "..2026").mkdir(parents=True)
    (folder / "..2026" / "password").write_text("swordfish")
    (folder / "..data").symlink_to("..2026")
    (folder / "password").symlink_to("..data/password")
    return folder


def confined(*dirs: Path, own: tuple[Path, ...] = ()) -> FileReader:
    reader = FileReader()
    reader.confine(FilePolicy(tuple(map(str, dirs)), tuple(map(str, own))))
    return reader


def test_a_file_inside_is_read_with_its_fingerprint(secrets: Path) -> None:
    """Links inside the folder, as kubelet makes them, lead to where the file may lie."""
    found = confined(secrets).read(str(secrets / "password"), 100, now() + SOON)
    assert (found.data, found.mark) == (b"swordfish", fingerprint(secrets / "password"))


def test_a_folder_may_itself_be_a_link(secrets: Path, tmp_path: Path) -> None:
    """/var/run is a link to /run on most machines."""
    (tmp_path / "link").symlink_to(secrets)
    for folder, path in ((tmp_path / "link", secrets), (secrets, tmp_path / "link")):
        assert confined(folder).read(str(path / "password"), 100, now() + SOON).data == b"swordfish"


def test_no_more_is_read_than_the_limit_and_one_byte(secrets: Path) -> None:
    """A big file costs nothing; the one byte shows that it is too big."""
    assert confined(secrets).read(str(secrets / "password"), 4, now() + SOON).data == b"sword"


@pytest.mark.parametrize("way", ["path", "dots", "link", "link-of-a-folder"])
def test_a_file_outside_is_not_read(secrets: Path, tmp_path: Path, way: str) -> None:
    """Whatever the path looks like, the opened file must lie in one of the folders."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "token").write_text("eyJ")
    (secrets / "link").symlink_to(tmp_path / "elsewhere" / "token")
    (secrets / "folder").symlink_to(tmp_path / "elsewhere")
    ways = {
        "path": tmp_path / "elsewhere" / "token",
        "dots": secrets / ".." / "elsewhere" / "token",
        "link": secrets / "link",
        "link-of-a-folder": secrets / "folder" / "token",
    }
    told = why(lambda: confined(secrets).read(str(ways[way]), 100, now() + SOON))
    real = tmp_path / "elsewhere" / "token"
    assert told == f"{ways[way]}: lies at {real}, outside --secret-dirs ({secrets})"


def test_a_folder_of_a_similar_name_is_outside(secrets: Path) -> None:
    """``/etc/mooring/secrets-of-others`` is not in ``/etc/mooring/secrets``."""
    other = secrets.with_name("secrets-of-others")
    other.mkdir()
    (other / "password").write_text("x")
    assert "outside --secret-dirs" in why(lambda: confined(secrets).read(str(other / "password"), 100, now() + SOON))


@pytest.mark.parametrize("dirs", [None, (), ("/",)], ids=["any", "none", "root"])
def test_a_service_accounts_folder_is_never_read(tmp_path: Path, dirs: tuple[str, ...] | None) -> None:
    """Whatever the folders are: its token may write Endpoints."""
    folder = tmp_path / "run" / "secrets" / "kubernetes.io" / "serviceaccount"
    (folder / "..data").mkdir(parents=True)
    (folder / "..data" / "token").write_text("eyJ")
    (folder / "token").symlink_to("..data/token")
    (tmp_path / "innocent").symlink_to(folder / "token")
    reader = FileReader()
    reader.confine(FilePolicy(dirs))
    for path in (folder / "token", tmp_path / "innocent"):
        assert "folder of a service account" in why(lambda path=path: reader.read(str(path), 100, now() + SOON))  # type: ignore[misc] # a lambda's default


@pytest.mark.parametrize("link", ["none", "symbolic", "hard"])
def test_a_kubeconfig_of_our_own_is_never_read(secrets: Path, link: str) -> None:
    """Also where it lies among the secrets, as in the folder of a unit's credentials, under whatever name."""
    kubeconfig, named = secrets / "kubeconfig", secrets / "innocent"
    kubeconfig.write_text("token: x")
    {
        "none": lambda: None,
        "symbolic": lambda: named.symlink_to(kubeconfig),
        "hard": lambda: named.hardlink_to(kubeconfig),
    }[link]()
    reader = confined(secrets, own=(kubeconfig,))
    told = why(lambda: reader.read(str(kubeconfig if link == "none" else named), 100, now() + SOON))
    assert "what Mooring logs in to the cluster with" in told
    assert reader.read(str(secrets / "password"), 100, now() + SOON).data == b"swordfish"


def test_a_link_that_is_swapped_is_judged_anew_at_each_read(secrets: Path, tmp_path: Path) -> None:
    """What was inside once may lead outside later."""
    outside = tmp_path / "token"
    outside.write_text("eyJ")
    reader = confined(secrets)
    reader.read(str(secrets / "password"), 100, now() + SOON)
    (secrets / "password").unlink()
    (secrets / "password").symlink_to(outside)
    assert "outside" in why(lambda: reader.read(str(secrets / "password"), 100, now() + SOON))


def test_a_link_that_is_swapped_while_it_is_read_shows_nothing(secrets: Path, tmp_path: Path) -> None:
    """The opened file is judged and read, not what stands under the path a moment later."""
    outside = tmp_path / "token"
    outside.write_text("eyJ")
    link = secrets / "link"

    def swapping(path: str, flags: int) -> int:
        link.unlink(missing_ok=True)
        link.symlink_to(outside)
        descriptor = os.open(path, flags)
        link.unlink()
        link.symlink_to("password")
        return descriptor

    reader = FileReader(swapping)
    reader.confine(FilePolicy((str(secrets),)))
    assert f"lies at {outside}" in why(lambda: reader.read(str(link), 100, now() + SOON))


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(secrets: Path) -> None:
    """Kubelet removes the old folder of a Secret: what has no place any more is not what the path means."""
    path, opened = secrets / "..data" / "password", list[int]()

    def replacing(name: str, flags: int) -> int:
        descriptor = os.open(name, flags)
        opened.append(descriptor)
        if len(opened) == 1:
            path.unlink()
            path.write_text("renewed")
        return descriptor

    reader = FileReader(replacing)
    reader.confine(FilePolicy((str(secrets),)))
    assert reader.read(str(secrets / "password"), 100, now() + SOON).data == b"renewed"


def test_authorities_may_also_be_the_systems() -> None:
    """``caFile`` may name the distribution's certificates; a password may not lie there."""
    policy = FilePolicy(("/none",))
    path = "/etc/ssl/openssl.cnf"
    reader = FileReader()
    assert reader.place(path, policy, ca=True).result(SOON) is None
    assert "outside" in str(reader.place(path, policy).result(SOON))


def test_a_file_that_is_missing_is_judged_by_its_place(secrets: Path, tmp_path: Path) -> None:
    """At a reload a Secret may not be mounted yet; where it is to lie is known."""
    reader, policy = FileReader(), FilePolicy((str(secrets),))
    assert reader.place(str(secrets / "later"), policy).result(SOON) is None
    assert "outside" in str(reader.place(str(tmp_path / "later"), policy).result(SOON))


def test_a_mount_that_hangs_is_our_fault_within_the_deadline(hung: HungMount, tmp_path: Path) -> None:
    """``local``, naming the path and what to look at."""
    reader, began = FileReader(hung), now()
    told = why(lambda: reader.read(str(tmp_path / "hung" / "password"), 100, now() + 0.5))
    assert re.search(r"hung/password: no answer for \d+\.\d s", told)
    assert told.endswith("; look at the mount that it lies on")
    assert now() - began < 20


def test_a_mount_that_hangs_delays_no_other_file(hung: HungMount, secrets: Path, tmp_path: Path) -> None:
    """Files elsewhere are read meanwhile, and the hung one costs one thread, however many ask for it."""
    before = sum(thread.name == "files" for thread in threading.enumerate())
    reader, path = FileReader(hung), str(tmp_path / "hung" / "password")
    for _ in range(3):
        why(lambda: reader.read(path, 100, now() + 0.3))
    reader.look(path)
    assert reader.read(str(secrets / "password"), 100, now() + SOON).data == b"swordfish"
    wait_until(lambda: hung.opened, SOON, "the file to be opened")
    assert hung.opened == 1
    assert sum(thread.name == "files" for thread in threading.enumerate()) <= before + 2


def test_of_many_who_ask_for_a_hung_file_few_wait(hung: HungMount, tmp_path: Path) -> None:
    """So that threads that log in are left for hosts whose files answer."""
    reader, path = FileReader(hung), str(tmp_path / "hung" / "password")
    why(lambda: reader.read(path, 100, now() + 0.3))

    def ask() -> None:
        with suppress(Failure):
            reader.read(path, 100, now() + 2 * SOON)

    waiting = [threading.Thread(target=ask) for _ in range(50)]
    for thread in waiting:
        thread.start()
    deadline = now() + SOON
    while sum(thread.is_alive() for thread in waiting) > PATIENT and now() < deadline:
        time.sleep(0.01)
    assert sum(thread.is_alive() for thread in waiting) == PATIENT
    hung.mend()


def test_a_mount_that_answers_again_is_read_again(hung: HungMount, tmp_path: Path) -> None:
    """Nothing is left of the time when it hung."""
    reader, path = FileReader(hung), str(tmp_path / "hung" / "password")
    why(lambda: reader.read(path, 100, now() + 0.3))
    hung.mend()
    assert reader.read(path, 100, now() + SOON).data == b"one"


def test_a_slow_mount_is_waited_for_until_the_deadline(tmp_path: Path) -> None:
    """A file that needs half a second is read by a probe that has the time."""
    (tmp_path / "password").write_text("slow")

    def slow(path: str, flags: int) -> int:
        time.sleep(0.5)
        return os.open(path, flags)

    assert FileReader(slow).read(str(tmp_path / "password"), 100, now() + 20).data == b"slow"


def test_a_look_waits_for_nothing(tmp_path: Path) -> None:
    """Its answer comes later, whatever the mount does."""
    path = tmp_path / "password"
    path.write_text("x")
    reader = FileReader()
    assert reader.look(str(path)).result(SOON) == fingerprint(path)
    assert reader.look(str(tmp_path / "none")).result(SOON) == ()


def test_without_a_thread_more_a_file_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pids limit is our fault, and over as soon as there are threads again."""
    (tmp_path / "password").write_text("x")
    reader, path = FileReader(), str(tmp_path / "password")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refusing)
        assert "password: cannot be read: can't start new thread" in why(lambda: reader.read(path, 100, now() + SOON))
        assert isinstance(reader.look(path).exception(SOON), Failure)
    assert reader.read(path, 100, now() + SOON).data == b"x"


def refusing(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
