"""A file system that hangs for real: FUSE without anybody behind it, as a dead NFS server or a hung CSI driver is.

python hung_mount.py FOLDER COMMAND…      mounts it over FOLDER and becomes COMMAND, with whose end it ends

To be run in a mount namespace of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

APART = ("unshare", "--mount", "--propagation", "private")


def beneath(folder: Path, program: Sequence[str]) -> Sequence[str]:
    """The program, in whose eyes the folder hangs from the start."""
    return (*APART, sys.executable, __file__, str(folder), *program)


@contextlib.contextmanager
def hung(pid: int, folder: Path) -> Iterator[None]:
    """Meanwhile the folder hangs in the eyes of that process, which was started ``APART``."""
    enter = ("nsenter", f"--mount=/proc/{pid}/ns/mnt", sys.executable, __file__, str(folder))
    with subprocess.Popen([*enter, "sh", "-c", "echo hung; exec sleep 600"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"hung\n"
        yield
        process.kill()


def _mount(folder: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    asked = os.open("/dev/fuse", os.O_RDWR)
    os.set_inheritable(asked, True)
    options = f"fd={asked},rootmode=40000,user_id=0,group_id=0"
    if libc.mount(b"hung", folder.encode(), b"fuse", 0, options.encode()):
        raise OSError(ctypes.get_errno(), f"cannot mount over {folder}")


if __name__ == "__main__":
    _mount(sys.argv[1])
    os.execvp(sys.argv[2], sys.argv[2:])
