"""Every command as a user runs it, in a process of its own, over real servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.configuration import at, file, service
from lab.mooring import PROGRAM, Daemon
from lab.process import Server, start_all
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until
from support.rogue_servers import SCRIPTS, rogue

pytestmark = pytest.mark.needs_servers

USER, PASSWORD = "mooring", "throw-away-of-a-test"
DB, CACHE = "10.20.0.11", "10.20.0.21"


@dataclass(frozen=True)
class Shell:
    """A folder with a file, a secret and a folder of manifests."""

    directory: Path
    servers: dict[str, Server]

    @property
    def config(self) -> Path:
        return self.directory / "config.yaml"

    @property
    def secret(self) -> Path:
        return self.directory / "password"

    @property
    def state(self) -> Path:
        return self.directory / "state"

    def mooring(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *words],
            cwd=self.directory,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def over(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command that takes the file."""
        return self.mooring(*command, "--config", str(self.config))

    def started(self, *command: str) -> subprocess.Popen[str]:
        words = [*PROGRAM, *command, "--config", str(self.config)]
        return subprocess.Popen(
            words, env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def _environment(self) -> dict[str, str]:
        """The folder in the place of a cluster: `check` has no options for these, for it touches no cluster."""
        return os.environ | {"MOORING_CLUSTER": "local", "MOORING_STATE_DIR": str(self.state)}

    def often(self) -> str:
        """The file with a period of a second, for a daemon that is to notice what happens."""
        loaded = json.loads(self.config.read_text())
        loaded["defaults"]["check"] |= {"periodSeconds": 1, "timeoutSeconds": 1}
        return json.dumps(loaded)

    def manifests(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted(self.state.rglob("*.yaml"))}


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    accounts = {USER: PASSWORD}
    with ExitStack() as undo:
        made: dict[str, Server] = {"mysql": Mariadb(accounts=accounts), "redis": Redis(accounts=accounts)}
        for server in made.values():
            undo.callback(server.close)
        start_all(*made.values())
        yield made


@pytest.fixture
def shell(servers: dict[str, Server], tmp_path: Path) -> Iterator[Shell]:
    """Both servers run, and do so again afterwards. A command may wait for each as long as a busy machine needs."""
    made = Shell(tmp_path, servers)
    made.secret.write_text(PASSWORD)
    block = {"user": USER, "passwordFile": str(made.secret)}
    published = {"mysql": DB, "redis": CACHE}
    made.config.write_text(
        file(*(service(name, name, [at(published[name], servers[name])], block=block) for name in servers), period=5)
    )
    yield made
    for server in servers.values():
        if not server.running:
            server.start()


def test_check_tells_by_its_exit_code_and_its_rows(shell: Shell) -> None:
    """0 with all ready, 1 with a dead one, whose row has the reason; nothing is written."""
    done = shell.over("check")
    assert (done.returncode, done.stderr) == (0, "")
    shell.servers["redis"].kill()
    done = shell.over("check", "-o", "json")
    assert (done.returncode, done.stderr) == (1, "")
    rows = {found["name"]: found["hosts"][0] for found in json.loads(done.stdout)["services"]}
    assert (rows["mysql"]["verdict"], rows["mysql"]["reason"]) == ("ready", "ok")
    assert (rows["redis"]["verdict"], rows["redis"]["reason"]) == ("not-ready", "refused")
    assert shell.over("check", "--service", "default/mysql").returncode == 0
    assert not shell.manifests()


def test_check_of_a_wrong_password_is_not_ready(shell: Shell) -> None:
    """Where the host's state cannot be known, a check does not pass; the password is not shown."""
    shell.secret.write_text("another-than-the-server-knows")
    done = shell.over("check", "-o", "json")
    assert done.returncode == 1
    rows = [found["hosts"][0] for found in json.loads(done.stdout)["services"]]
    assert {(row["verdict"], row["reason"]) for row in rows} == {("never-judged", "auth")}
    assert "another-than-the-server-knows" not in done.stdout + done.stderr


def test_once_writes_what_it_finds(shell: Shell) -> None:
    """0 with every host published as ready; 1 once one is dead, and the manifest says which."""
    assert shell.over("run", "--once").returncode == 0
    before = shell.manifests()
    assert "notReadyAddresses" not in "".join(before.values())
    shell.servers["redis"].kill()
    assert shell.over("run", "--once").returncode == 1
    after = shell.manifests()
    assert f"notReadyAddresses:\n  - ip: {CACHE}" in after["redis.yaml"]
    assert after["mysql.yaml"] == before["mysql.yaml"]


def test_plan_shows_what_would_change(shell: Shell) -> None:
    """1 with a diff while something would change, 0 without; nothing is written."""
    first = shell.over("plan")
    assert (first.returncode, shell.manifests()) == (1, {})
    assert f"+  - {DB}" in first.stdout
    shell.over("run", "--once")
    before = shell.manifests()
    assert shell.over("plan").returncode == 0
    shell.servers["redis"].kill()
    gone = shell.over("plan")
    assert gone.returncode == 1
    assert "+- notReadyAddresses:" in gone.stdout
    assert DB not in gone.stdout, "an object that stays is not in the diff"
    assert shell.manifests() == before


COMMANDS = [("run",), ("run", "--once"), ("run", "--dry-run"), ("check",), ("plan",)]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_bad_file_ends_every_command(shell: Shell, command: tuple[str, ...]) -> None:
    """2, each error with file, line and column, and no traceback."""
    shell.config.write_text(
        "version: 1\nservices:\n- name: a\n  hosts: [127.0.0.1]\n  check: {tcp: {}, periodSeconds: 0}\n"
    )
    done = shell.over(*command)
    assert done.returncode == 2
    assert f"{shell.config}:4:11: services[0].hosts[0]" in done.stderr
    assert f"{shell.config}:5:" in done.stderr
    assert "Traceback" not in done.stderr
    assert not shell.manifests()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_missing_secret_ends_every_command(shell: Shell, command: tuple[str, ...]) -> None:
    """2, and the message names the file."""
    shell.secret.unlink()
    done = shell.over(*command)
    assert done.returncode == 2
    assert f"{shell.secret}: does not exist" in done.stderr
    assert not shell.manifests()


def test_empty_secret_ends_the_start(shell: Shell) -> None:
    """A password file with nothing but a line end is as good as none."""
    shell.secret.write_text("\n")
    done = shell.over("run")
    assert (done.returncode, f"{shell.secret}: empty" in done.stderr) == (2, True)


def test_validate_opens_no_secret(shell: Shell) -> None:
    """0 for a valid file whose secrets lie elsewhere, 2 for a bad one."""
    shell.secret.unlink()
    assert shell.mooring("validate", str(shell.config)).returncode == 0
    shell.config.write_text("")
    assert shell.mooring("validate", str(shell.config)).returncode == 2


def test_dry_run_prints_a_diff_a_flip_and_writes_nothing(shell: Shell) -> None:
    """The daemon over stored manifests: each flip is one diff on standard output, and no file changes."""
    shell.over("run", "--once")
    before = shell.manifests()
    with Daemon(shell.often(), shell.state, args=("--dry-run",)) as daemon:
        wait_until(lambda: answers(daemon), 10, "the daemon to be ready")
        shell.servers["redis"].kill()
        wait_until(lambda: "+- notReadyAddresses:" in daemon.output, 10, "the diff of a host that leaves")
        assert diffs(daemon) == 1
        shell.servers["redis"].start()
        wait_until(lambda: "+- addresses:" in daemon.output, 10, "the diff of a host that returns")
        assert diffs(daemon) == 2
        assert daemon.stop() == 0
        assert diffs(daemon) == 2
    assert shell.manifests() == before


def diffs(daemon: Daemon) -> int:
    return daemon.output.count("+++ default/redis (wanted)")


def answers(daemon: Daemon) -> bool:
    try:
        return daemon.get("/readyz")[0] == 200
    except OSError:
        return False


def test_status_asks_a_running_daemon(shell: Shell) -> None:
    """0 and the daemon's own document; 3 once it has ended."""
    with Daemon(shell.often(), shell.state) as daemon:
        wait_until(lambda: answers(daemon), 10, "the daemon to be ready")
        daemon.wait_ready("default/mysql", [DB])
        url = f"http://127.0.0.1:{daemon.port}"
        table = shell.mooring("status", "--url", url)
        assert (table.returncode, table.stderr) == (0, "")
        assert DB in table.stdout
        assert CACHE in table.stdout
        told = json.loads(shell.mooring("status", "--url", url, "-o", "json").stdout)
        assert told["services"][0].keys() == daemon.status()["services"][0].keys()
        assert daemon.stop() == 0
        gone = shell.mooring("status", "--url", url)
        assert gone.returncode == 3
        assert "Traceback" not in gone.stderr


@pytest.mark.parametrize("command", [("run", "--once"), ("check",), ("plan",)], ids=" ".join)
def test_interrupt_ends_a_command_at_once(shell: Shell, command: tuple[str, ...]) -> None:
    """Ctrl-C does not wait for a host that hangs: no traceback, nothing written."""
    with rogue(SCRIPTS["silent"]) as silent:
        times = {"periodSeconds": 100, "timeoutSeconds": 100}
        shell.config.write_text(file(service("redis", "redis", [at(CACHE, silent)], check=times)))
        with shell.started(*command) as child:
            wait_until(lambda: silent.connections, 10, "its probe")
            told = time.monotonic()
            child.send_signal(signal.SIGINT)
            said = child.communicate(timeout=120)[1]
        assert child.returncode == 130
        assert time.monotonic() - told < 60, "it waited for the probe"
        assert "Traceback" not in said
        assert not shell.manifests()


def test_bash_completes_commands_and_options(shell: Shell) -> None:
    """What `mooring completion bash` prints, a real bash reads, and finds the words by it."""
    program = Path(sys.executable).parent / "mooring"
    script = f"""
source <({program} completion bash)
complete_words() {{
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    _mooring_completion {program}
    echo "${{COMPREPLY[@]}}"
}}
complete_words mooring va
complete_words mooring run --dry
"""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.splitlines() == ["validate", "--dry-run"], done.stderr


def test_check_says_the_same_of_two_writers_each_time(tmp_path: Path) -> None:
    """Whichever of them it hears first."""
    with Redis() as first, Redis() as second:
        shell = Shell(tmp_path, {})
        hosts = [at(DB, first), at(CACHE, second)]
        shell.config.write_text(file(service("rw", "redis", hosts, block={"role": "primary"}), period=20))
        said = [json.loads(shell.mooring("check", "--config", "config.yaml", "-o", "json").stdout) for _ in range(3)]
    rows = [[(host["verdict"], host["reason"]) for host in one["services"][0]["hosts"]] for one in said]
    assert rows == [[("not-ready", "second-writer")] * 2] * 3
