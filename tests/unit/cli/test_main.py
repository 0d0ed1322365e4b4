"""`mooring` itself: its help, its version, wrong words, a full disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mooring import __version__
from mooring.cli.main import COMMANDS, main
from support.typed_commands import Write

pytestmark = pytest.mark.usefixtures("alone")


TOO_LONG = f"/tmp/{'a' * 300}"
"""A name that the kernel takes for no file, as it does one in a folder that we may not enter."""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        *(([name, "--config", TOO_LONG], 2) for name in ("run", "check", "plan", "doctor")),
        (["validate", TOO_LONG], 2),
        *(
            ([*words, "--cluster", "kubeconfig", "--kubeconfig", TOO_LONG], 3)
            for words in (["import", "db"], ["doctor", "--only", "cluster"])
        ),
    ],
    ids=str,
)
def test_a_file_that_cannot_be_looked_at_is_one_sentence(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says why, and is no traceback."""
    assert main(arguments) == code
    shown = capsys.readouterr()
    assert "cannot be read: File name too long" in shown.out + shown.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["runn"], "Did you mean 'run'?"),
        (["valid", "f"], "Did you mean 'validate'?"),
        (["run", "--dry"], "Did you mean '--dry-run'?"),
        (["run", "--on"], "No such option '--on'"),
        (["check", "--listen", "none"], "No such option '--listen'"),
        (["validate", "--state-dir", "s", "f"], "No such option '--state-dir'"),
        (["validate"], "Missing argument 'FILE|-'"),
        (["validate", "a", "b"], "unexpected extra argument (b)"),
        (["check", "-o", "xml"], "'xml' is not one of 'table', 'json'"),
        (["status", "--url", "127.0.0.1:8080"], "must begin with http:// or https://, is '127.0.0.1:8080'"),
        (["status", "--url", "file:///etc"], "must begin with http:// or https://"),
        (["completion", "csh"], "'csh' is not one of 'bash', 'zsh', 'fish'"),
    ],
    ids=str,
)
def test_wrong_usage_ends_with_2(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No option is abbreviated, none is taken that does nothing, and the nearest name is said."""
    assert main(arguments) == 2
    shown = capsys.readouterr().err
    assert sentence in shown
    assert "Usage: mooring" in shown


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]], ids=str)
def test_mooring_alone_prints_the_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Every command has a line; nothing is wrong with asking."""
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.partition("Commands:\n")[2].splitlines() if line[2:3].strip()] == [
        *COMMANDS
    ]


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Mooring --version."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mooring {__version__}\n"


def test_the_version_needs_no_command() -> None:
    """It is printed at once: nothing of what the commands need is imported for it."""
    code = "import sys; from mooring.cli.main import main; main(['--version']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.splitlines()[-1].split())
    of_mooring = {name for name in modules if name.startswith("mooring.")}
    rooms = ("cli", "cli.again", "cli.codes", "cli.main", "model", "model.errors", "observe", "observe.streams")
    assert of_mooring <= {f"mooring.{room}" for room in rooms}
    assert modules.isdisjoint({"asyncio", "json", "rich", "ssl", "urllib.request"})


def test_a_full_disk_under_standard_output_is_reported(write: Write, up: int) -> None:
    """One sentence and an exit code of its own, no traceback."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "mooring", "check", "--config", str(write(up))]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (74, "standard output takes no more: No space left on device\n")
