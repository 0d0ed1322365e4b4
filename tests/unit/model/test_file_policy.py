"""Which files the configuration may name."""

from __future__ import annotations

import pytest

from mooring.model.file_policy import ANYWHERE, SYSTEM_CA_DIRS, FilePolicy, inside, of_service_account


def test_authorities_may_also_lie_in_the_systems_folders() -> None:
    """A password may not; without any folder named, both lie anywhere."""
    policy = FilePolicy(("/a",))
    assert (policy.dirs_for(ca=False), policy.dirs_for(ca=True)) == (("/a",), ("/a", *SYSTEM_CA_DIRS))
    assert (ANYWHERE.dirs_for(ca=False), ANYWHERE.dirs_for(ca=True)) == (None, None)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/run/secrets/kubernetes.io/serviceaccount/token", True),
        ("/run/secrets/kubernetes.io/serviceaccount/..2026_11/token", True),
        ("/run/secrets/eks.amazonaws.com/serviceaccount/token", True),
        ("/etc/mooring/secrets/serviceaccount", False),
        ("/etc/mooring/serviceaccounts/token", False),
    ],
)
def test_a_service_accounts_folder_is_known_by_its_name(path: str, found: bool) -> None:  # noqa: FBT001 -- a column of the table
    """Wherever a cluster mounts it."""
    assert of_service_account(path) is found


@pytest.mark.parametrize(
    ("path", "folder", "lies"),
    [
        ("/a/b", "/a", True),
        ("/a/b/c", "/a", True),
        ("/a/b", "/", True),
        ("/ab", "/a", False),
        ("/a", "/a/b", False),
        ("/b/a", "/a", False),
    ],
)
def test_a_path_lies_in_a_folder_by_whole_names(path: str, folder: str, lies: bool) -> None:  # noqa: FBT001 -- a column of the table
    """A folder whose name only begins the same is another one."""
    assert inside(path, folder) is lies
