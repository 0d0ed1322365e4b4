"""Standard output and standard error, whatever they are."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

PIPE_BYTES = 65536


def python(text: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return] # options of subprocess
        [sys.executable, "-c", text], check=False, text=True, timeout=60, **options
    )


def test_a_closed_descriptor_is_taken_before_a_socket_gets_it(tmp_path: Path) -> None:
    """With standard error closed, the next file that is opened is not descriptor 2; writes go nowhere."""
    name = tmp_path / "database"
    text = f"""
import os, sys
os.close(2)
sys.stderr = None
from mooring.observe import streams
streams.open_closed()
opened = os.open({str(name)!r}, os.O_RDWR | os.O_CREAT)
streams.complain("no database should get this")
os.write(2, b"nor this")
print(opened > 2, os.path.getsize({str(name)!r}))
"""
    assert python(text, capture_output=True).stdout.split() == ["True", "0"]


def test_a_whole_text_is_written_to_a_pipe_that_does_not_block() -> None:
    """A parent may have made the pipe non-blocking: the text is whole all the same."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    got = bytearray()

    def read() -> None:
        while part := os.read(reading, 4096):
            got.extend(part)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    size = 4 * PIPE_BYTES
    text = f"import sys; from mooring.observe import streams; streams.write(sys.stderr, 'x' * {size})"
    python(text, stderr=writing)
    os.close(writing)
    reader.join(60)
    assert bytes(got) == b"x" * size
    os.close(reading)


def test_a_full_disk_takes_no_complaint_and_ends_nothing() -> None:
    """What cannot be said is not said; the process goes on, and ends with its own code."""
    text = "from mooring.observe import streams; streams.complain('no space'); raise SystemExit(7)"
    with Path("/dev/full").open("w") as full:
        assert python(text, stderr=full).returncode == 7
