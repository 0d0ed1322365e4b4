"""A mount namespace for a node, because kubelet and containerd write to fixed places of the machine that they run on.

What they write below /run, /var/lib and /var/log goes to memory, and so do the kernel's settings that kubelet changes
for itself. It all vanishes with the last process inside, however that ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_KERNEL = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
_VEIL = """
set -e
veil=$0 keep=$1
shift
mount -t tmpfs tmpfs "$veil"
for place in /run /var/lib /var/log; do
    mkdir -p "$veil$place/new" "$veil$place/work"
    mount -t overlay overlay -o "lowerdir=$place,upperdir=$veil$place/new,workdir=$veil$place/work" "$place"
done
for name do
    file=/proc/sys/$name
    mkdir -p "$veil${file%/*}"
    cat "$file" >"$veil$file"
    mount --bind "$veil$file" "$file"
done
exec "$keep"
"""


def managed_by(directory: Path, keep: Path) -> list[str]:
    """The command that makes the namespace, and stays in it as the program ``keep``."""
    directory.mkdir()
    return ["unshare", "--mount", "--propagation=private", "sh", "-c", _VEIL, str(directory), str(keep), *_KERNEL]


def inside(pid: int, directory: Path, words: Sequence[str]) -> list[str]:
    """A command, run in the namespace of a process, at home in ``directory``."""
    return ["nsenter", f"--mount=/proc/{pid}/ns/mnt", f"--wd={directory}", *words]
