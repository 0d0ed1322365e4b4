"""Programs of another processor on this machine, by QEMU's emulation (the kernel's binfmt_misc)."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Iterator
from pathlib import Path

from lab.commands import ran
from lab.exclusive import alone
from lab.images import directory
from lab.process import command

_FORMATS = Path("/proc/sys/fs/binfmt_misc")
_NAME = "mooring-tests-arm64"
_QEMU = "qemu-aarch64-static"
_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
"""How a program for arm64 begins: ELF of 64 bits, little-endian, for machine 183 (elf(5), "e_machine")."""
_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
"""Any operating system; a program or a shared object."""


def missing() -> list[str]:
    """What this machine lacks for it, besides root."""
    return [] if _at_home() or command(_QEMU) else [_QEMU]


@contextlib.contextmanager
def arm64() -> Iterator[None]:
    """Programs for arm64 run here until the block ends, also in other roots.

    The emulator is opened when it is registered ("F" of the kernel's binfmt-misc.rst), so a root needs none of its
    own. Raises RuntimeError where the kernel does not take it.
    """
    if _at_home():
        yield
        return
    with alone(directory() / "arm64.lock"), _mounted():
        (_FORMATS / "register").write_text(f":{_NAME}:M::{_MAGIC}:{_MASK}:{command(_QEMU)}:F")
        try:
            yield
        finally:
            (_FORMATS / _NAME).write_text("-1")


def _at_home() -> bool:
    return platform.machine() == "aarch64"


@contextlib.contextmanager
def _mounted() -> Iterator[None]:
    if (_FORMATS / "register").exists():
        yield
        return
    ran("mount", "-t", "binfmt_misc", "binfmt_misc", _FORMATS)
    try:
        yield
    finally:
        ran("umount", _FORMATS)
